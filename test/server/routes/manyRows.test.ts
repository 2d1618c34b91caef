import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildApp } from '../../../src/server/app.ts'
import { fakeServices } from '../fakeServices.ts'
import { assertProblem, NDJSON_TYPE, send } from '../inject.ts'
import { makeWorld, RESTAURANTS, serveWorld } from '../serverFixture.ts'

interface Row {
  restaurant_id: number
  features: number[]
  latitude: number
  longitude: number
}

const services = fakeServices()
const app = buildApp({ services })
const rows = [7, 8, 9].map(
  (id) => `{"restaurant_id":${id},"features":[0.5,${id}],"latitude":1,"longitude":2}`,
)
await send(app, 'POST /features', rows.join('\n'), NDJSON_TYPE)

describe('several rows at once', () => {
  test('ids are answered in their order, without those that do not exist', async () => {
    const { statusCode, body } = await send(app, 'GET /restaurants?id=9&id=4&id=7')
    assert.equal(statusCode, 200)
    assert.equal(body, `{"restaurants":[${rows[2]},${rows[0]}]}`)
    assert.equal((await send(app, 'GET /restaurants?id=8')).body, `{"restaurants":[${rows[1]}]}`)
    assert.equal((await send(app, 'GET /users?id=8')).body, '{"users":[]}')
  })

  test('a query that says something else is refused, with what it takes', async () => {
    for (const [query, detail] of [
      ['', /must have either id or sample, found neither$/],
      ['id=1&sample=1', /must have either id or sample, found both$/],
      ['sample=0', /sample must be an integer from 1 to 100, found "0"$/],
      ['sample=101', /from 1 to 100, found "101"$/],
      ['sample=1e1', /found "1e1"$/],
      ['sample=1&sample=2', /sample must be an integer from 1 to 100, found \["1","2"\]$/],
      ['sample=', /found ""$/],
      ['size=3', /the query takes id and sample, found "size"$/],
      [Array.from({ length: 101 }, (_, i) => `id=${i}`).join('&'), /repeated 100 times, found 101$/],
    ] as const)
      assertProblem(await send(app, `GET /restaurants?${query}`), 'BAD_QUERY', detail)
    assertProblem(await send(app, 'GET /restaurants?id=x'), 'BAD_ID')
    assertProblem(await send(app, 'GET /restaurants?id='), 'BAD_ID')
  })

  test('of text ids, one that cannot be decoded is refused; a percent sign may be one', async () => {
    const texts = fakeServices({
      users: { features: 1, ids: 'string' },
      restaurants: { features: 1, ids: 'string' },
    })
    const appOfTexts = buildApp({ services: texts })
    const row = '{"user_id":"%zz","features":[1]}'
    await send(appOfTexts, 'POST /features', row, NDJSON_TYPE)
    assert.equal((await send(appOfTexts, 'GET /users?id=%25zz&id=b%20c')).body, `{"users":[${row}]}`)
    for (const query of ['id=%zz', 'id=%ff', 'id=a&id=%', 'id=a&id=%c3'])
      assertProblem(await send(appOfTexts, `GET /users?${query}`), 'BAD_ID', /percent-encoding/)
  })
})

test('a sample is of different rows that are there, however few are left', async () => {
  const { url } = await serveWorld(await makeWorld())
  const sample = async (side: 'users' | 'restaurants', count: number) => {
    const answer = await fetch(`${url}/${side}?sample=${count}`)
    assert.equal(answer.status, 200)
    return ((await answer.json()) as Record<string, Row[]>)[side]
  }
  const [first, second] = [await sample('restaurants', 100), await sample('restaurants', 100)]
  for (const drawn of [first, second]) assert.equal(new Set(drawn.map((row) => row.restaurant_id)).size, 100)
  assert.notDeepEqual(first, second)
  const one = (await (await fetch(`${url}/restaurants/${first[0].restaurant_id}`)).json()) as Row
  assert.deepEqual(first[0], one)
  assert.equal((await sample('users', 1)).length, 1)

  const left = new Set([0, 17, RESTAURANTS - 1])
  const gone = Array.from({ length: RESTAURANTS }, (_, id) => id).filter((id) => !left.has(id))
  const lines = gone.map((id) => JSON.stringify({ restaurant_id: id, deleted: true })).join('\n')
  await fetch(`${url}/features`, { method: 'POST', headers: NDJSON_TYPE, body: lines })
  const found = (await sample('restaurants', 100)).map((row) => row.restaurant_id)
  assert.deepEqual(
    found.toSorted((a, b) => a - b),
    [...left],
  )
})
