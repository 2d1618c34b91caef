import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'
import { type ErrorCode, messageOf, NearrankError } from '../../src/errors.ts'
import type { FeatureStore, OpenStoreOptions } from '../../src/store/featureStore.ts'
import { openRedisStore } from '../../src/store/redis/store.ts'
import { put } from './changes.ts'
import { eventually, featureBytes, rowsOfServer, sameAsServer } from './redisRowsOfServer.ts'
import { NO_REDIS, redisServer, type RedisServer } from './redisServer.ts'
import { startCopy } from './storeCopy.ts'

const OPTIONS: OpenStoreOptions = { layout: { users: { features: 3 }, restaurants: { features: 2 } } }
const SECRET = 'pa$$ w%rd'
const SECRET_IN_URL = encodeURIComponent(SECRET)
const STORE = new URL('../../src/store/redis/store.ts', import.meta.url).href

// They wait most of the time, each with a server of its own.
describe('Redis: what is refused', { skip: NO_REDIS, concurrency: true }, () => {
  const serverOf = async (t: TestContext, config: string[] = []): Promise<RedisServer> => {
    const server = await redisServer(config)
    t.after(() => server.remove())
    return server
  }

  const storeOf = async (t: TestContext, url: string): Promise<FeatureStore> => {
    const store = await openRedisStore(url, OPTIONS)
    t.after(() => store.close())
    return store
  }

  test('nobody there', async (t) => {
    const server = await serverOf(t)
    await server.kill()
    const url = `redis://user:${SECRET_IN_URL}@127.0.0.1:${server.port}`
    await refused(url, 'UNAVAILABLE', new RegExp(`127\\.0\\.0\\.1:${server.port}.*nothing listens`))
    await refused('redis://nearrank.invalid', 'UNAVAILABLE', /nearrank\.invalid:6379/)
  })

  test('somebody there who says nothing, or something else', async (t) => {
    let greeting = ''
    const silent = createServer((socket) => socket.on('error', () => undefined).write(greeting)).listen(
      0,
      '127.0.0.1',
    )
    t.after(() => silent.close())
    await once(silent, 'listening')
    const url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`
    await refused(url, 'UNAVAILABLE', /it does not answer/)
    greeting = 'HTTP/1.1 400 Bad Request\r\n\r\n'
    await refused(url, 'UNAVAILABLE', /Cannot reach the Redis server/)
    greeting = `-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' '${SECRET}'\r\n`
    await refused(url.replace('127', `:${SECRET_IN_URL}@127`), 'INPUT', /use Redis 6 or newer/)
    greeting = `-ERR no idea what ${SECRET} means\r\n`
    await refused(url.replace('127', `:${SECRET_IN_URL}@127`), 'UNAVAILABLE', /no idea what \*\*\* means/)
  })

  test('password, user and database', async (t) => {
    const server = await serverOf(t, ['--requirepass', SECRET])
    const at = `127.0.0.1:${server.port}`
    await refused(`redis://${at}`, 'INPUT', /requires a password/)
    await refused(`redis://:wrong@${at}`, 'INPUT', /refuses the user name or the password/)
    await refused(`redis://nobody:${SECRET_IN_URL}@${at}`, 'INPUT', /refuses the user name or the password/)
    await refused(`redis://:${SECRET_IN_URL}@${at}/99`, 'INPUT', /has no database 99/)
    const store = await storeOf(t, `redis://:${SECRET_IN_URL}@${at}/3`)
    await store.write([put('users', 1, [1, 2, 3])])
    await store.close()
    const foreign = await server.client()
    await foreign.send('AUTH', SECRET)
    await foreign.send('SELECT', 3)
    assert.equal((await rowsOfServer(foreign)).users.size, 1)
  })

  test('a user without the rights: told when it starts', async (t) => {
    const server = await serverOf(t)
    const foreign = await server.client()
    await foreign.send('ACL', 'SETUSER', 'reader', 'on', '>secret', '~nearrank:*', '+@all', '-scan')
    const store = await storeOf(t, `redis://reader:secret@127.0.0.1:${server.port}`)
    await assert.rejects(startCopy(store), isError('INPUT', /access rules/))
    await store.close()
  })

  test('a password that is changed while it is used: health tells that, and not that nobody answers', async (t) => {
    const server = await serverOf(t)
    const foreign = await server.client()
    const setPassword = (password: string) =>
      foreign.send('ACL', 'SETUSER', 'user', 'on', 'resetpass', `>${password}`, '~*', '&*', '+@all')
    await setPassword('secret')
    const store = await storeOf(t, `redis://user:secret@127.0.0.1:${server.port}`)
    await startCopy(store)
    await setPassword('other')
    await foreign.send('CLIENT', 'KILL', 'USER', 'user')
    await eventually(() =>
      assert.match(store.status().refusal ?? '', /^it refuses the user name or the passw/),
    )
    await setPassword('secret')
    await eventually(() => assert.equal(store.status().connected, true))
    assert.equal(store.status().refusal, undefined)
  })

  test('written but not read back: the copy does not stay behind', async (t) => {
    const server = await serverOf(t)
    const foreign = await server.client()
    await foreign.send('ACL', 'SETUSER', 'writer', 'on', '>secret', '~nearrank:*', '&*', '+@all')
    const store = await storeOf(t, `redis://writer:secret@127.0.0.1:${server.port}`)
    const copy = await startCopy(store)
    await store.write([put('users', 1, [1, 1, 1])])
    await foreign.send('ACL', 'SETUSER', 'writer', '-hmget')
    await assert.rejects(store.write([put('users', 1, [2, 2, 2])]))
    assert.equal(store.status().synced, false)
    await foreign.send('ACL', 'SETUSER', 'writer', '+hmget')
    await eventually(() => sameAsServer(copy.rows, foreign))
  })

  test('a node of a cluster', async (t) => {
    const server = await serverOf(t, ['--cluster-enabled', 'yes'])
    await refused(server.url, 'INPUT', /cluster/)
  })

  test('data of another format', async (t) => {
    const server = await serverOf(t)
    const foreign = await server.client()
    await foreign.send('HSET', 'nearrank:meta', 'format', '3')
    await refused(server.url, 'INPUT', /format of nearrank:meta must be 1 or 2, found "3"/)
    await foreign.send('HSET', 'nearrank:meta', 'format', '1')
    await refused(
      server.url,
      'INPUT',
      /users\.features of nearrank:meta must be a number of features, found none/,
    )
    await foreign.send('HSET', 'nearrank:meta', 'users.features', '30')
    await refused(
      server.url,
      'INPUT',
      /users\.ids of nearrank:meta must be integer, unsigned, string, found none/,
    )
    await foreign.send('HSET', 'nearrank:meta', 'users.ids', 'integer', 'restaurants.features', '2')
    await foreign.send('HSET', 'nearrank:meta', 'restaurants.ids', 'integer')
    await refused(server.url, 'INPUT', /it must have 3 features of users, found 30 in nearrank:meta/)
    await foreign.send('DEL', 'nearrank:meta')
    await foreign.send('SET', 'nearrank:meta', 'x')
    await refused(server.url, 'CONFLICT', /something other than a hash/)
  })

  test('memory full: reads go on, writes say why, and what was written is told', async (t) => {
    const server = await serverOf(t, ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'])
    const store = await storeOf(t, server.url)
    const copy = await startCopy(store)
    const rows = Array.from({ length: 50_000 }, (_, i) => put('users', i, [i, i, i]))
    await assert.rejects(
      store.write(rows),
      isError('UNAVAILABLE', /maxmemory.*may or may not have been written/),
    )
    assert.equal(store.status().connected, true)
    const there = await rowsOfServer(await server.client())
    assert.ok(there.users.size > 0 && there.users.size < 50_000, `${there.users.size}`)
    assert.deepEqual(copy.rows, there)
    await store.close()
  })

  test('rows that the server evicts are deleted rows', async (t) => {
    const server = await serverOf(t, ['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-random'])
    const store = await storeOf(t, server.url)
    const copy = await startCopy(store)
    await store.write(Array.from({ length: 20_000 }, (_, i) => put('users', i, [i, i, i])))
    const foreign = await server.client()
    await foreign.send('CONFIG', 'SET', 'maxmemory', '0') // or the comparison itself would evict more
    await sameAsServer(copy.rows, foreign)
    assert.ok(copy.rows.users.size < 20_000, `${copy.rows.users.size}`)
    await store.close()
  })

  test('a read-only replica can be served from', async (t) => {
    const primary = await serverOf(t, ['--repl-diskless-sync-delay', '0'])
    const writer = await primary.client()
    await writer.send('HSET', 'nearrank:user:1', 'features', featureBytes(1, 2, 3))
    const server = await serverOf(t, ['--replicaof', `127.0.0.1 ${primary.port}`])
    const replica = await server.client()
    await eventually(async () => assert.equal((await rowsOfServer(replica)).users.size, 1))
    const store = await storeOf(t, server.url)
    const copy = await startCopy(store)
    await assert.rejects(
      store.write([put('users', 1, [4, 5, 6])]),
      isError('UNAVAILABLE', /read-only replica/),
    )
    await writer.send('HSET', 'nearrank:user:2', 'features', featureBytes(1, 2, 3))
    await eventually(() => assert.deepEqual([...copy.rows.users.keys()], [1, 2]))
    await store.close()
  })

  test('a key that holds something else is not overwritten', async (t) => {
    const server = await serverOf(t)
    const foreign = await server.client()
    await foreign.send('SET', 'nearrank:user:1', 'mine')
    const store = await storeOf(t, server.url)
    await assert.rejects(
      store.write([put('users', 1, [1, 2, 3])]),
      isError('CONFLICT', /something other than a hash/),
    )
    assert.equal(await foreign.send('GET', 'nearrank:user:1'), 'mine')
    await store.close()
  })

  test('started twice, started when closed, closed while it starts', async (t) => {
    const server = await serverOf(t)
    const store = await storeOf(t, server.url)
    await startCopy(store)
    await assert.rejects(startCopy(store), isError('CONFLICT', /started/))
    await store.close()
    await assert.rejects(startCopy(store), isError('CONFLICT', /closed/))
    await assert.rejects(store.count(), isError('CONFLICT', /closed/))
    const other = await storeOf(t, server.url)
    const starting = assert.rejects(startCopy(other), isError('CONFLICT', /closed/))
    await other.close()
    await starting
  })

  test('a closed store keeps no process alive', async (t) => {
    const server = await serverOf(t)
    const { status, stderr } = await runChild(`
      const store = await openRedisStore('${server.url}', ${JSON.stringify(OPTIONS)})
      await store.start({ counts: { users: 0, restaurants: 0 }, onSyncStart() {}, onBatch() {}, onSyncEnd() {}, onChanges() {}, onProblem() {} })
      await store.close()`)
    assert.equal(status, 0, stderr)
  })
})

test('without its package it says how to get it', async () => {
  const { stdout, stderr } = await runChild(`
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === '@redis/client')
          throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
        return next(specifier, context)
      },
    })
    await openRedisStore('redis://127.0.0.1:1', ${JSON.stringify(OPTIONS)}).catch((e) => console.log(e.code, e.message))`)
  assert.match(stdout, /^INPUT Cannot use a Redis store: .*npm install @redis\/client/, stderr)
})

async function runChild(body: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const script = `import { openRedisStore } from ${JSON.stringify(STORE)}\n${body}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 })
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { status, stdout, stderr }
}

async function refused(url: string, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(openRedisStore(url, OPTIONS), isError(code, message))
}

/** A NearrankError of `code` that tells no password, not in its causes either. */
function isError(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NearrankError, messageOf(error))
    assert.match(error.message, message)
    assert.equal(error.code, code)
    for (let one: unknown = error; one instanceof Error; one = one.cause) {
      assert.ok(!String(one.stack).includes(SECRET), one.message)
      assert.ok(!String(one.stack).includes(SECRET_IN_URL), one.message)
    }
    return true
  }
}
