import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LiveRanker, type RankerMemory } from '../../src/live/ranker.ts'
import { LiveState } from '../../src/live/state.ts'
import { numberFeatures, type Side } from '../../src/features/featureSpec.ts'
import type { FeatureBatch, RestaurantRow, StoreLayout, UserRow } from '../../src/store/featureStore.ts'
import { randomWeights, SMALL_NETWORK } from '../model/modelFixtures.ts'

const LAYOUT: StoreLayout = {
  users: { features: 3, ids: 'integer' },
  restaurants: { features: 2, ids: 'integer' },
}
const FEATURES = { users: numberFeatures(['a', 'b', 'c']), restaurants: numberFeatures(['x', 'y']) }
const MODEL = { features: FEATURES, network: SMALL_NETWORK, weights: randomWeights(SMALL_NETWORK, 1) }

/** A state and one that ranks with what it hands over, as a thread does; `take` is what a thread does when it comes to it. */
async function startState(rows: { users: number; restaurants: number }) {
  const posted: { memory: RankerMemory; took: () => void }[] = []
  const state = new LiveState({
    layout: LAYOUT,
    features: FEATURES,
    rows,
    threads: 2,
    ranksForMeanUser: true,
    publish: (memory) => new Promise((resolve) => posted.push({ memory, took: resolve })),
    onProblem: (message) => assert.fail(message),
    onFailure: (error) => assert.fail(error),
    onSynced: () => undefined,
  })
  let ranker: LiveRanker | undefined
  const take = () => {
    for (const { memory, took } of posted.splice(0)) {
      ranker = new LiveRanker(memory, 1)
      took()
    }
  }
  state.onSyncStart()
  state.onBatch(batchOf('users', rows.users))
  state.onBatch(batchOf('restaurants', rows.restaurants))
  state.onSyncEnd()
  const isSet = state.setModel(MODEL, () => undefined)
  while (posted.length === 0) await nextTurn()
  take()
  await isSet
  const near = (latitude: number, longitude: number): unknown[] => {
    if (!ranker?.setUser(1)) throw new Error('user 1 is not there')
    const where = { latitude, longitude, size: 10, maxDistM: 100, sortByDistance: true }
    const list = ranker.rank({ ...where, candidateRestaurantIds: null })
    return Array.from(list?.rows.subarray(0, list.count) ?? [], (row) => ranker?.idAt(row))
  }
  return { state, posted, take, near }
}

function batchOf(side: Side, count: number): FeatureBatch {
  const ids = Array.from({ length: count }, (_, i) => i)
  const places = side === 'users' ? null : Float64Array.from(ids, placeOf)
  const features = new Float32Array(count * LAYOUT[side].features).fill(0.5)
  return { side, ids, features, latitude: places, longitude: places }
}

function placeOf(id: number): number {
  return (id % 80) + Math.floor(id / 80) / 1000
}

function restaurant(id: number, latitude: number, longitude: number): RestaurantRow {
  return { side: 'restaurants', id, features: Float32Array.of(1, 2), latitude, longitude }
}

function user(id: number): UserRow {
  return { side: 'users', id, features: Float32Array.of(1, 2, 3) }
}

test('a restaurant that moves while the store is read anew is found at its new place at once', async () => {
  const { state, near } = await startState({ users: 3, restaurants: 100 })
  assert.deepEqual(near(7, 7), [7])
  state.onSyncStart()
  state.onBatch(batchOf('users', 3))
  state.onChanges([restaurant(7, -50, -50), restaurant(500, -60, -60)])
  await state.settled()
  assert.deepEqual(near(-50, -50), [7], 'moved')
  assert.deepEqual(near(-60, -60), [500], 'new')
  assert.deepEqual(near(7, 7), [])
})

test('a full read takes out what it has not told of, keeps what changed meanwhile, and publishes one index', async () => {
  const { state, near, posted, take } = await startState({ users: 3, restaurants: 100 })
  state.onSyncStart()
  state.onChanges([restaurant(500, -60, -60), user(50)])
  state.onBatch(batchOf('users', 2))
  state.onBatch(batchOf('restaurants', 50))
  state.onSyncEnd()
  const settled = state.settled()
  while (posted.length === 0) await nextTurn()
  assert.equal(posted.length, 1)
  take()
  await settled
  assert.deepEqual(state.counts, { users: 3, restaurants: 51 })
  assert.equal(state.read('users', 2), undefined)
  assert.deepEqual(near(60, 60), [])
  assert.deepEqual(near(49, 49), [49])
  assert.deepEqual(near(-60, -60), [500])
})

test('tables that grow are acknowledged only when every thread has taken them over', async () => {
  const { state, near, posted, take } = await startState({ users: 3, restaurants: 100 })
  const rows = Array.from({ length: 70_000 }, (_, i) => restaurant(1000 + i, -1 - (i % 80), i / 1000))
  state.onChanges(rows)
  const seen = { isSettled: false }
  const settled = state.settled().then(() => (seen.isSettled = true))
  while (posted.length === 0) await nextTurn()
  assert.deepEqual(near(-1 - (69_999 % 80), 69.999), [], 'the thread has the old tables still')
  assert.equal(seen.isSettled, false)
  while (!seen.isSettled) {
    take()
    await nextTurn()
  }
  await settled
  for (const i of [0, 65_000, 69_999]) assert.deepEqual(near(-1 - (i % 80), i / 1000), [1000 + i])
  assert.equal(state.counts.restaurants, 70_100)
  assert.deepEqual(near(7, 7), [7])
})

test('tables that grow while a model is being prepared: it is served with all rows', async () => {
  const { state, near, posted, take } = await startState({ users: 3, restaurants: 20_000 })
  const seen = { isSet: false }
  let checks = 0
  const other = { ...MODEL, weights: randomWeights(SMALL_NETWORK, 2) }
  const setting = state.setModel(other, () => checks++).then(() => (seen.isSet = true))
  await nextTurn()
  state.onChanges(Array.from({ length: 50_000 }, (_, i) => restaurant(100_000 + i, -(i % 89), i / 1000)))
  while (!seen.isSet) {
    await nextTurn()
    if (posted.length > 0) take()
  }
  await setting
  assert.equal(checks, 1, 'checked once, on the tables that are served')
  take()
  assert.deepEqual(near(-(49_999 % 89), 49.999), [149_999])
})

test('rows of values that the model cannot use are left out and told of, the first ones by name', () => {
  const problems: string[] = []
  const side = (name: string) => ({ features: 1, ids: 'integer', names: [name], form: 'values' }) as const
  const category = { kind: 'category', values: ['thai'], dim: 4 } as const
  const state = new LiveState({
    layout: { users: side('age'), restaurants: side('cuisine') },
    features: { users: numberFeatures(['age']), restaurants: [{ name: 'cuisine', ...category }] },
    rows: { users: 0, restaurants: 0 },
    threads: 1,
    ranksForMeanUser: true,
    publish: async () => undefined,
    onProblem: (message) => problems.push(message),
    onFailure: (error) => assert.fail(error),
    onSynced: () => undefined,
  })
  state.onSyncStart()
  const ids = Array.from({ length: 100 }, (_, i) => i)
  const values = ids.map((id) => ({ age: id < 40 ? 'old' : id }))
  state.onBatch({ side: 'users', ids, values, latitude: null, longitude: null })
  const places = Float64Array.of(1, 2)
  const cuisines = [{ cuisine: ['thai'] }, { cuisine: 'thai' }]
  state.onBatch({ side: 'restaurants', ids: [7, 8], values: cuisines, latitude: places, longitude: places })
  state.onSyncEnd()
  assert.deepEqual({ ...state.counts }, { users: 60, restaurants: 1 })
  assert.equal(problems.length, 11)
  assert.equal(
    problems[0],
    'Cannot use user 0 of the store: feature age must be a finite number as a 32-bit float, found "old"; write it again',
  )
  assert.match(problems[10], /^Cannot use 31 more rows either; at most 10 are named at a time$/)
  assert.deepEqual(state.read('users', 3), { side: 'users', id: 3, values: { age: 'old' } }, 'it is kept')
  assert.deepEqual(state.read('restaurants', 7), {
    side: 'restaurants',
    id: 7,
    values: { cuisine: ['thai'] },
    latitude: 1,
    longitude: 1,
  })
  state.onChanges([
    { side: 'users', id: 3, values: { age: 3 } },
    { side: 'users', id: 50, values: { age: 'x' } },
    { side: 'users', id: 4, deleted: true },
    { side: 'restaurants', id: 7, values: {}, latitude: 3, longitude: 4 },
  ])
  assert.deepEqual({ ...state.counts }, { users: 60, restaurants: 2 })
  assert.equal(state.read('users', 4), undefined)
})

test('a change that comes while other tables are handed over is settled only when they are taken', async () => {
  const side = (names: string[]) => ({ features: 2, ids: 'integer', names, form: 'values' }) as const
  const modelOf = (users: string[], restaurants: string[]) => {
    const network = { ...SMALL_NETWORK, userFeatures: users.length, restaurantFeatures: restaurants.length }
    const features = { users: numberFeatures(users), restaurants: numberFeatures(restaurants) }
    return { features, network, weights: randomWeights(network, 1) }
  }
  const first = modelOf(['a', 'b'], ['x', 'y'])
  const posted: (() => void)[] = []
  const state = new LiveState({
    layout: { users: side(['a', 'b']), restaurants: side(['x', 'y']) },
    features: first.features,
    rows: { users: 0, restaurants: 0 },
    threads: 1,
    ranksForMeanUser: false,
    publish: () => new Promise((resolve) => posted.push(resolve)),
    onProblem: (message) => assert.fail(message),
    onFailure: (error) => assert.fail(error),
    onSynced: () => undefined,
  })
  const taken = async (setting: Promise<void>) => {
    while (posted.length === 0) await nextTurn()
    for (const took of posted.splice(0)) took()
    await setting
  }
  state.onSyncStart()
  state.onBatch({ side: 'users', ids: [1], values: [{ a: 1, b: 2 }], latitude: null, longitude: null })
  state.onSyncEnd()
  await taken(state.setModel(first, () => undefined))
  const setting = state.setModel(modelOf(['b'], ['y', 'x']), () => undefined)
  while (posted.length === 0) await nextTurn()
  state.onChanges([{ side: 'users', id: 1, values: { a: 5, b: 6 } }])
  const seen = { isSettled: false }
  const settled = state.settled().then(() => (seen.isSettled = true))
  for (let turns = 0; turns < 10; turns++) await nextTurn()
  assert.equal(seen.isSettled, false, 'nobody has taken the tables that the change is in')
  await taken(setting)
  await settled
})
