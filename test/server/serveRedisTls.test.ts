import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runCli } from '../cli/runCli.ts'
import { withFolder, writeParquetFile } from '../dataset/fixture.ts'
import { NO_REDIS } from '../store/redisServer.ts'
import { CA, CLIENT, tlsServer } from '../store/tlsServer.ts'
import { makeWorld } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const FLAGS = ['--redis-ca', CA, '--redis-cert', CLIENT.cert, '--redis-key', CLIENT.key]

describe('the command line and Redis with TLS', { skip: NO_REDIS }, () => {
  test('load fills it', async (t) => {
    const redis = await tlsServer(t, 'server', 'yes')
    await withFolder(async (data) => {
      await writeParquetFile(
        data,
        'user_features.parquet',
        'SELECT i AS user_id, i / 4 AS f0 FROM range(3) t(i)',
      )
      await writeParquetFile(
        data,
        'restaurant_features.parquet',
        'SELECT i AS restaurant_id, 10.0 AS latitude, 20.0 AS longitude, i / 4 AS f0 FROM range(2) t(i)',
      )
      const { code, stderr } = await runCli([
        'load',
        '--data',
        data,
        '--store',
        redis.tls,
        '--json',
        ...FLAGS,
      ])
      assert.equal(code, 0, stderr)
    })
    const keys = (await (await redis.client()).send('KEYS', 'nearrank:user:*')) as string[]
    assert.deepEqual(keys.toSorted(), ['nearrank:user:0', 'nearrank:user:1', 'nearrank:user:2'])
  })

  test('serve reads from it', async (t) => {
    const redis = await tlsServer(t, 'server', 'yes')
    const { model } = await makeWorld()
    const server = await ServeProcess.start([
      '--model',
      model,
      '--workers',
      '1',
      '--store',
      redis.tls,
      ...FLAGS,
    ])
    const answer = await fetch(`http://127.0.0.1:${server.port}/health/ready`)
    const { store } = (await answer.json()) as { store: { kind: string; connected: boolean } }
    assert.deepEqual({ kind: store.kind, connected: store.connected }, { kind: 'redis', connected: true })
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0)
  })
})
