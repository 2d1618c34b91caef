import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { fillStore } from '../../src/live/fillStore.ts'
import { recommend } from '../../src/ranking/recommend.ts'
import { openStore } from '../../src/store/openStore.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { train } from '../../src/training/train.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { startCopy } from '../store/storeCopy.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { serveWorld } from './serverFixture.ts'

const ROWS = 40
const HIGHEST = 2n ** 64n - 1n
const LOWEST = 2n ** 63n // of the restaurants; all have the highest of 64 bits
const WHERE = { latitude: 10, longitude: 20 }

test('ids above 2^63 train, fill a store, are served, read and written', async () => {
  const folder = await temporaryFolder()
  const [data, model] = [join(folder, 'data'), join(folder, 'model')]
  await writeData(data)
  const network = { hidden: [4], activations: ['relu' as const] }
  await train({ data, out: model, ...network, epochs: 1, batchSize: 64, validation: 0, threads: 1 })
  assert.equal((await evaluate({ data, model, threads: 1 })).rows, 100)

  const address = `sqlite:${join(folder, 'features.db')}`
  const world = { model, newStore: async () => address }
  const server = await serveWorld(world, { fill: { data } })
  assert.deepEqual([server.users, server.restaurants], [ROWS, ROWS])
  const client = new NearrankClient({ url: server.url })
  assert.deepEqual((await client.getUser(HIGHEST))?.features, [0, 0])
  assert.deepEqual((await client.getRestaurant(LOWEST + 3n))?.features, [3])
  await client.putUser(HIGHEST - 1n, [5, 6])
  await client.putRestaurant(HIGHEST, { ...WHERE, features: [7] })
  const candidateRestaurantIds = [LOWEST, HIGHEST, LOWEST + 3n, 5]
  const wish = { ...WHERE, maxDistM: 1e6, candidateRestaurantIds }
  const { restaurants } = await client.recommend(HIGHEST - 1n, wish)
  assert.deepEqual(
    restaurants.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1)),
    [LOWEST, LOWEST + 3n, HIGHEST],
  )
  for (const url of [`users/${HIGHEST + 1n}`, 'users/-1']) {
    const answer = await fetch(`${server.url}/${url}`)
    assert.equal(answer.status, 400)
    assert.match(await answer.text(), /BAD_ID.*|must be an integer from 0 to 2\^64 − 1/)
  }
  await server.stop()

  const again = await serveWorld(world)
  const reader = new NearrankClient({ url: again.url })
  assert.deepEqual((await reader.getUser(HIGHEST - 1n))?.features, [5, 6])
  assert.deepEqual((await reader.getRestaurant(HIGHEST))?.features, [7])
  await again.stop()

  const body = { candidateRestaurantIds: [String(LOWEST), String(HIGHEST)], ...WHERE }
  const request = { ...body, size: 5, maxDistM: 1e6, sortByDistance: false }
  const listed = await recommend({ user: `u${HIGHEST}`, request }, { data, model })
  assert.deepEqual(
    listed.restaurants.map(({ id }) => id),
    [LOWEST],
  )
  assert.deepEqual(listed.unknown, [String(HIGHEST)])
})

test('a store of unsigned ids takes data of signed ones if none is negative', async () => {
  const folder = await temporaryFolder()
  for (const [name, lowest] of [
    ['natural', 0],
    ['negative', -1],
  ] as const) {
    const data = join(folder, name)
    await writeTables(data, `(i + ${lowest})::BIGINT`, `i::BIGINT`)
    const store = await openStore(`sqlite:${join(folder, `${name}.db`)}`, {
      layout: { users: { features: 2, ids: 'unsigned' }, restaurants: { features: 1, ids: 'unsigned' } },
    })
    if (lowest < 0) {
      const problem = /its ids of users must be of the kind unsigned, found integer; choose/
      await assert.rejects(fillStore({ data, store }), isError('INPUT', problem))
      assert.equal(await store.isFilling(), false)
    } else {
      assert.deepEqual(await fillStore({ data, store }), { users: ROWS, restaurants: ROWS })
      const { rows } = await startCopy(store)
      assert.deepEqual([...rows.users.keys()].slice(0, 3), [0, 1, 2])
    }
    await store.close()
  }
})

async function writeData(data: string): Promise<void> {
  const [user, restaurant] = [`(${HIGHEST}::UBIGINT - i::UBIGINT)`, `(${LOWEST}::UBIGINT + i::UBIGINT)`]
  await writeTables(data, user, restaurant)
  for (const [split, rows] of [
    ['train', 500],
    ['test', 100],
  ])
    await writeParquetFile(
      data,
      `${split}/a.parquet`,
      `SELECT ${user.replace('i::', `(i % ${ROWS})::`)} AS user_id, ${restaurant.replace('i::', `((i * i) % ${ROWS})::`)} AS restaurant_id,
         (i % 3 = 0)::INT AS click FROM range(${rows}) t(i)`,
    )
}

async function writeTables(data: string, user: string, restaurant: string): Promise<void> {
  await writeParquetFile(
    data,
    'user_features.parquet',
    `SELECT ${user} AS user_id, i AS f0, i * i AS f1 FROM range(${ROWS}) t(i)`,
  )
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT ${restaurant} AS restaurant_id, i AS f0, 10 + i / 100 AS latitude, 20.0 AS longitude FROM range(${ROWS}) t(i)`,
  )
}
