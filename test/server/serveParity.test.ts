import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Random } from '../../src/random.ts'
import { smallData } from '../training/dataFixture.ts'
import { Oracle, type Ranked, readParquetRows, type Wish } from './oracle.ts'
import type { RawAnswer } from './rawConnection.ts'
import { CENTRE, openConnections, RESTAURANTS, saveSeed, serveWorld, USERS } from './serverFixture.ts'

const { data, folder } = await smallData({ rows: 100, testRows: 10, users: USERS, restaurants: RESTAURANTS })
const model = join(folder, 'model')
await saveSeed(model, 1)
const oracle = await Oracle.open(model, await readParquetRows(data))
const { port } = await serveWorld(
  { model, newStore: async () => `sqlite:${join(folder, 'features.db')}` },
  { fill: { data } },
)
const [connection] = await openConnections(port, 1)

const ask = (user: string | number, wish: Wish | string): Promise<RawAnswer> =>
  connection.send(`POST /recommend/${user}`, typeof wish === 'string' ? wish : JSON.stringify(wish))
const check = async (user: number, wish: Wish, path: string | number = user) => {
  const { status, body } = await ask(path, wish)
  assert.equal(status, 200, body)
  const { restaurants } = JSON.parse(body) as { restaurants: Ranked[] }
  await oracle.assertRanked(restaurants, user, wish)
  return restaurants
}

test('300 random requests: candidates, places, sizes, distances, both orders', async () => {
  const random = new Random(7)
  const integer = (end: number) => Math.floor(random.float() * end)
  let longest = 0
  for (let i = 0; i < 300; i++) {
    const user = integer(USERS)
    // Some candidates are not there, and most stand twice somewhere.
    const candidates = Array.from({ length: integer(1200) }, () => integer(RESTAURANTS + 50))
    const found = await check(user, {
      ...(i % 4 !== 0 && { candidate_restaurant_ids: candidates }),
      latitude: CENTRE.latitude + 0.3 * (random.float() - 0.5),
      longitude: CENTRE.longitude + 0.3 * (random.float() - 0.5),
      ...(i % 3 !== 0 && { size: 1 + integer(400) }),
      ...(i % 5 !== 0 && { max_dist: 30_000 * random.float() }),
      ...(i % 2 !== 0 && { sort_dist: random.float() < 0.5 }),
    })
    longest = Math.max(longest, found.length)
  }
  assert.ok(longest > 100, `${longest} restaurants in the longest list`)
})

test('u00042, 42 and u42 are one user', async () => {
  const wish = { ...CENTRE, max_dist: 40_000, size: 50 }
  const lists = [await check(42, wish, 'u00042'), await check(42, wish, '42'), await check(42, wish, 'u42')]
  assert.deepEqual(lists[0], lists[1])
  assert.deepEqual(lists[0], lists[2])
  assert.notDeepEqual(lists[0], await check(43, wish))
})

test('awkward requests: no candidates, nothing near, distance 0, the whole earth, duplicates, more than there are', async () => {
  const place = oracle.restaurants.get('5')!
  const at = { latitude: place.latitude, longitude: place.longitude }
  assert.deepEqual(await check(1, { ...CENTRE, candidate_restaurant_ids: [] }), [])
  assert.deepEqual(await check(1, { latitude: -33, longitude: -70 }), [])
  assert.equal((await check(1, { ...at, max_dist: 0 })).length, 1)
  assert.equal((await check(1, { ...CENTRE, max_dist: 1e308, size: 1e15 })).length, RESTAURANTS)
  assert.equal(
    (await check(1, { latitude: 90, longitude: 180, max_dist: 2.1e7, size: 1000 })).length,
    RESTAURANTS,
  )
  const twice = {
    ...CENTRE,
    max_dist: 1e6,
    candidate_restaurant_ids: [5, 5, 7, 5, 7, 100_000, -3, 2 ** 53 - 1],
  }
  assert.deepEqual((await check(1, twice)).map(({ id }) => id).toSorted(byNumber), [5, 7])
  // Ids as digits name the same restaurants; other texts name none.
  const asText = { ...twice, candidate_restaurant_ids: ['5', '7', 'x', '5.0', ' 7'] }
  assert.deepEqual((await check(1, asText)).map(({ id }) => id).toSorted(byNumber), [5, 7])
})

test('the answer has exactly the documented form', async () => {
  const { headers, body, status } = await ask(3, { ...CENTRE, max_dist: 50_000, size: 3 })
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/json; charset=utf-8')
  assert.match(headers['server-timing'], /^parse;dur=[\d.]+, rank;dur=[\d.]+, write;dur=[\d.]+$/)
  assert.equal(headers['nearrank-user'], undefined)
  const item = String.raw`\{"id":\d+,"score":0\.\d+(?:e-\d+)?,"displacement":\d+(?:\.\d+)?\}`
  assert.match(body, new RegExp(String.raw`^\{"restaurants":\[${item},${item},${item}\]\}$`))
  const empty = await ask(3, { ...CENTRE, max_dist: 0 })
  assert.equal(empty.body, '{"restaurants":[]}')
})

test('unknown users and ids that are none', async () => {
  for (const [path, status, code] of [
    [USERS, 404, 'UNKNOWN_USER'],
    ['u99999', 404, 'UNKNOWN_USER'],
    ['-1', 404, 'UNKNOWN_USER'],
    ['9223372036854775807', 404, 'UNKNOWN_USER'],
    ['9223372036854775808', 400, 'BAD_ID'],
    ['18446744073709551615', 400, 'BAD_ID'],
    ['x', 400, 'BAD_ID'],
    ['4.2', 400, 'BAD_ID'],
    ['%F0%9F%8D%9C', 400, 'BAD_ID'],
  ] as const) {
    const answer = await ask(path, CENTRE)
    assert.equal(answer.status, status, String(path))
    assert.equal((JSON.parse(answer.body) as { code: string }).code, code)
  }
})

function byNumber(a: number | string, b: number | string): number {
  return Number(a) - Number(b)
}
