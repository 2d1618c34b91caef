import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { Change, FeatureStore, OpenStoreOptions } from '../../src/store/featureStore.ts'
import { openRedisStore } from '../../src/store/redis/store.ts'
import { put, remove } from './changes.ts'
import { eventually, featureBytes, rowsOfServer, sameAsServer } from './redisRowsOfServer.ts'
import { NO_REDIS, type RedisServer, redisServer } from './redisServer.ts'
import type { RespClient } from './respClient.ts'
import { applyChanges, noRows, StoreCopy, startCopy } from './storeCopy.ts'

const OPTIONS: OpenStoreOptions = { layout: { users: { features: 3 }, restaurants: { features: 2 } } }
const MANY = 100_000

describe('Redis: what others write', { skip: NO_REDIS }, () => {
  let server: RedisServer
  let foreign: RespClient
  let other: RespClient
  before(async () => {
    server = await redisServer()
    foreign = await server.client()
    other = await server.client()
  })
  after(async () => {
    for (const store of opened) await store.close()
    await server.remove()
  })

  const opened: FeatureStore[] = []
  const open = async (): Promise<FeatureStore> => {
    const store = await openRedisStore(server.url, OPTIONS)
    opened.push(store)
    return store
  }

  /** A test on an emptied server with one started store. */
  const withStore = (what: string, run: (store: FeatureStore, copy: StoreCopy) => Promise<void>): void =>
    void test(what, async () => {
      await foreign.send('FLUSHALL')
      const store = await open()
      try {
        await run(store, await startCopy(store))
      } finally {
        await store.close()
      }
    })

  withStore('rows are in the hashes that are documented', async (store) => {
    await store.write([put('users', 7, [1, -2, 0.5]), put('restaurants', 8, [3, 4], -13.25, 100.5)])
    const keys = (await foreign.send('KEYS', '*')) as string[]
    assert.deepEqual(keys.toSorted(), ['nearrank:meta', 'nearrank:restaurant:8', 'nearrank:user:7'])
    assert.deepEqual(await foreign.send('HGETALL', 'nearrank:user:7'), [
      'features',
      featureBytes(1, -2, 0.5).toString('latin1'),
    ])
    assert.equal(await foreign.send('HLEN', 'nearrank:restaurant:8'), 3)
    assert.deepEqual(await foreign.send('HMGET', 'nearrank:restaurant:8', 'latitude', 'longitude'), [
      '-13.25',
      '100.5',
    ])
    const meta = ['format', 'users.features', 'users.ids', 'restaurants.features', 'restaurants.ids']
    assert.deepEqual(await foreign.send('HMGET', 'nearrank:meta', ...meta), [
      '1',
      '3',
      'integer',
      '2',
      'integer',
    ])
  })

  withStore('every way to change a row is noticed', async (_store, copy) => {
    const place = ['latitude', '1e1', 'longitude', '-20.5']
    for (const command of [
      ['HSET', 'nearrank:user:1', 'features', featureBytes(1, 2, 3)],
      ['HSET', 'nearrank:user:2', 'features', featureBytes(4, 5, 6)],
      ['HSET', 'nearrank:restaurant:1', 'features', featureBytes(1, 2), ...place],
      ['HSET', 'nearrank:user:1', 'features', featureBytes(7, 8, 9)],
      ['HSET', 'nearrank:restaurant:1', 'latitude', '.5'],
      ['RENAME', 'nearrank:user:1', 'nearrank:user:3'],
      ['COPY', 'nearrank:user:3', 'nearrank:user:4'],
      ['RENAME', 'nearrank:user:4', 'elsewhere'],
      ['RENAME', 'elsewhere', 'nearrank:user:5'],
      ['PEXPIRE', 'nearrank:user:5', '30'],
      ['UNLINK', 'nearrank:user:3'],
      ['HDEL', 'nearrank:user:2', 'features'],
      ['MOVE', 'nearrank:restaurant:1', '1'],
    ]) {
      assert.ok(!((await foreign.send(...command)) instanceof Error), String(command))
      await sameAsServer(copy.rows, other)
    }
    // Nobody asks for the key that expires; the server finds it by itself.
    await eventually(() => assert.deepEqual(copy.rows, noRows()))
    assert.deepEqual(copy.problems, [])
    assert.equal(copy.syncs, 1, 'without a full read')
  })

  for (const flush of ['FLUSHALL', 'FLUSHDB'])
    withStore(`${flush} is no deletion; what is written right after it is there`, async (store, copy) => {
      await store.write(Array.from({ length: 2_000 }, (_, i) => put('users', i, [i, 0, 0])))
      await foreign.sendAll([[flush], ['HSET', 'nearrank:user:1', 'features', featureBytes(9, 9, 9)]])
      await eventually(() => assert.equal(store.status().troubles?.length, 1))
      const expected = noRows()
      applyChanges(expected, [put('users', 1, [9, 9, 9])])
      await eventually(() => assert.deepEqual(copy.rows.users.get(1), expected.users.get(1)))
      assert.equal(copy.rows.users.size, 2_000)
      await foreign.sendAll(
        Array.from({ length: 300 }, (_, i) => [
          'HSET',
          `nearrank:user:${i}`,
          'features',
          featureBytes(i, 1, 1),
        ]),
      )
      await eventually(() => assert.equal(copy.syncs, 2))
      await sameAsServer(copy.rows, other)
      assert.equal(copy.rows.users.size, 300)
      assert.deepEqual(
        { ...store.status(), lagMs: 0 },
        { kind: 'redis', connected: true, synced: true, lagMs: 0, troubles: [] },
      )
    })

  for (const flush of ['FLUSHALL', 'FLUSHDB'])
    test(`after ${flush} the layout is written down again, so that ids stay what they are`, async () => {
      await foreign.send('FLUSHALL')
      const named = { users: { features: 3, ids: 'string' as const, names: ['a', 'b', 'c'] } }
      const store = await openRedisStore(server.url, {
        layout: { ...named, restaurants: { features: 2, ids: 'string' } },
      })
      const copy = await startCopy(store)
      const read = async () => {
        const words = (await foreign.send('HGETALL', 'nearrank:meta')) as string[]
        const at = words.indexOf('token')
        return [words.toSpliced(at, 2), words[at + 1]] as const
      }
      const [meta, token] = await read()
      assert.equal(meta.length, 12, String(meta))
      await foreign.send(flush)
      await eventually(() => assert.equal(copy.syncs, 2))
      const [metaAfter, tokenAfter] = await read()
      assert.deepEqual(metaAfter, meta)
      assert.notEqual(tokenAfter, token)
      await store.close()
      const later = await open()
      assert.deepEqual(later.layout, store.layout)
      await later.close()
    })

  withStore('a layout that is spoiled while it is served is told of, without names', async (store) => {
    await foreign.send('HSET', 'nearrank:meta', 'users.features', '30')
    const refusal = 'its description of the data does not fit what is served; the log says why'
    await eventually(() => assert.equal(store.status().refusal, refusal))
    assert.equal(store.status().connected, false)
    await foreign.send('HSET', 'nearrank:meta', 'users.features', '3')
    await eventually(() => assert.equal(store.status().connected, true))
    assert.equal(store.status().refusal, undefined)
  })

  test('names that no list of names are, are refused', async () => {
    for (const names of ['a,b,c', '["a","b"]', '["a","b",3]', '{"length":3}']) {
      await foreign.send('FLUSHALL')
      await (await open()).close()
      await foreign.send('HSET', 'nearrank:meta', 'users.names', names)
      await assert.rejects(open(), /users\.names of nearrank:meta must be a JSON list of 3 names, found/)
    }
    await foreign.send('FLUSHALL')
  })

  withStore('flushed again and again while it is being read', async (store, copy) => {
    const rows = Array.from({ length: 5_000 }, (_, i) => put('users', i, [i, 0, 0]))
    for (let i = 0; i < 5; i++) {
      const written = store.write(rows)
      await foreign.sendAll([['FLUSHALL'], ['HSET', `nearrank:user:${i}`, 'features', featureBytes(i, i, i)]])
      await foreign.send('FLUSHALL')
      await written
    }
    await store.write(rows)
    await eventually(() => assert.equal(store.status().synced, true))
    await sameAsServer(copy.rows, other)
  })

  withStore('what cannot be used is told, and is no row', async (_store, copy) => {
    const good = featureBytes(1, 2)
    const restaurant = (latitude: string, longitude: string) => {
      const place = ['latitude', latitude, 'longitude', longitude]
      return ['HSET', 'nearrank:restaurant:1', 'features', good, ...place]
    }
    for (const [command, problem] of [
      [['HSET', 'nearrank:user:1', 'features', featureBytes(1, 2)], /user:1.*12 bytes.*found 8/],
      [['HSET', 'nearrank:user:1', 'features', featureBytes(1, 2, 3, 4)], /user:1.*found 16/],
      [['HSET', 'nearrank:user:1', 'features', featureBytes(1, Number.NaN, 3)], /feature 1 must be finite/],
      [['HSET', 'nearrank:user:1', 'features', featureBytes(1, 2, Infinity)], /feature 2 must be finite/],
      [['HSET', 'nearrank:user:1', 'features', '1,2,3'], /found 5/],
      [['SET', 'nearrank:user:1', 'text'], /must be a hash/],
      [['RPUSH', 'nearrank:restaurant:1', 'text'], /must be a hash/],
      [
        ['HSET', 'nearrank:restaurant:1', 'features', good, 'latitude', '1'],
        /the field longitude, found none/,
      ],
      [
        ['HSET', 'nearrank:restaurant:1', 'latitude', '1', 'longitude', '1'],
        /the field features, found none/,
      ],
      [restaurant('91', '1'), /latitude must be degrees/],
      [restaurant('', '1'), /latitude must be degrees/],
      [restaurant(' 1', '1'), /latitude must be degrees/],
      [restaurant('0x10', '1'), /latitude must be degrees/],
      [restaurant('1', '-180.5'), /longitude must be degrees/],
      [restaurant('1', 'nan'), /longitude must be degrees/],
      [['HSET', 'nearrank:user:01', 'features', featureBytes(1, 2, 3)], /"nearrank:user:01".*plain decimal/],
      [['HSET', 'nearrank:user:', 'features', featureBytes(1, 2, 3)], /plain decimal/],
      [['HSET', 'nearrank:user:1.0', 'features', featureBytes(1, 2, 3)], /plain decimal/],
      [['HSET', 'nearrank:user:99999999999999999999', 'features', featureBytes(1, 2, 3)], /2\^63/],
    ] as const) {
      await foreign.send('DEL', 'nearrank:user:1', 'nearrank:restaurant:1')
      await foreign.send('HSET', 'nearrank:user:1', 'features', featureBytes(1, 2, 3))
      await foreign.sendAll([restaurant('1', '2')])
      await eventually(() => assert.equal(copy.rows.users.size + copy.rows.restaurants.size, 2))
      await foreign.send('DEL', String(command[1]))
      await foreign.send(...command)

      // Both ways: told of the change, and found by another one that starts.
      const second = await open()
      const found = await startCopy(second)
      assert.ok(
        found.problems.some((message) => problem.test(message)),
        `${problem}: ${found.problems.join()}`,
      )
      assert.equal(found.problems.length, 1)
      await second.close()
      if (!/^"?nearrank:(user|restaurant):1$/.test(String(command[1])))
        await foreign.send('DEL', String(command[1]))
      else {
        const side = String(command[1]) === 'nearrank:user:1' ? 'users' : 'restaurants'
        await eventually(() => assert.equal(copy.rows[side].size, 0))
      }
    }
  })

  withStore('a million damaged rows are not a million messages', async (_store, copy) => {
    const commands = Array.from({ length: 3_000 }, (_, i) => ['SET', `nearrank:user:${i}`, 'text'])
    await foreign.sendAll(commands)
    const second = await open()
    const found = await startCopy(second)
    assert.equal(found.problems.length, 11)
    assert.match(found.problems[10], /2990 more/)
    await second.close()
    assert.ok(copy.problems.length <= 10, `${copy.problems.length}`)
  })

  withStore(`${MANY} rows that another program writes at once`, async (store, copy) => {
    const hset = (i: number) => ['HSET', `nearrank:user:${i}`, 'features', featureBytes(i, -i, i / 3)]
    const commands = Array.from({ length: MANY }, (_, i) => hset(i))
    for (let at = 0; at < MANY; at += 10_000) await foreign.sendAll(commands.slice(at, at + 10_000))
    await eventually(() => assert.equal(copy.rows.users.size, MANY))
    const expected = noRows()
    for (let i = 0; i < MANY; i++) applyChanges(expected, [put('users', i, [i, -i, i / 3])])
    assert.deepEqual(copy.rows, expected)
    await eventually(() => assert.equal(store.status().lagMs, 0))
    assert.equal(copy.syncs, 1)
  })

  withStore('data that others wrote before any Nearrank came', async (store) => {
    await store.close()
    await foreign.send('FLUSHALL')
    await foreign.send('HSET', 'nearrank:user:5', 'features', featureBytes(1, 2, 3))
    await foreign.send('HSET', 'nearrank:somethingelse', 'features', 'x')
    await foreign.send('SET', 'shop:user:5', 'x')
    const again = await open()
    const copy = await startCopy(again)
    assert.deepEqual(copy.problems, [])
    assert.deepEqual(copy.rows, await rowsOfServer(foreign))
    assert.deepEqual(await again.count(), { users: 1, restaurants: 0 })
    await again.close()
  })

  withStore('a write while the store starts is not told before the full read has begun', async (store) => {
    await store.close()
    const again = await open()
    const copy = new StoreCopy(again.layout)
    const started = again.start(copy)
    await Promise.all(Array.from({ length: 20 }, (_, i) => again.write([put('users', i, [i, i, i])])))
    await started
    assert.equal(copy.calls[0], 'start')
    await sameAsServer(copy.rows, foreign)
    assert.equal(copy.rows.users.size, 20)
    await again.close()
  })

  withStore('two stores on one server see what the other one writes', async (store, copy) => {
    const second = await open()
    const secondCopy = await startCopy(second)
    const expected = noRows()
    for (let i = 0; i < 50; i++) {
      const changes: Change[] = [put('users', i, [i, i, i]), put('restaurants', i % 7, [i, i], i, i)]
      if (i % 3 === 0) changes.push(remove('users', i - 1))
      const [writer, mine, theirs] = i % 2 === 0 ? [store, copy, secondCopy] : [second, secondCopy, copy]
      await writer.write(changes)
      applyChanges(expected, changes)
      assert.deepEqual(mine.rows, expected)
      await eventually(() => assert.deepEqual(theirs.rows, expected))
    }
    await second.close()
  })

  withStore('writers at once to the same keys: every copy ends as the server does', async (store, copy) => {
    const second = await open()
    const secondCopy = await startCopy(second)
    const id = fc.nat({ max: 3 })
    const step = fc.tuple(fc.constantFrom('first', 'second', 'foreign', 'other'), id, fc.boolean())
    let value = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 200 }), async (steps) => {
        await Promise.all(
          steps.map(async ([who, row, isDeletion]) => {
            value++
            if (who === 'first' || who === 'second') {
              const change = isDeletion ? remove('users', row) : put('users', row, [value, value, value])
              await (who === 'first' ? store : second).write([change])
              return
            }
            const key = `nearrank:user:${row}`
            const bytes = featureBytes(value, value, value)
            const client = who === 'foreign' ? foreign : other
            if (isDeletion) await client.send('DEL', key)
            else await client.send('HSET', key, 'features', bytes)
          }),
        )
        await sameAsServer(copy.rows, other)
        await sameAsServer(secondCopy.rows, other)
      }),
      { numRuns: 50 },
    )
    await second.close()
  })
})
