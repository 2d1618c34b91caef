import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { RawRow } from '../../src/features/rawRow.ts'
import { openRedisStore } from '../../src/store/redis/store.ts'
import { isError } from '../store/conformance.ts'
import { eventually } from '../store/redisRowsOfServer.ts'
import { NO_REDIS, redisServer } from '../store/redisServer.ts'
import { serveValues } from './serveValues.ts'
import { CENTRE, valuesWorld } from './valuesWorld.ts'

describe('values in Redis', { skip: NO_REDIS, concurrency: false }, async () => {
  if (NO_REDIS) return
  const world = await valuesWorld()
  const redis = await redisServer()
  after(() => redis.remove())
  const foreign = await redis.client()
  const { call, ranked, oracle } = await serveValues(world, { store: redis.url })
  const hash = async (key: string) => {
    const words = (await foreign.send('HGETALL', `nearrank:${key}`)) as string[]
    return Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]]] : [])))
  }
  const ranksAs = (user: number, row: RawRow) =>
    eventually(async () => {
      oracle.users.set(user, row)
      oracle.assertRanked(await ranked(user), user)
    })

  test('rows are in the hashes that are documented', async () => {
    const put = {
      age: 7,
      spend: -0.5,
      gender: 'm',
      smoker: false,
      likes: ['thai', 'sushi'],
      joined: '2020-01-02',
    }
    await call('PUT /users/900', { features: put })
    assert.deepEqual(await hash('user:900'), {
      age: '7',
      spend: '-0.5',
      gender: 'm',
      smoker: 'false',
      likes: '["thai","sushi"]',
      joined: '2020-01-02',
    })
    await call('PUT /users/900', { features: { spend: 1, gender: '5' } })
    assert.deepEqual(await hash('user:900'), {
      age: '',
      spend: '1',
      gender: '"5"',
      smoker: '',
      likes: '',
      joined: '',
    })
    const place = { cuisine: 'thai', price: 2, taste: [1, 2.5] }
    await call('PUT /restaurants/900', { features: place, ...CENTRE })
    oracle.restaurants.set(900, place)
    assert.deepEqual(await hash('restaurant:900'), {
      latitude: '13.8',
      longitude: '100.5',
      cuisine: 'thai',
      price: '2',
      taste: '[1,2.5]',
      opened: '',
    })
    const { token, ...meta } = await hash('meta')
    assert.match(token, /^[\da-f-]{36}$/)
    assert.deepEqual(meta, {
      format: '2',
      'users.features': '6',
      'users.ids': 'integer',
      'users.names': '["age","spend","gender","smoker","likes","joined"]',
      'users.form': 'values',
      'restaurants.features': '4',
      'restaurants.ids': 'integer',
      'restaurants.names': '["cuisine","price","taste","opened"]',
      'restaurants.form': 'values',
    })
  })

  test('another program sets single fields, takes some away and makes rows of few', async () => {
    await foreign.send('HSET', 'nearrank:user:901', 'spend', '0.25')
    await ranksAs(901, { spend: 0.25 })
    await foreign.send('HSET', 'nearrank:user:901', 'gender', 'f', 'likes', '["pizza"]')
    await ranksAs(901, { spend: 0.25, gender: 'f', likes: ['pizza'] })
    await foreign.send('HDEL', 'nearrank:user:901', 'gender')
    await foreign.send('HSET', 'nearrank:user:901', 'smoker', 'true', 'age', '1e1', 'other', 'x')
    await ranksAs(901, { spend: 0.25, likes: ['pizza'], smoker: true, age: 10 })
    assert.deepEqual((await call('GET /users/901')).json, {
      user_id: 901,
      features: { age: 10, spend: 0.25, smoker: true, likes: ['pizza'] },
    })
    await foreign.send('HSET', 'nearrank:restaurant:900', 'price', '4')
    oracle.restaurants.set(900, { cuisine: 'thai', price: 4, taste: [1, 2.5] })
    await ranksAs(901, { spend: 0.25, likes: ['pizza'], smoker: true, age: 10 })
  })

  test('a row that cannot be used is left out until it is written again', async () => {
    for (const [field, value] of [
      ['spend', 'cheap'], // for the model
      ['likes', '{"thai":1}'], // at all
      ['spend', ''],
    ]) {
      await foreign.send('HSET', 'nearrank:user:902', 'spend', '1', 'likes', '[]')
      await ranksAs(902, { spend: 1, likes: [] })
      await foreign.send('HSET', 'nearrank:user:902', field, value)
      await eventually(async () => {
        const { status } = await call('POST /recommend/902', { ...CENTRE })
        assert.equal(status, 404, `${field} ${value}`)
      })
    }
    oracle.users.delete(902)
  })

  test('a feature of restaurants cannot be called as a field of their place', async () => {
    const store = (names: string[]) =>
      openRedisStore(`${redis.url}/1`, {
        layout: {
          users: { features: 1, names: ['latitude'], form: 'values' },
          restaurants: { features: names.length, names, form: 'values' },
        },
      })
    await assert.rejects(
      store(['a', 'longitude']),
      isError('INPUT', /no feature of restaurants may be called longitude/),
    )
    await (await store(['a'])).close()
  })
})
