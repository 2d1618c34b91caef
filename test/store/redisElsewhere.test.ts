import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { FeatureStore, OpenStoreOptions } from '../../src/store/featureStore.ts'
import { openRedisStore } from '../../src/store/redis/store.ts'
import { put } from './changes.ts'
import { CuttingProxy } from './cuttingProxy.ts'
import { eventually, featureBytes, rowsOfServer, sameAsServer } from './redisRowsOfServer.ts'
import { NO_REDIS, redisServer, type RedisServer } from './redisServer.ts'
import type { RespClient } from './respClient.ts'
import { type StoreCopy, startCopy } from './storeCopy.ts'

const OPTIONS: OpenStoreOptions = { layout: { users: { features: 3 }, restaurants: { features: 2 } } }

interface Setup {
  server: RedisServer
  foreign: RespClient
  store: FeatureStore
  copy: StoreCopy
}

async function serverOf(t: TestContext, config: string[] = []): Promise<RedisServer> {
  const server = await redisServer(config)
  t.after(() => server.remove())
  return server
}

async function startOf(t: TestContext, url: string): Promise<[FeatureStore, StoreCopy]> {
  const store = await openRedisStore(url, OPTIONS)
  t.after(() => store.close())
  return [store, await startCopy(store)]
}

/** A server with rows, and a store on it that has read them. */
async function setUp(t: TestContext, config: string[] = []): Promise<Setup> {
  const server = await serverOf(t, config)
  const foreign = await server.client()
  await foreign.sendAll(rowsOf(100))
  const [store, copy] = await startOf(t, server.url)
  return { server, foreign, store, copy }
}

/** As many users and half as many restaurants, as another program writes them. */
function rowsOf(count: number, value = 0): (string | Buffer)[][] {
  return Array.from({ length: count }, (_, i) => [
    ['HSET', `nearrank:user:${i}`, 'features', featureBytes(i, value, 0)],
    [
      'HSET',
      `nearrank:restaurant:${i >> 1}`,
      'features',
      featureBytes(i, value),
      'latitude',
      '1',
      'longitude',
      '2',
    ],
  ]).flat()
}

function troublesOf(store: FeatureStore): string {
  return (store.status().troubles ?? []).join(' ')
}

/** Waits until stores have looked at the server so many times more. */
async function looksOf(client: RespClient): Promise<(more: number) => Promise<void>> {
  const count = async () => {
    const info = String(await client.send('INFO', 'commandstats'))
    return Number(/cmdstat_hsetnx:calls=(\d+)/.exec(info)?.[1] ?? 0)
  }
  let seen = await count()
  return async (more) => {
    await eventually(async () => assert.ok((await count()) >= seen + more))
    seen = await count()
  }
}

// They wait most of the time, each with a server of its own.
describe('Redis: a server that is another one, or takes no writes', {
  skip: NO_REDIS,
  concurrency: true,
}, () => {
  for (const what of ['is cut off', 'follows the new primary'])
    test(`a failover that moves the name and ends no connection: the server of before ${what}`, async (t) => {
      const replicate = ['--repl-diskless-sync-delay', '0']
      const [before, after] = [await serverOf(t, replicate), await serverOf(t, replicate)]
      const [demoted, promoted] = [await before.client(), await after.client()]
      await demoted.sendAll(rowsOf(100))
      const proxy = await CuttingProxy.start(before.port)
      t.after(() => proxy.close())
      const [store, copy] = await startOf(t, `redis://127.0.0.1:${proxy.port}`)
      await promoted.send('REPLICAOF', '127.0.0.1', before.port)
      await eventually(async () => assert.equal((await rowsOfServer(promoted)).users.size, 100))

      await promoted.send('REPLICAOF', 'NO', 'ONE')
      await demoted.send('REPLICAOF', '127.0.0.1', what === 'is cut off' ? 1 : after.port)
      const write = () => store.write([put('users', 1, [7, 7, 7])])
      await assert.rejects(write(), /read-only replica/)
      await eventually(() =>
        assert.match(troublesOf(store), /^Writes to the store fail: it is a read-only replica/),
      )
      assert.equal(copy.rows.users.size, 100, 'goes on with what it has')
      await promoted.send('HSET', 'nearrank:user:500', 'features', featureBytes(5, 5, 5))

      proxy.targetPort = after.port // of new connections
      await eventually(write)
      await sameAsServer(copy.rows, promoted)
      await eventually(() =>
        assert.deepEqual(store.status(), {
          kind: 'redis',
          connected: true,
          synced: true,
          lagMs: 0,
          troubles: [],
        }),
      )
      assert.equal(copy.rows.users.size, 101)
      assert.match(copy.problems.join('\n'), /read-only replica/)
    })

  test('a name that has moved is noticed by a server that nobody asks to write', async (t) => {
    const [before, after] = [await serverOf(t), await serverOf(t)]
    const [demoted, promoted] = [await before.client(), await after.client()]
    await demoted.sendAll(rowsOf(10))
    await promoted.sendAll(rowsOf(10, 9))
    const proxy = await CuttingProxy.start(before.port)
    t.after(() => proxy.close())
    const [, copy] = await startOf(t, `redis://127.0.0.1:${proxy.port}`)
    proxy.targetPort = after.port
    await demoted.send('REPLICAOF', '127.0.0.1', 1)
    await sameAsServer(copy.rows, promoted)
  })

  for (const [what, refuse, accept, wanted] of [
    ['out of memory', ['maxmemory', '1'], ['maxmemory', '0'], /memory limit/],
    [
      'without enough replicas',
      ['min-replicas-to-write', '1'],
      ['min-replicas-to-write', '0'],
      /fewer replicas/,
    ],
  ] as const)
    test(`a server ${what} is told until it takes writes again, without a full read`, async (t) => {
      const { foreign, store, copy } = await setUp(t)
      assert.equal(troublesOf(store), '')
      await foreign.send('CONFIG', 'SET', ...refuse)
      await eventually(() => assert.match(troublesOf(store), wanted))
      await assert.rejects(store.write([put('users', 1, [7, 7, 7])]), wanted)
      assert.match(troublesOf(store), wanted)
      assert.match(copy.problems.join('\n'), wanted)
      await foreign.send('CONFIG', 'SET', ...accept)
      await eventually(() => assert.equal(troublesOf(store), ''))
      await store.write([put('users', 1, [7, 7, 7])])
      assert.equal(copy.syncs, 1)
    })

  test('a server that cannot save is told', async (t) => {
    const { foreign, store } = await setUp(t, ['--save', '3600 1'])
    const [, folder] = (await foreign.send('CONFIG', 'GET', 'dir')) as string[]
    await mkdir(join(folder, 'dump.rdb')) // a dump cannot take its place
    await foreign.send('BGSAVE')
    await eventually(() => assert.match(troublesOf(store), /cannot save to its own disk/))
  })

  test('a refusal that a look does not see is told until a write succeeds', async (t) => {
    const { server, foreign } = await setUp(t)
    await foreign.send('ACL', 'SETUSER', 'some', 'on', '>secret', '~nearrank:*', '&*', '+@all')
    const [store] = await startOf(t, `redis://some:secret@127.0.0.1:${server.port}`)
    await foreign.send('ACL', 'SETUSER', 'some', '-hset')
    await assert.rejects(store.write([put('users', 1, [7, 7, 7])]), /access rules/)
    await (await looksOf(foreign))(3)
    assert.match(troublesOf(store), /access rules/)
    await foreign.send('ACL', 'SETUSER', 'some', '+hset')
    await store.write([put('users', 1, [7, 7, 7])])
    assert.equal(troublesOf(store), '')
  })

  test('looks reach neither replicas nor the append-only file', async (t) => {
    const { foreign } = await setUp(t, ['--appendonly', 'yes', '--appendfsync', 'always'])
    const dirty = async () =>
      /rdb_changes_since_last_save:(\d+)/.exec(String(await foreign.send('INFO', 'persistence')))?.[1]
    const size = async () =>
      /aof_current_size:(\d+)/.exec(String(await foreign.send('INFO', 'persistence')))?.[1]
    const looks = await looksOf(foreign)
    await looks(2) // by then the rows are in the file
    const before = [await dirty(), await size()]
    await looks(2)
    assert.deepEqual([await dirty(), await size()], before)
  })
})

describe('Redis: another database under the same connection', { skip: NO_REDIS, concurrency: true }, () => {
  test('SWAPDB: users of before are gone, those of now are there', async (t) => {
    const { foreign, store, copy } = await setUp(t)
    await foreign.send('SELECT', 1)
    await foreign.sendAll([
      ...rowsOf(60, 5),
      ['HSET', 'nearrank:user:777', 'features', featureBytes(7, 7, 7)],
    ])
    await foreign.send('SWAPDB', 0, 1)
    await foreign.send('SELECT', 0)
    await sameAsServer(copy.rows, foreign)
    assert.equal(copy.rows.users.size, 61)
    await eventually(() => assert.equal(store.status().synced, true))
    assert.equal(copy.syncs, 2)

    await foreign.send('SWAPDB', 0, 1) // and back, with the tokens that both have by now
    await sameAsServer(copy.rows, foreign)
    assert.equal(copy.rows.users.size, 100)
    await foreign.send('SWAPDB', 0, 2) // an empty one
    await eventually(() => assert.match(troublesOf(store), /has lost its rows/))
    assert.equal(copy.rows.users.size, 100)
    await foreign.send('SWAPDB', 0, 2)
    await eventually(() => assert.equal(troublesOf(store), ''))
    await sameAsServer(copy.rows, foreign)
  })

  test('SWAPDB with a copy of the database, its token included', async (t) => {
    const { foreign, copy } = await setUp(t)
    const keys = (await foreign.send('KEYS', 'nearrank:*')) as string[]
    assert.ok(keys.includes('nearrank:meta'))
    await foreign.sendAll(keys.map((key) => ['COPY', key, key, 'DB', '1']))
    await foreign.send('SELECT', 1)
    await foreign.sendAll([['DEL', 'nearrank:user:1'], ...rowsOf(1, 8)])
    await (await looksOf(foreign))(1) // these changes were announced, and looked for in vain
    await foreign.send('SWAPDB', 0, 1)
    await foreign.send('SELECT', 0)
    await sameAsServer(copy.rows, foreign)
    assert.equal(copy.rows.users.size, 99)
  })

  test('rows written by a version without tokens are read, and get one', async (t) => {
    const { foreign, copy } = await setUp(t)
    await foreign.send('HDEL', 'nearrank:meta', 'token')
    await eventually(async () =>
      assert.match(String(await foreign.send('HGET', 'nearrank:meta', 'token')), /^[\da-f-]{36}$/),
    )
    await sameAsServer(copy.rows, foreign)
  })

  test('a server that restarts empty: memory stays in use until most of the rows are there again', async (t) => {
    const { server, store, copy } = await setUp(t)
    await server.kill()
    await server.restart()
    const foreign = await server.client()
    await eventually(() =>
      assert.match(
        troublesOf(store),
        /lost its rows: 0 users and 0 restaurants were found, so the 100 users and 50 restaurants in memory/,
      ),
    )
    const { connected, synced } = store.status()
    assert.deepEqual({ connected, synced }, { connected: true, synced: false })
    assert.equal(copy.rows.users.size, 100)

    // What is written row by row counts for its rows, and takes no others away.
    await store.write([put('users', 1, [7, 7, 7])])
    await foreign.send('HSET', 'nearrank:user:2', 'features', featureBytes(8, 8, 8))
    await eventually(() =>
      assert.deepEqual(copy.rows.users.get(2)?.bits, [...new Uint32Array(Float32Array.of(8, 8, 8).buffer)]),
    )
    assert.equal(copy.rows.users.size, 100)
    assert.match(troublesOf(store), /lost its rows/)

    await foreign.sendAll(rowsOf(90, 3))
    await eventually(() => assert.equal(store.status().synced, true))
    assert.equal(troublesOf(store), '')
    await sameAsServer(copy.rows, foreign)
    assert.equal(copy.rows.users.size, 90)
    assert.equal(copy.problems.filter((message) => message.includes('lost its rows')).length, 1)
  })

  test('a store that is being filled is not whole before that is complete', async (t) => {
    const { server, foreign, store, copy } = await setUp(t)
    const loader = await openRedisStore(server.url, OPTIONS)
    t.after(() => loader.close())
    await server.kill()
    await server.restart()
    const writer = await server.client()
    await eventually(() => loader.setFilling(true))
    await writer.sendAll(rowsOf(50, 4))
    await eventually(() => assert.ok(store.status().connected))
    const user = [...new Uint32Array(Float32Array.of(49, 4, 0).buffer)]
    await eventually(() => assert.deepEqual(copy.rows.users.get(49)?.bits, user, 'what is there is used'))
    await eventually(() => assert.match(troublesOf(store), /is being filled|lost its rows/))
    assert.equal(copy.rows.users.size, 100)
    await loader.setFilling(false)
    await sameAsServer(copy.rows, writer)
    assert.equal(copy.rows.users.size, 50)
    await eventually(() => assert.equal(troublesOf(store), ''))
    foreign.close()
  })

  test('a fill over what is there needs no full read', async (t) => {
    const { server, foreign, store, copy } = await setUp(t)
    const loader = await openRedisStore(server.url, OPTIONS)
    t.after(() => loader.close())
    const looks = await looksOf(foreign)
    await loader.setFilling(true)
    await looks(2)
    await loader.setFilling(false)
    await looks(2)
    assert.equal(copy.syncs, 1)
    assert.deepEqual(store.status().troubles, [])
  })
})
