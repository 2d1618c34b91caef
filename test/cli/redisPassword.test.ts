import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { storeWithPassword } from '../../src/cli/storeWithPassword.ts'
import { parseRedisAddress } from '../../src/store/redis/address.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { put } from '../store/changes.ts'
import { NO_REDIS, redisServer } from '../store/redisServer.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { runCli } from './runCli.ts'

const PASSWORD = 'p/w?#@ %41:é&=+'
const env = { NEARRANK_REDIS_PASSWORD: PASSWORD }

describe('NEARRANK_REDIS_PASSWORD', () => {
  test('is the password of an address that has none, character by character', () => {
    for (const [address, username] of [
      ['redis://host', undefined],
      ['REDISS://shop@host:7000/3?prefix=x:', 'shop'],
      ['redis://[::1]:7000/3', undefined],
    ] as const) {
      const own = parseRedisAddress(address)
      const { password, ...other } = parseRedisAddress(storeWithPassword(address, env))
      assert.equal(password, PASSWORD)
      assert.deepEqual({ ...other, password: undefined }, own)
      assert.equal(other.username, username)
    }
  })

  test('changes no other address', () => {
    for (const address of [
      'sqlite:features.db',
      'redis://:own@host',
      'redis://a:own@host',
      'redis:',
      'no:x',
      '',
    ])
      assert.equal(storeWithPassword(address, env), address)
    for (const none of [{}, { NEARRANK_REDIS_PASSWORD: '' }])
      assert.equal(storeWithPassword('redis://host', none), 'redis://host')
  })

  test('opens a server that wants it, and is in no command line and in no message', {
    skip: NO_REDIS,
  }, async (t) => {
    const server = await redisServer(['--requirepass', PASSWORD])
    t.after(() => server.remove())
    const backup = join(await temporaryFolder(), 'backup.db')
    const store = await openSqliteStore(backup, {
      layout: { users: { features: 1 }, restaurants: { features: 1 } },
    })
    await store.write([put('users', 1, [1]), put('restaurants', 2, [3], 13, 100)])
    await store.close()
    const load = ['load', '--from', backup, '--store', server.url]
    const without = await runCli(load)
    assert.equal(without.code, 1)
    assert.match(without.stderr, /requires a password; put it into NEARRANK_REDIS_PASSWORD, or into the URL/)
    const wrong = await runCli(load, { env: { NEARRANK_REDIS_PASSWORD: `${PASSWORD}x` } })
    assert.match(wrong.stderr, /refuses the user name or the password/)
    assert.ok(!wrong.stderr.includes(PASSWORD) && !wrong.stderr.includes(encodeURIComponent(PASSWORD)))
    const { code, stderr } = await runCli(load, { env })
    assert.equal(code, 0, stderr)
    const client = await server.client()
    await client.send('AUTH', PASSWORD)
    assert.equal(await client.send('EXISTS', 'nearrank:user:1', 'nearrank:restaurant:2'), 2)
  })

  test('the help of both commands tells of it', async () => {
    for (const command of ['serve', 'load']) {
      const { stdout } = await runCli([command, '--help'])
      assert.match(stdout, /NEARRANK_REDIS_PASSWORD/)
    }
    assert.match(
      readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8'),
      /NEARRANK_REDIS_PASSWORD/,
    )
  })
})
