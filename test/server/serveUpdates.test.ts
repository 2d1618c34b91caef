import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { Random } from '../../src/random.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { haversineM, Oracle, type Place, type Wish } from './oracle.ts'
import type { RawConnection } from './rawConnection.ts'
import {
  CENTRE,
  makeWorld,
  NETWORK,
  openConnections,
  putRow,
  randomFeatures,
  rankedList,
  saveSeed,
  serveWorld,
} from './serverFixture.ts'

const CONNECTIONS = 24 // that one of 3 threads gets none of them happens once in 5,000 runs
const STATES = 6
const NEW_ROWS = 70_000 // more than the 65,536 that there is room for at first

const world = await makeWorld()
const oracle = await Oracle.open(world.model, world)
const { port, url } = await serveWorld(world, { workers: 3 })
const [writer, ...readers] = await openConnections(port, CONNECTIONS + 1)
const client = new NearrankClient({ url })
const random = new Random(5)

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(items.length * random.float())]
}

/** A state other than `last`. */
function next(last: number): number {
  return (last + 1 + Math.floor((STATES - 1) * random.float())) % STATES
}

const users = Array.from({ length: STATES }, () => randomFeatures(random, NETWORK.userFeatures))
const places = Array.from({ length: STATES }, (_, i) => ({
  features: randomFeatures(random, NETWORK.restaurantFeatures),
  latitude: CENTRE.latitude + i, // far from one another and from all others, but for the first
  longitude: CENTRE.longitude,
}))

/** The one restaurant near, or none. */
async function onlyOneNear(reader: RawConnection, { latitude, longitude }: Place, id: number) {
  const list = await rankedList(reader, 1, { latitude, longitude, max_dist: 2000, size: 1000 })
  return list.find((ranked) => ranked.id === id)
}

test('a user that was put is ranked with by every thread from the acknowledgement on: 1,000 tries, none stale', async () => {
  const wish: Wish = { ...CENTRE, candidate_restaurant_ids: [3], max_dist: 1e6 }
  const scores = await Promise.all(users.map((user) => oracle.scores(user, [world.restaurants.get('3')!])))
  const apart = scores.flat().toSorted((a, b) => a - b)
  for (let i = 1; i < STATES; i++) assert.ok(apart[i] - apart[i - 1] > 1e-4, 'the states tell apart')
  let state = 0
  for (let tries = 0; tries < 1000; tries++) {
    state = next(state)
    await putRow(writer, '/users/42', { features: users[state] })
    const [{ score }] = await rankedList(readers[tries % CONNECTIONS], 'u00042', wish)
    assert.ok(
      Math.abs(score - scores[state][0]) < 1e-5,
      `try ${tries}: ${score}, must be ${scores[state][0]}`,
    )
  }
})

test('a restaurant that was put has its features and its place everywhere, also for requests without candidates', async () => {
  const scores = await oracle.scores(world.users.get('1')!, places)
  let state = 0
  for (let tries = 0; tries < 300; tries++) {
    const before = places[state]
    state = next(state)
    const place = places[state]
    await putRow(writer, '/restaurants/9000', place)
    const reader = readers[tries % CONNECTIONS]
    const byId = await rankedList(reader, 1, {
      ...CENTRE,
      candidate_restaurant_ids: [9000],
      max_dist: 1e6,
    })
    for (const found of [byId[0], await onlyOneNear(reader, place, 9000)]) {
      assert.ok(found, `try ${tries}: it is found where it is`)
      assert.ok(Math.abs(found.score - scores[state]) < 1e-5, `try ${tries}: ${found.score}`)
    }
    assert.ok(Math.abs(byId[0].displacement - haversineM(CENTRE, place)) < 1e-3)
    assert.equal(await onlyOneNear(reader, before, 9000), undefined, 'and not where it was')
  }
})

test('what was deleted is gone on every thread, and back once it is put again', async () => {
  const place = places[1]
  for (let tries = 0; tries < 60; tries++) {
    const reader = pick(readers)
    await client.putUser(77_777, users[0])
    await client.putRestaurant(9001, place)
    assert.equal((await onlyOneNear(reader, place, 9001))?.id, 9001)
    assert.equal((await rankedList(reader, 77_777, { ...CENTRE, max_dist: 1e6 })).length, 20)
    assert.equal(await client.deleteUser(77_777), true)
    assert.equal(await client.deleteRestaurant(9001), true)
    assert.equal(await onlyOneNear(reader, place, 9001), undefined)
    const wish = { ...CENTRE, candidate_restaurant_ids: [9001, 1], max_dist: 1e6 }
    assert.deepEqual(
      (await rankedList(reader, 1, wish)).map(({ id }) => id),
      [1],
    )
    const answer = await reader.send('POST /recommend/77777', JSON.stringify(CENTRE))
    assert.equal(answer.status, 404)
  }
  assert.equal(await client.deleteUser(77_777), false)
})

test('a bulk load counts whole from its acknowledgement on', async () => {
  for (let round = 0; round < 20; round++) {
    const ids = Array.from({ length: 200 }, (_, i) => 20_000 + 200 * round + i)
    const [place] = places.slice(round % STATES)
    const rows = ids.map((restaurantId) => ({ restaurantId, ...place }))
    const told = await client.putFeatures([
      ...rows,
      { userId: 30_000 + round, features: users[round % STATES] },
      { restaurantId: ids[0], deleted: true },
    ])
    assert.deepEqual(told, { users: 1, restaurants: 200, deleted: 1 })
    const { latitude, longitude } = place
    for (const reader of [pick(readers), pick(readers)]) {
      const wish = { latitude, longitude, max_dist: 10, size: 1000, candidate_restaurant_ids: ids }
      const found = await rankedList(reader, 30_000 + round, wish)
      assert.deepEqual(
        found.map(({ id }) => id),
        ids.slice(1),
        'equal scores are in the order of the ids',
      )
    }
  }
})

test('no request sees half a row while users and restaurants flip between two states', async () => {
  const near = places.slice(0, 2)
  const [a, b] = await Promise.all(users.slice(0, 2).map((user) => oracle.scores(user, near)))
  const distances = near.map((place) => haversineM(CENTRE, place))
  await putRow(writer, '/users/50', { features: users[0] })
  await putRow(writer, '/restaurants/9002', near[0])
  const over = new AbortController()
  let answers = 0
  const seen = new Set<string>()
  const wish: Wish = { ...CENTRE, candidate_restaurant_ids: [9002], max_dist: 1e6 }
  const read = async (reader: RawConnection) => {
    while (!over.signal.aborted) {
      const [{ score, displacement }] = await rankedList(reader, 50, wish)
      const at = distances.findIndex((distance) => Math.abs(distance - displacement) < 1e-3)
      assert.notEqual(at, -1, `${displacement} m is where it never was`)
      const of = [a[at], b[at]].findIndex((legal) => Math.abs(legal - score) < 1e-5)
      assert.notEqual(of, -1, `${score} is none of ${a[at]} and ${b[at]}`)
      seen.add(`${at} ${of}`)
      answers++
    }
  }
  const [userWriter] = readers.slice(8)
  const reading = Promise.all(readers.slice(0, 6).map(read))
  try {
    await Promise.all([
      (async () => {
        for (let i = 0; i < 1000; i++) await putRow(userWriter, '/users/50', { features: users[i & 1] })
      })(),
      (async () => {
        for (let i = 0; i < 1000; i++) await putRow(writer, '/restaurants/9002', near[i & 1])
      })(),
    ])
  } finally {
    over.abort()
  }
  await reading
  assert.ok(answers > 1000, `${answers} answers`)
  assert.equal(seen.size, 4, 'all four combinations were seen')
})

test('tables grow under load: every new row counts from its acknowledgement on, and nothing else is disturbed', async () => {
  const folder = await temporaryFolder()
  const network = { userFeatures: 2, restaurantFeatures: 1, hidden: [4], activations: ['relu' as const] }
  const model = join(folder, 'model')
  await saveSeed(model, 3, { network })
  const small = await serveWorld({ model, newStore: async () => `sqlite:${join(folder, 's.db')}` })
  const own = new NearrankClient({ url: small.url, timeoutMs: 60_000 })
  await own.putFeatures([
    { userId: 1, features: [1, 2] },
    { restaurantId: 1, features: [1], ...CENTRE },
  ])
  const [, ...asking] = await openConnections(small.port, 9)
  const old = { ...CENTRE, candidate_restaurant_ids: [1], max_dist: 100 }
  const first = await rankedList(asking[0], 1, old)
  // A connection that has asked nothing for ten seconds, ever, is closed; on a busy machine, growing takes longer.
  for (const reader of asking.slice(1)) assert.deepEqual(await rankedList(reader, 1, old), first)
  const over = new AbortController()
  const undisturbed = Promise.all(
    asking.slice(0, 4).map(async (reader) => {
      while (!over.signal.aborted) assert.deepEqual(await rankedList(reader, 1, old), first)
    }),
  )
  try {
    const newHomes = function* () {
      for (let i = 0; i < NEW_ROWS; i++)
        yield {
          restaurantId: 100 + i,
          features: [i / NEW_ROWS],
          latitude: (i % 1000) / 50,
          longitude: i / 1000,
        }
    }
    const newUsers = function* () {
      for (let i = 0; i < NEW_ROWS; i++) yield { userId: 100 + i, features: [i / NEW_ROWS, 1] }
    }
    assert.equal((await own.putFeatures(newHomes())).restaurants, NEW_ROWS)
    assert.equal((await own.putFeatures(newUsers())).users, NEW_ROWS)
    for (let tries = 0; tries < 200; tries++) {
      const i = tries < 10 ? NEW_ROWS - 1 - tries : Math.floor(NEW_ROWS * random.float())
      const reader = asking[tries % asking.length]
      const wish = { latitude: (i % 1000) / 50, longitude: i / 1000, max_dist: 1 }
      assert.deepEqual(
        (await rankedList(reader, 100 + i, wish)).map(({ id }) => id),
        [100 + i],
      )
    }
  } finally {
    over.abort()
  }
  await undisturbed
})
