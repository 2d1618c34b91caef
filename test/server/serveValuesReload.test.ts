import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RawRow } from '../../src/features/rawRow.ts'
import { serveValues } from './serveValues.ts'
import { ValuesOracle } from './valuesOracle.ts'
import { CENTRE, replaceModel, trainSmall, USERS, valuesWorld } from './valuesWorld.ts'

const world = await valuesWorld()
let copies = 0

/** A server with a model folder of its own. */
async function served() {
  const model = join(world.folder, `model-${copies++}`)
  await cp(world.model, model, { recursive: true })
  const made = await serveValues({ ...world, model })
  const reload = async (from: { model: string }) => {
    await replaceModel(model, from.model)
    return made.call('POST /admin/reload')
  }
  return { ...made, reload }
}

/** A model of fewer columns, other values, another order of them, and numbers of which none was missing. */
const other = await valuesWorld({
  seed: 5,
  columns: {
    smoker: null,
    opened: null,
    gender: ['gender', 'VARCHAR', (random) => ['m', 'x', 'y'][random.below(3)]],
    age: ['age', 'INTEGER', (random) => random.below(50)],
  },
})

test('a model of other features: all rows are encoded anew, and again for the one before', async () => {
  const { reload, call, ranked, oracle } = await served()
  assert.equal(
    (await call('PUT /users/500', { features: { age: 3, spend: 1, gender: 'x', smoker: true } })).status,
    204,
  )
  assert.equal((await reload(other)).status, 200)

  const hasAge = (row: RawRow) => row.age !== null
  const next = await ValuesOracle.open(other.model, world)
  next.users.set(500, { age: 3, spend: 1, gender: 'x' })
  for (let user = 0; user < USERS; user++)
    if (hasAge(world.users[user])) next.assertRanked(await ranked(user), user)
  next.assertRanked(await ranked(500), 500)
  // The new model cannot do without an age.
  const without = world.users.findIndex((row) => !hasAge(row))
  assert.equal((await call(`GET /users/${without}`)).status, 200, 'it is kept')
  const detailFor = async (user: number) => {
    const { status, json } = await call(`POST /recommend/${user}`, CENTRE)
    assert.equal(status, 404)
    return (json as { detail: string }).detail
  }
  assert.equal(
    await detailFor(without),
    `Cannot rank: the served model cannot use what is stored of user ${without}, because of the feature age; put the user again, or train a model that can`,
  )

  // What it does not take is kept; what it takes is checked by it.
  const put = { age: 30, spend: 2, gender: 'y', smoker: false }
  assert.equal((await call('PUT /users/501', { features: put })).status, 204)
  assert.deepEqual((await call('GET /users/501')).json, { user_id: 501, features: put })
  next.users.set(501, put)
  next.assertRanked(await ranked(501), 501)
  const refused = await call('PUT /users/502', { features: { spend: 1 } })
  assert.match(JSON.stringify(refused.json), /feature age must be a finite number, found null/)
  const place = { cuisine: 'thai', price: 2, taste: [3, 4], opened: '2020-01-01' }
  await call('PUT /restaurants/0', { features: place, ...CENTRE })
  for (const id of [without + 1, without]) assert.equal((await call(`DELETE /users/${id}`)).status, 204)
  assert.equal(await detailFor(without), `Cannot rank: user ${without} has no features`)
  await call('DELETE /restaurants/3')
  next.restaurants.set(0, place)
  next.restaurants.delete(3)
  next.assertRanked(await ranked(501), 501)
  const { components } = (await call('GET /openapi.json')).json as {
    components: { schemas: { UserFeatures: { properties: Record<string, object>; required: string[] } } }
  }
  assert.deepEqual(components.schemas.UserFeatures.required, ['age', 'spend'])
  assert.match(
    JSON.stringify(components.schemas.UserFeatures.properties.smoker),
    /not used by the current model/,
  )

  assert.equal((await call('POST /admin/rollback')).status, 200)
  oracle.users.set(500, { age: 3, spend: 1, gender: 'x', smoker: true })
  oracle.users.set(501, put)
  for (const id of [without + 1, without]) oracle.users.delete(id)
  oracle.restaurants.set(0, place)
  oracle.restaurants.delete(3)
  for (const user of oracle.users.keys()) oracle.assertRanked(await ranked(user), user)
  assert.equal((await call(`GET /users/${without + 1}`)).status, 404)
  assert.deepEqual((await call(`GET /users/${without}`)).status, 404)
})

test('rows that are written while a model of other features is prepared count for it', async () => {
  const { reload, call, ranked } = await served()
  await call(
    'POST /features',
    Array.from({ length: 3000 }, (_, i) =>
      JSON.stringify({ user_id: 1000 + i, features: { age: i, spend: i } }),
    ).join('\n'),
  )
  const next = await ValuesOracle.open(other.model, world)
  const state = { isDone: false }
  const reloaded = reload(other).finally(() => (state.isDone = true))
  let writes = 0
  while (!state.isDone) {
    const id = 1000 + ((writes * 37) % 4000) // old ones and new ones
    const features = { age: writes, spend: -writes / 7, gender: 'm' }
    assert.equal((await call(`PUT /users/${id}`, { features })).status, 204)
    next.users.set(id, features)
    writes++
  }
  assert.equal((await reloaded).status, 200)
  assert.ok(writes > 2, `${writes} writes`)
  for (const id of [...next.users.keys()].filter((user) => user >= 1000))
    next.assertRanked(await ranked(id), id)
})

test('reloads and rollbacks under load: no answer mixes two models, and what is acknowledged is ranked with', async () => {
  const { reload, call, ranked, oracle } = await served()
  const next = await ValuesOracle.open(other.model, world)
  const state = { isDone: false }
  const isOf = (which: ValuesOracle, list: Awaited<ReturnType<typeof ranked>>, user: number) => {
    try {
      which.assertRanked(list, user)
      return true
    } catch {
      return false
    }
  }
  const seen = { before: 0, after: 0 }
  const work = async (user: number) => {
    for (let i = 0; !state.isDone; i++) {
      const features = { age: i, spend: (i % 7) - 3, likes: i % 2 === 0 ? ['thai'] : [] }
      assert.equal((await call(`PUT /users/${user}`, { features })).status, 204)
      for (const which of [oracle, next]) which.users.set(user, features)
      const list = await ranked(user)
      const [isBefore, isAfter] = [isOf(oracle, list, user), isOf(next, list, user)]
      assert.ok(isBefore || isAfter, `row ${i} of user ${user} is ranked with, by one of the two models`)
      if (isBefore) seen.before++
      if (isAfter) seen.after++
    }
  }
  const workers = [3000, 3001, 3002].map(work)
  assert.equal((await reload(other)).status, 200)
  for (let swaps = 0; swaps < 8; swaps++) assert.equal((await call('POST /admin/rollback')).status, 200)
  state.isDone = true
  await Promise.all(workers)
  assert.ok(seen.before > 0 && seen.after > 0, JSON.stringify(seen))
})

test('a model that needs columns which the store does not have is refused, and names them', async () => {
  const { reload, ranked, oracle, call } = await served()
  const wider = await valuesWorld({
    columns: {
      gender: ['height', 'DOUBLE', (random) => random.normal()],
      age: ['weight', 'DOUBLE', (random) => random.normal()],
    },
  })
  const { status, json } = await reload(wider)
  assert.equal(status, 422)
  assert.match(
    JSON.stringify(json),
    /Cannot serve the model: the store must have the user features weight, height, found age, spend, gender, smoker, likes, joined; put/,
  )
  oracle.assertRanked(await ranked(0), 0)
  assert.equal(((await call('GET /admin/model')).json as { version: number }).version, 1)
})

test('a model that can use no row of the store is refused', async () => {
  const { reload, ranked, oracle } = await served()
  const coded = await valuesWorld({
    columns: { cuisine: ['cuisine', 'INTEGER', (random) => random.below(9)] },
  })
  const { status, json } = await reload(coded)
  assert.equal(status, 422)
  assert.match(
    JSON.stringify(json),
    /it must be able to use the restaurants in the store, found none of 40 that it can, such as restaurant 0: feature cuisine must be a finite number/,
  )
  oracle.assertRanked(await ranked(0), 0)
})

test('tables that grow while the model is prepared', async () => {
  const { reload, call, ranked } = await served()
  const lines = (start: number) =>
    Array.from(
      { length: 40_000 },
      (_, i) => `{"user_id":${start + i},"features":{"age":${i % 90},"spend":1}}`,
    ).join('\n')
  await call('POST /features', lines(1000))
  const reloaded = reload(other)
  const loaded = call('POST /features', lines(100_000))
  assert.equal((await loaded).status, 200)
  assert.equal((await reloaded).status, 200)
  const next = await ValuesOracle.open(other.model, world)
  for (const id of [1000, 40_999, 100_000, 139_999]) {
    const start = id < 100_000 ? 1000 : 100_000
    next.users.set(id, { age: (id - start) % 90, spend: 1 })
    next.assertRanked(await ranked(id), id)
  }
})

for (const [side, options, next] of [
  [
    'users',
    { userFeatures: ['spend'] },
    { userFeatures: ['spend'], restaurantFeatures: ['taste', 'cuisine'] },
  ],
  [
    'restaurants',
    { restaurantFeatures: ['price'] },
    { userFeatures: ['likes'], restaurantFeatures: ['price'] },
  ],
] as const)
  test(`vectors of ${side} beside values of the other side`, async () => {
    const folder = join(world.folder, side)
    const columns = (names: Partial<Record<'userFeatures' | 'restaurantFeatures', readonly string[]>>) =>
      Object.fromEntries(Object.entries(names).map(([key, list]) => [key, [...list]]))
    await trainSmall({ data: world.data, out: join(folder, 'a'), ...columns(options) })
    await trainSmall({ data: world.data, out: join(folder, 'b'), seed: 2, ...columns(next) })
    const model = join(folder, 'served')
    await cp(join(folder, 'a'), model, { recursive: true })
    const { call, ranked } = await serveValues({ ...world, model })
    const check = async (name: string) => {
      const oracle = await ValuesOracle.open(join(folder, name), world)
      for (let user = 0; user < 20; user++) oracle.assertScores(await ranked(user), user)
    }
    await check('a')
    const id = world.users.length - 1
    const put = side === 'users' ? [1.5] : { spend: 1.5 }
    for (const features of [put, { spend: 1.5 }]) {
      assert.equal((await call(`PUT /users/${id}`, { features })).status, 204)
      assert.deepEqual((await call(`GET /users/${id}`)).json, { user_id: id, features: put })
    }
    await replaceModel(model, join(folder, 'b'))
    assert.equal((await call('POST /admin/reload')).status, 200)
    await check('b')
    assert.equal((await call('POST /admin/rollback')).status, 200)
    await check('a')
    assert.deepEqual((await call(`GET /users/${id}`)).json, { user_id: id, features: put })
    const row = side === 'restaurants' ? { features: { price: 3 }, ...CENTRE } : { features: [3], ...CENTRE }
    if (side === 'restaurants') {
      assert.equal((await call('PUT /restaurants/1', row)).status, 204)
      assert.deepEqual((await call('GET /restaurants/1')).json, {
        restaurant_id: 1,
        features: [3],
        ...CENTRE,
      })
    } else
      assert.match(JSON.stringify((await call('PUT /restaurants/1', row)).json), /features must be an object/)
  })
