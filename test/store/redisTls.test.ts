import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { type ErrorCode, NearrankError } from '../../src/errors.ts'
import type { FeatureStore } from '../../src/store/featureStore.ts'
import { openStore } from '../../src/store/openStore.ts'
import type { RedisTls } from '../../src/store/redis/tlsFiles.ts'
import { put } from './changes.ts'
import { eventually, rowsOfServer, sameAsServer } from './redisRowsOfServer.ts'
import { NO_REDIS } from './redisServer.ts'
import { startCopy } from './storeCopy.ts'
import { CA, CLIENT, fileOf, tlsServer } from './tlsServer.ts'

const LAYOUT = { users: { features: 3 }, restaurants: { features: 2 } }

async function open(t: TestContext, url: string, redisTls: RedisTls): Promise<FeatureStore> {
  const store = await openStore(url, { layout: LAYOUT, redisTls })
  t.after(() => store.close())
  return store
}

function isError(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NearrankError, String(error))
    assert.match(error.message, message)
    assert.equal(error.code, code)
    return true
  }
}

describe('Redis: TLS', { skip: NO_REDIS, concurrency: true }, () => {
  test('an authority of its own and a certificate of the client', async (t) => {
    const server = await tlsServer(t, 'server', 'yes')
    for (const url of [server.tls, server.tls.replace('127.0.0.1', 'localhost')]) {
      const store = await open(t, url, { ca: CA, ...CLIENT })
      const copy = await startCopy(store)
      await store.write([put('users', 1, [1, 2, 3])])
      assert.deepEqual(copy.rows, await rowsOfServer(await server.client()))
    }
  })

  test('what is not trusted, or not given', async (t) => {
    const [strict, lax] = [await tlsServer(t, 'server', 'yes'), await tlsServer(t, 'server', 'no')]
    const elsewhere = await tlsServer(t, 'elsewhere', 'no')
    const refused = (url: string, tls: RedisTls, message: RegExp) =>
      assert.rejects(open(t, url, tls), isError('INPUT', message))
    await refused(lax.tls, {}, /not signed by an authority that is trusted here.*--redis-ca/)
    await refused(lax.tls, { ca: fileOf('stranger.pem') }, /not signed by an authority that is trusted here/)
    await open(t, lax.tls, { ca: CA })
    await refused(strict.tls, { ca: CA }, /requires a certificate of the client.*--redis-cert/)
    await refused(elsewhere.tls, { ca: CA }, /certificate is for other names than the host/)
    const unavailable = (url: string, tls: RedisTls, message: RegExp) =>
      assert.rejects(open(t, url, tls), isError('UNAVAILABLE', message))
    await unavailable(lax.url.replace('redis:', 'rediss:'), {}, /does not answer to TLS; use its TLS port/)
    await unavailable(
      lax.tls.replace('rediss:', 'redis:'),
      {},
      /closed the connection; if it requires TLS, use rediss:/,
    )
  })

  test('files that cannot be used', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'nearrank-tls-'))
    t.after(() => rm(folder, { recursive: true }))
    const junk = join(folder, 'junk.pem')
    await writeFile(junk, 'SECRET')
    for (const [url, tls, code, message] of [
      [
        'rediss://x',
        { ca: join(folder, 'none.pem') },
        'INPUT',
        /none\.pem of --redis-ca: there is no such file; check the path$/,
      ],
      [
        'rediss://x',
        { ca: junk },
        'INPUT',
        /junk\.pem of --redis-ca: it must hold a certificate in PEM, found/,
      ],
      ['rediss://x', { ...CLIENT, key: junk }, 'INPUT', /of --redis-key: it must hold a private key in PEM/],
      ['rediss://x', { ...CLIENT, key: fileOf('server.key') }, 'INPUT', /must be the key of the certificate/],
      ['rediss://x', { cert: CLIENT.cert }, 'USAGE', /--redis-cert.*belong together, found no --redis-key/],
      ['rediss://x', { key: CLIENT.key }, 'USAGE', /--redis-key.*belong together, found no --redis-cert/],
      ['redis://x', { ca: CA }, 'USAGE', /--redis-ca: it is for a store at rediss:.*found redis:/],
      ['sqlite:x.db', CLIENT, 'USAGE', /--redis-cert: it is for a store at rediss:.*found sqlite:/],
    ] as const)
      await assert.rejects(
        open(t, url, tls),
        (error: Error) => isError(code, message)(error) && !/SECRET/.test(error.message),
      )
  })

  test('files are read again for every connection', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'nearrank-tls-'))
    t.after(() => rm(folder, { recursive: true }))
    const server = await tlsServer(t, 'server', 'yes')
    const ca = join(folder, 'ca.pem')
    await copyFile(fileOf('authority.pem'), ca)
    const store = await open(t, server.tls, { ca, ...CLIENT })
    const copy = await startCopy(store)
    const foreign = await server.client()
    await copyFile(fileOf('stranger.pem'), ca)
    await foreign.send('CLIENT', 'KILL', 'SKIPME', 'yes')
    await eventually(() => assert.match(copy.problems.join(), /not signed by an authority that is trusted/))
    await copyFile(fileOf('authority.pem'), ca)
    await eventually(() => store.write([put('users', 1, [1, 2, 3])]))
    await sameAsServer(copy.rows, foreign)
  })
})
