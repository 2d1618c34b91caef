import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { RawRow } from '../../src/features/rawRow.ts'
import { recommend } from '../../src/ranking/recommend.ts'
import type { ServeOptions } from '../../src/server/serveOptions.ts'
import type { Ranked } from './oracle.ts'
import { serveWorld } from './serverFixture.ts'
import { serveValues } from './serveValues.ts'
import { CENTRE, RESTAURANTS, trainSmall, USERS, valuesWorld } from './valuesWorld.ts'
import { runCli } from '../cli/runCli.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { ValuesOracle } from './valuesOracle.ts'
import { type FeatureValues, NearrankClient } from '../../src/client/nearrankClient.ts'
import { join } from 'node:path'

const world = await valuesWorld()
const { data, model } = world
const served = (options: Partial<ServeOptions> = {}) => serveValues(world, options)
const present = (row: RawRow): RawRow =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

test('from Parquet: every score is the one of recommend() and of the naive network', async () => {
  const { ranked, oracle, call } = await served()
  for (let user = 0; user < USERS; user++) oracle.assertRanked(await ranked(user), user)
  for (const user of [0, 17, 59]) {
    const request = {
      ...CENTRE,
      size: 100,
      maxDistM: 1e5,
      sortByDistance: false,
      candidateRestaurantIds: null,
    }
    const { restaurants } = await recommend({ user, request }, { data, model })
    const scores = new Map(restaurants.map(({ id, score }) => [id, score]))
    assert.equal(scores.size, RESTAURANTS)
    for (const { id, score } of await ranked(user))
      assert.ok(Math.abs(score - scores.get(id)!) < 1e-6, `${id}: ${score} against ${scores.get(id)}`)
  }
  for (const id of [0, 1, 2, 3, 4, 5]) {
    const user = await call(`GET /users/${id}`)
    assert.deepEqual(user.json, { user_id: id, features: present(world.users[id]) })
    const restaurant = await call(`GET /restaurants/${id}`)
    const { latitude, longitude } = world.restaurants[id]
    assert.deepEqual(restaurant.json, {
      restaurant_id: id,
      features: present(world.restaurants[id].features),
      latitude,
      longitude,
    })
  }
})

test('what is put is given back and ranked with at once, unseen values too', async () => {
  const { ranked, oracle, call } = await served()
  const users: [number, RawRow][] = [
    [3, { spend: 0.1 }],
    [
      4,
      {
        age: null,
        spend: -1.25,
        gender: 'never seen',
        smoker: 'true',
        likes: ['thai', 'new', 'pizza', 'sushi', 'fifth'],
        joined: '2031-01-02T03:04:05+07:00',
      },
    ],
    [1000, { age: true, spend: 5e-324, likes: [], joined: 0 }],
  ]
  for (const [id, features] of users) {
    assert.equal((await call(`PUT /users/${id}`, { features })).status, 204)
    assert.deepEqual((await call(`GET /users/${id}`)).json, { user_id: id, features: present(features) })
    oracle.users.set(id, features)
    oracle.assertRanked(await ranked(id), id)
  }
  const place = { cuisine: 'martian', price: 7, taste: [1, 2.5] }
  assert.equal((await call('PUT /restaurants/7', { features: place, ...CENTRE })).status, 204)
  oracle.restaurants.set(7, place)
  assert.deepEqual((await call('GET /restaurants/7')).json, { restaurant_id: 7, features: place, ...CENTRE })
  const lines = [
    { user_id: 5, features: { spend: 2, gender: 'm' } },
    { restaurant_id: 500, features: { price: 1, taste: [0, 0], opened: '2020-02-29' }, ...CENTRE },
    { restaurant_id: 8, deleted: true },
  ]
  const bulk = await call('POST /features', lines.map((line) => JSON.stringify(line)).join('\n'))
  assert.deepEqual(bulk.json, { users: 1, restaurants: 1, deleted: 1 })
  oracle.users.set(5, { spend: 2, gender: 'm' })
  oracle.restaurants.set(500, { price: 1, taste: [0, 0], opened: '2020-02-29' })
  oracle.restaurants.delete(8)
  for (const user of [0, 3, 5, 1000]) oracle.assertRanked(await ranked(user), user)
})

test('the mean user has the means of the numbers and no categories', async () => {
  const { call, oracle } = await served({ unknownUser: 'average' })
  const check = async () => {
    const { json, headers } = await call('POST /recommend/777', { ...CENTRE, size: 100, max_dist: 1e5 })
    assert.equal(headers.get('nearrank-user'), 'average')
    oracle.assertRanked((json as { restaurants: Ranked[] }).restaurants, 'average')
  }
  await check()
  await call('PUT /users/1', { features: { spend: 40, gender: 'f' } })
  await call('DELETE /users/2')
  oracle.users.set(1, { spend: 40, gender: 'f' })
  oracle.users.delete(2)
  await check()
})

test('values that do not fit are refused, and the sentence names the feature', async () => {
  const { refused, call, ranked, oracle } = await served()
  for (const [features, detail] of [
    [
      [1, 2],
      /^Cannot use the body: features must be an object with values by the names of the features, found a list of 2$/,
    ],
    ['x', /features must be an object with values .*, found "x"$/],
    [
      { spend: 1, gendre: 'f' },
      /^Cannot use the body: the feature "gendre" is unknown, the features are age, spend, gender, smoker, likes, joined$/,
    ],
    [
      { gender: 'f' },
      /feature spend must be a finite number, found null; training saw none missing, so give it a value, or train/,
    ],
    [{ spend: 'cheap' }, /feature spend must be a finite number as a 32-bit float, found "cheap"$/],
    [{ spend: 1e39 }, /feature spend must be a finite number as a 32-bit float, found 1e\+39$/],
    [{ spend: 1, gender: ['f'] }, /feature gender must be a text, a number or a boolean, found \["f"\]$/],
    [{ spend: 1, likes: 'thai' }, /feature likes must be a list, found "thai"$/],
    [
      { spend: 1, likes: [{}] },
      /feature likes must be a list of numbers, texts, true or false, found \{\} in it$/,
    ],
    [{ spend: 1, joined: 'yesterday' }, /feature joined must be a date or a time, found "yesterday"$/],
    [
      { spend: { a: 1 } },
      /feature spend must be a number, a text, true, false, null or a list of these, found \{"a":1\}$/,
    ],
  ] as const)
    await refused('PUT /users/1', { features }, detail)
  await refused('PUT /users/1', {}, /features is missing: it must be an object with values/)
  await refused('PUT /users/1', { features: { spend: 1 }, age: 3 }, /the fields are features, found "age"/)
  await refused(
    'PUT /restaurants/1',
    { features: { price: 1, taste: [1] }, ...CENTRE },
    /feature taste must be a list of 2 numbers, found 1$/,
  )
  await refused(
    'PUT /restaurants/1',
    { features: { price: 1, taste: [1, 2] }, latitude: 91, longitude: 1 },
    /latitude must be degrees/,
  )
  await refused(
    'POST /features',
    '{"user_id":1,"features":{"spend":1}}\n{"user_id":2,"features":{"spend":null}}',
    /^Cannot use line 2: feature spend must be a finite number, found null; training saw none missing, .*; nothing was written$/,
  )
  assert.deepEqual((await call('GET /users/1')).json, { user_id: 1, features: present(world.users[1]) })
  oracle.assertRanked(await ranked(1), 1)
})

test('the documentation tells the features of the model', async () => {
  const { call } = await served()
  const { components, paths } = (await call('GET /openapi.json')).json as {
    components: { schemas: Record<string, { properties: Record<string, object>; required: string[] }> }
    paths: Record<string, unknown>
  }
  const { UserFeatures, RestaurantFeatures } = components.schemas
  assert.deepEqual(Object.keys(UserFeatures.properties), [
    'age',
    'spend',
    'gender',
    'smoker',
    'likes',
    'joined',
  ])
  assert.deepEqual(UserFeatures.required, ['spend'])
  assert.deepEqual(UserFeatures.properties.age, {
    type: ['number', 'null'],
    description: 'number',
    'x-kind': 'number',
  })
  assert.deepEqual(UserFeatures.properties.gender, {
    type: ['string', 'number', 'boolean', 'null'],
    description: 'category: 3 values are known, others count as unseen',
    'x-kind': 'category',
  })
  assert.deepEqual(RestaurantFeatures.required, ['price', 'taste'])
  assert.match(JSON.stringify(paths['/users/{id}']), /"#\/components\/schemas\/UserFeatures"/)
})

test('a server that starts again on its store has the rows as they were', async () => {
  const { call, server, store } = await served()
  await call('PUT /users/3', { features: { spend: 3, likes: ['thai'] } })
  await server.stop()
  const database = new DatabaseSync(store.slice('sqlite:'.length))
  assert.deepEqual({ ...database.prepare('PRAGMA user_version').get() }, { user_version: 2 })
  const { features } = database.prepare('SELECT features FROM users WHERE id = 3').get() ?? {}
  assert.equal(Buffer.from(features as Uint8Array).toString(), '{"spend":3,"likes":["thai"]}')
  database.close()
  const again = await serveWorld({ model, newStore: async () => store })
  const response = await fetch(`${again.url}/users/3`)
  assert.deepEqual(await response.json(), { user_id: 3, features: { spend: 3, likes: ['thai'] } })
})

test('the client puts and gets values', async () => {
  const { server, ranked, oracle } = await served()
  const client = new NearrankClient({ url: server.url })
  const user = { age: 3, spend: 1.5, likes: ['thai', 'pizza'], smoker: true, joined: '2020-01-01' }
  await client.putUser(2000, user)
  assert.deepEqual(await client.getUser<FeatureValues>(2000), { id: 2000, features: user })
  const features = { price: 1, taste: [1, 2], cuisine: null }
  await client.putFeatures([
    { userId: 2001, features: { spend: 2 } },
    { restaurantId: 2000, features, ...CENTRE },
  ])
  const restaurant = await client.getRestaurant<FeatureValues>(2000)
  assert.deepEqual(restaurant, { id: 2000, features: { price: 1, taste: [1, 2] }, ...CENTRE })
  oracle.users.set(2000, user).set(2001, { spend: 2 })
  oracle.restaurants.set(2000, features)
  for (const id of [2000, 2001]) oracle.assertRanked(await ranked(id), id)
  await assert.rejects(client.putUser(1, { spend: Number.NaN }), /feature spend must be finite, found NaN/)
  await assert.rejects(client.putUser(1, { spend: 'x' }), /BAD_BODY/)
})

test('loaded without a model, with more columns than the model takes', async () => {
  const folder = await temporaryFolder()
  const narrow = join(folder, 'narrow')
  const options = { userFeatures: ['likes', 'spend'], restaurantFeatures: ['price', 'cuisine'] }
  await trainSmall({ data, out: narrow, ...options })
  const store = `sqlite:${join(folder, 'loaded.db')}`
  const { code, stdout, stderr } = await runCli(['load', '--data', data, '--store', store, '--json'])
  assert.equal(code, 0, stderr)
  const { users, restaurants } = JSON.parse(stdout) as { users: number; restaurants: number }
  assert.deepEqual({ users, restaurants }, { users: USERS, restaurants: RESTAURANTS })
  const { ranked, call } = await serveValues({ ...world, model: narrow }, { store }, { fills: false })
  const oracle = await ValuesOracle.open(narrow, world)
  for (let user = 0; user < USERS; user++) oracle.assertRanked(await ranked(user), user)
  assert.deepEqual((await call('GET /users/4')).json, { user_id: 4, features: present(world.users[4]) })
  // A fill with fewer columns would take the others away.
  const partly = await runCli(['load', '--data', data, '--store', store, '--user-features', 'likes,spend'])
  assert.notEqual(partly.code, 0)
})
