import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { describeRow } from '../../src/console/explore/describeRow.ts'
import type { FillOptions } from '../../src/dataset/options.ts'
import { train } from '../../src/training/train.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { serveWorld } from '../server/serverFixture.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { runCliLines } from './runCli.ts'

const KEPT = ['name', 'phone', 'mean', 'open', 'opened', 'seen', 'tags', 'stars']
const WISH = { latitude: 10, longitude: 0.15, maxDistM: 1e6, size: 30 }
const RESTAURANT = 7
const LAST = 29 // everything that is kept of it is missing

/** Of the restaurant 7, as the columns below have it. */
const OWN = {
  name: 'the 7',
  phone: '9007199254740999', // a JSON number cannot hold it
  mean: 0.7,
  open: false,
  opened: '2024-02-08',
  seen: '2024-02-08T12:30:00.000Z',
  tags: ['t7', 'ไทย'],
  stars: [7, 0.5],
}

const folder = await temporaryFolder()
const data = join(folder, 'data')
const model = (name: string) => join(folder, name)
const address = (name: string) => `sqlite:${join(folder, `${name}.db`)}`

async function serve(of: string, store: string, fill?: Omit<FillOptions, 'data'>) {
  const options = { store: address(store), ...(fill && { fill: { data, ...fill } }) }
  const server = await serveWorld({ model: model(of), newStore: async () => '' }, options)
  return { client: new NearrankClient({ url: server.url }), stop: () => server.stop() }
}

async function look({ client, stop }: Awaited<ReturnType<typeof serve>>) {
  const row = await client.getRestaurant(RESTAURANT)
  const last = await client.getRestaurant(LAST)
  const lists = await Promise.all([1, 2, 3].map((user) => client.recommend(user, WISH)))
  await stop()
  return { row: row?.features, last: last?.features, lists }
}

/** Thirty restaurants, and a model of either kind that takes few of their columns. */
async function writeAll(): Promise<void> {
  await writeParquetFile(
    data,
    'user_features.parquet',
    'SELECT i AS user_id, i % 4 AS age FROM range(60) t(i)',
  )
  const kept = `'the ' || i AS name, 9007199254740992 + i AS phone, i / 10 AS mean, i % 2 = 0 AS open,
  DATE '2024-02-01' + i::INTEGER AS opened, TIMESTAMP '2024-02-01 12:30:00' + to_days(i::INTEGER) AS seen,
  ['t' || i, 'ไทย'] AS tags, [i, 0.5]::DOUBLE[] AS stars`
  const names = KEPT.map((name) => `CASE WHEN i < ${LAST} THEN ${name} END AS ${name}`).join(', ')
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT i AS restaurant_id, ${names}, i % 5 AS price, 'c' || (i % 3) AS city, {'a': i} AS struct,
     10.0 AS latitude, i / 100.0 AS longitude
   FROM (SELECT i, ${kept} FROM range(30) t(i))`,
  )
  await writeParquetFile(
    data,
    'train/clicks.parquet',
    'SELECT i % 60 AS user_id, i % 30 AS restaurant_id, (i * 7) % 5 // 3 AS click FROM range(600) t(i)',
  )
  const settings = { data, hidden: [4], validation: 0, epochs: 2, checkpointSeconds: 0, threads: 1 }
  await train({ ...settings, out: model('values'), restaurantFeatures: ['city', 'price'] })
  await train({ ...settings, out: model('vectors'), restaurantFeatures: ['price'] })
}

await writeAll()

describe('columns of the restaurants that are kept for display', () => {
  for (const [kind, own] of [
    ['values', { city: 'c1', price: 2 }],
    ['vectors', { price: 2 }],
  ] as const)
    test(`served beside features that are ${kind}: answered first and raw, and no list changes`, async () => {
      const plain = await look(await serve(kind, `${kind}-plain`, {}))
      const kept = await look(await serve(kind, `${kind}-kept`, { keepColumns: KEPT }))
      assert.deepEqual(plain.row, kind === 'values' ? own : [2])
      assert.deepEqual(kept.row, { ...OWN, ...own })
      assert.deepEqual(Object.keys(kept.row ?? {}), [...KEPT, ...Object.keys(own)])
      assert.equal(describeRow({ features: kept.row ?? [] }).split(' · ')[0], 'the 7')
      assert.deepEqual(kept.last, kind === 'values' ? { city: 'c2', price: 4 } : { price: 4 })
      assert.ok(plain.lists[0].restaurants.length === 30)
      assert.deepEqual(kept.lists, plain.lists)

      const again = await look(await serve(kind, `${kind}-kept`))
      const asked = await look(await serve(kind, `${kind}-kept`, { keepColumns: ['name'] }))
      assert.deepEqual([again, asked], [kept, kept])
      await assert.rejects(
        serve(kind, `${kind}-plain`, { keepColumns: ['name'] }),
        isError(
          'INPUT',
          kind === 'values'
            ? /must have the restaurant feature name, found city, price/
            : /must hold the values of restaurants by name \(name, price\), found vectors of 1 numbers/,
        ),
      )
    })

  test('what is put in later may have them or not, and is told where it is kept', async () => {
    const { client, stop } = await serve('values', 'put', { keepColumns: ['name'] })
    const place = { latitude: 10, longitude: 0 }
    await client.putRestaurant(100, { ...place, features: { name: 'new', city: 'c0', price: 1 } })
    await client.putRestaurant(101, { ...place, features: { city: 'c0', price: 1 } })
    assert.deepEqual((await client.getRestaurant(100))?.features, { name: 'new', city: 'c0', price: 1 })
    assert.deepEqual((await client.getRestaurant(101))?.features, { city: 'c0', price: 1 })
    await assert.rejects(
      client.putRestaurant(102, { ...place, features: { phone: 1, city: 'c0', price: 1 } }),
      /the features are name, city, price/,
    )
    await stop()
  })

  test('a server does not make a store that lacks a column', async () => {
    const misspelt = isError(
      'INPUT',
      /Cannot keep the column nmae of restaurant_features.parquet: .*mean name\?/,
    )
    const ids = { users: 'integer', restaurants: 'integer' } as const
    for (const options of [{}, { ids }]) {
      const store = address('misspelt')
      const fill = { data, keepColumns: ['nmae'] }
      await assert.rejects(
        serveWorld({ model: model('values'), newStore: async () => store }, { store, fill, ...options }),
        misspelt,
      )
    }
    await look(await serve('values', 'misspelt', { keepColumns: ['name'] }))
  })

  test('load fills such a store, with a model or without; wrong columns are refused first', async () => {
    const load = ['load', '--data', data, '--store']
    const results = await runCliLines([
      [...load, address('l'), '--model', model('values'), '--keep-columns', 'name,name,price'],
      [...load, address('l'), '--model', model('values')],
      [...load, address('l'), '--model', model('values'), '--keep-columns', 'name'],
      [...load, address('n'), '--keep-columns', 'name', '--restaurant-features', 'city,price'],
      ...['nme', 'zzz', 'restaurant_id', 'latitude', 'struct'].map((name) =>
        load.concat(address('never'), '--keep-columns', `name,${name}`),
      ),
      ['load', '--from', join(folder, 'l.db'), '--store', address('b'), '--keep-columns', 'name'],
      ['load', '--from', join(folder, 'l.db'), '--store', address('b')],
    ])
    const problems = [
      undefined,
      /must have 3 features of restaurants \(city, name, price\), found 2 \(city, price\).*--keep-columns/,
      undefined,
      undefined,
      /Cannot keep the column nme of .*: there is none; did you mean name\?/,
      /Cannot keep the column zzz of .*: there is none; its columns are restaurant_id, name, phone/,
      /Cannot keep the column restaurant_id of .*: a store has the id and the place/,
      /Cannot keep the column latitude of .*: a store has the id and the place/,
      /Cannot keep the column struct of .*: it must hold texts, numbers, .*, found STRUCT/,
      /flags of data cannot be given with it/,
      undefined,
    ]
    for (const [i, { code, stderr }] of results.entries()) {
      assert.equal(code === 0, problems[i] === undefined, `${i}: ${stderr}`)
      if (problems[i]) assert.match(stderr, problems[i])
    }
    assert.equal(existsSync(join(folder, 'never.db')), false)
    for (const name of ['l', 'n', 'b']) {
      const { row } = await look(await serve('values', name))
      assert.deepEqual(Object.entries(row ?? {}), [
        ['name', 'the 7'],
        ['city', 'c1'],
        ['price', 2],
      ])
    }
  })
})
