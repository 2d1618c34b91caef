import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { NearrankError } from '../../src/errors.ts'
import type { FeatureStore, OpenStoreOptions } from '../../src/store/featureStore.ts'
import { openRedisStore } from '../../src/store/redis/store.ts'
import { put } from './changes.ts'
import { CuttingProxy } from './cuttingProxy.ts'
import { eventually, featureBytes, rowsOfServer, sameAsServer } from './redisRowsOfServer.ts'
import { NO_REDIS, redisServer } from './redisServer.ts'
import type { RespClient } from './respClient.ts'
import { type StoreCopy, startCopy } from './storeCopy.ts'

const OPTIONS: OpenStoreOptions = { layout: { users: { features: 3 }, restaurants: { features: 2 } } }

/** A server of the test's own: a connection that shares no code with the store, and a proxy before the stores. */
interface Setup {
  foreign: RespClient
  proxy: CuttingProxy
  open: () => Promise<FeatureStore>
  started: () => Promise<[FeatureStore, StoreCopy]>
  fill: (rows: number) => Promise<unknown>
}

async function setUp(t: TestContext): Promise<Setup> {
  const server = await redisServer(['--enable-debug-command', 'yes'])
  const foreign = await server.client()
  const proxy = await CuttingProxy.start(server.port)
  const stores: FeatureStore[] = []
  t.after(async () => {
    for (const store of stores) await store.close()
    await proxy.close()
    await server.remove()
  })
  const open = async () => {
    const store = await openRedisStore(`redis://127.0.0.1:${proxy.port}`, OPTIONS)
    stores.push(store)
    return store
  }
  const fill = (rows: number) =>
    foreign.sendAll(
      Array.from({ length: rows }, (_, i) => [
        'HSET',
        `nearrank:user:${i}`,
        'features',
        featureBytes(i, 0, 0),
      ]),
    )
  return {
    foreign,
    proxy,
    open,
    fill,
    started: async () => {
      const store = await open()
      return [store, await startCopy(store)]
    },
  }
}

// They wait most of the time, each with a server of its own.
describe('Redis: a connection that fails', { skip: NO_REDIS, concurrency: true }, () => {
  test('what changed and what was deleted while away is caught up with', async (t) => {
    const { foreign, proxy, started, fill } = await setUp(t)
    await fill(3_000)
    const [store, copy] = await started()
    proxy.isRefusing = true
    proxy.cutAll()
    await eventually(() => assert.equal(store.status().connected, false))
    await foreign.send('DEL', 'nearrank:user:0', 'nearrank:user:2999')
    await foreign.send('HSET', 'nearrank:user:1', 'features', featureBytes(7, 7, 7))
    await foreign.send('HSET', 'nearrank:user:5000', 'features', featureBytes(8, 8, 8))
    await sleep(50)
    assert.equal(copy.rows.users.size, 3_000, 'goes on with what it has')
    const away = store.status()
    assert.equal(away.synced, false)
    assert.ok(away.lagMs >= 50, `${away.lagMs}`)
    await assert.rejects(store.write([put('users', 1, [1, 1, 1])]), isUnavailable)
    await assert.rejects(store.count(), isUnavailable)
    const attempts = proxy.connections
    await eventually(() => assert.ok(proxy.connections > attempts + 2, 'tries again'))

    proxy.isRefusing = false
    await eventually(() => assert.equal(store.status().synced, true))
    assert.deepEqual(copy.rows, await rowsOfServer(foreign))
    assert.deepEqual(store.status(), { kind: 'redis', connected: true, synced: true, lagMs: 0, troubles: [] })
    assert.equal(copy.syncs, 2)
    await store.write([put('users', 1, [1, 1, 1])])
    assert.deepEqual(copy.rows, await rowsOfServer(foreign))
    assert.ok(copy.problems.length > 0 && copy.problems.length < 5, copy.problems.join())
    assert.match(copy.problems[0], /The copy in memory stays in use/)
  })

  test('a full read that is cut again and again begins anew', async (t) => {
    const { foreign, proxy, open, fill } = await setUp(t)
    await fill(3_000)
    const store = await open()
    const copy = startCopy(store)
    for (const bytes of [200, 20_000, 60_000]) {
      proxy.cutAfterBytes = bytes
      await eventually(() => assert.equal(proxy.cutAfterBytes, Infinity))
      await foreign.send('DEL', `nearrank:user:${bytes % 1_000}`)
    }
    const { rows, calls } = await copy
    assert.deepEqual(rows, await rowsOfServer(foreign))
    assert.ok(calls.filter((call) => call === 'start').length > 1)
    assert.equal(calls.filter((call) => call === 'end').length, 1)
  })

  test('cut at any byte while everybody writes: nothing acknowledged is lost, memory is what the server has', async (t) => {
    const { foreign, proxy, started } = await setUp(t)
    const [store, copy] = await started()
    let value = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20_000 }),
        fc.constantFrom(1, 7, 1_000, Infinity),
        async (cutAfterBytes, pieceBytes) => {
          await eventually(() => assert.equal(store.status().synced, true))
          Object.assign(proxy, { cutAfterBytes, pieceBytes })
          const acknowledged = new Map<number, number>()
          const writes = Array.from({ length: 60 }, async (_, i) => {
            value++
            const mine = value
            await foreign.send(
              'HSET',
              `nearrank:user:${1_000 + (i % 9)}`,
              'features',
              featureBytes(mine, 0, 0),
            )
            try {
              await store.write([put('users', i, [mine, 1, 2]), put('restaurants', i, [mine, 1], 3, 4)])
              acknowledged.set(i, mine)
            } catch (error) {
              isUnavailable(error)
            }
          })
          await Promise.all(writes)
          proxy.cutAfterBytes = Infinity
          await eventually(() => assert.equal(store.status().synced, true))
          await sameAsServer(copy.rows, foreign)
          for (const [id, mine] of acknowledged) {
            assert.equal(copy.rows.users.get(id)?.bits[0], bitsOf(mine))
            assert.equal(copy.rows.restaurants.get(id)?.bits[0], bitsOf(mine))
          }
        },
      ),
      { numRuns: 40 },
    )
    assert.ok(copy.syncs > 10, `${copy.syncs} cuts`)
  })

  test('a connection that leads nowhere is noticed', async (t) => {
    const { foreign, proxy, started, fill } = await setUp(t)
    await fill(10)
    const [store, copy] = await started()
    proxy.isBlackHole = true
    const write = store.write([put('users', 1, [9, 9, 9])])
    await assert.rejects(write, isUnavailable)
    assert.deepEqual(
      { ...store.status(), lagMs: 0 },
      { kind: 'redis', connected: false, synced: false, lagMs: 0, troubles: [] },
    )
    assert.ok(store.status().lagMs > 0)
    await foreign.send('DEL', 'nearrank:user:2')
    proxy.isBlackHole = false
    proxy.cutAll() // new connections that are stuck in it
    await eventually(() => assert.equal(store.status().synced, true))
    assert.deepEqual(copy.rows, await rowsOfServer(foreign))
  })

  test('CLIENT KILL', async (t) => {
    const { foreign, proxy, started, fill } = await setUp(t)
    await fill(100)
    const [store, copy] = await started()
    for (let i = 0; i < 5; i++) {
      const connected = proxy.connections
      assert.equal(await foreign.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'), 1)
      await foreign.send('DEL', `nearrank:user:${i}`)
      await eventually(() => assert.ok(proxy.connections > connected && store.status().synced))
      await sameAsServer(copy.rows, foreign)
    }
  })

  test('a server that is busy for a while fails no write', async (t) => {
    const { foreign, started } = await setUp(t)
    const [store, copy] = await started()
    const sleeping = foreign.send('DEBUG', 'SLEEP', '2')
    await sleep(100)
    await store.write([put('users', 1, [1, 2, 3])])
    assert.equal(await sleeping, 'OK')
    assert.deepEqual(copy.rows, await rowsOfServer(foreign))
    assert.equal(copy.syncs, 1)
  })

  test('replies in pieces of one byte', async (t) => {
    const { foreign, proxy, started, fill } = await setUp(t)
    proxy.pieceBytes = 1
    await fill(300)
    const [store, copy] = await started()
    await store.write(Array.from({ length: 100 }, (_, i) => put('restaurants', i, [i, i], 1, 2)))
    await foreign.send('DEL', 'nearrank:user:0')
    await sameAsServer(copy.rows, foreign)
    assert.equal(copy.rows.restaurants.size, 100)
  })

  test('closed while it is away: it ends at once', async (t) => {
    const { proxy, started } = await setUp(t)
    const [store, copy] = await started()
    proxy.isRefusing = true
    proxy.cutAll()
    await eventually(() => assert.equal(store.status().connected, false))
    const connections = proxy.connections
    await store.close()
    const told = copy.calls.length
    proxy.isRefusing = false
    await sleep(300)
    assert.ok(proxy.connections <= connections + 1)
    assert.equal(copy.calls.length, told)
    await assert.rejects(store.write([]), { code: 'CONFLICT' })
  })
})

describe('Redis: a server that crashes', { skip: NO_REDIS, concurrency: true }, () => {
  test('every acknowledged write is there after kill -9 (appendfsync always)', async () => {
    const server = await redisServer(['--appendonly', 'yes', '--appendfsync', 'always'])
    const store = await openRedisStore(server.url, OPTIONS)
    try {
      const copy = await startCopy(store)
      const acknowledged = new Map<number, number>()
      for (let crash = 0; crash < 3; crash++) {
        const writers = Array.from({ length: 8 }, async (_, writer) => {
          for (let i = 1; ; i++) {
            const value = crash * 1e6 + i
            try {
              await store.write([put('users', writer, [value, value, value])])
              acknowledged.set(writer, value)
            } catch (error) {
              isUnavailable(error)
              return
            }
          }
        })
        await sleep(200)
        await server.kill()
        await Promise.all(writers)
        assert.equal(copy.rows.users.size, 8)
        await server.restart()
        await eventually(() => assert.equal(store.status().synced, true))
        await sameAsServer(copy.rows, await server.client())
        for (const [writer, value] of acknowledged) {
          const found = copy.rows.users.get(writer)?.bits ?? []
          const [there] = new Float32Array(Uint32Array.from(found).buffer)
          assert.ok(there >= value, `writer ${writer}: ${value} acknowledged, ${there} there`)
        }
      }
    } finally {
      await store.close()
      await server.remove()
    }
  })

  test('a server that is still loading its data is waited for', async () => {
    const server = await redisServer([
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--key-load-delay',
      '500',
    ])
    const store = await openRedisStore(server.url, OPTIONS)
    try {
      const copy = await startCopy(store)
      await store.write(Array.from({ length: 3_000 }, (_, i) => put('users', i, [i, i, i])))
      await server.kill()
      await server.restart()
      await eventually(() => assert.equal(copy.syncs, 2))
      assert.equal(copy.rows.users.size, 3_000)
    } finally {
      await store.close()
      await server.remove()
    }
  })
})

function isUnavailable(error: unknown): boolean {
  assert.ok(error instanceof NearrankError, String(error))
  assert.equal(error.code, 'UNAVAILABLE', error.message)
  return true
}

function bitsOf(feature: number): number {
  return new Uint32Array(Float32Array.of(feature).buffer)[0]
}
