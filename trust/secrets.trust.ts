import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Right, RIGHTS } from '../src/server/keys/apiKeys.ts'
import { addApiKey } from '../src/server/keys/apiKeyFile.ts'
import { RawConnection } from '../test/server/rawConnection.ts'
import { RequestGenerator } from '../test/server/requestGenerator.ts'
import { makeWorld } from '../test/server/serverFixture.ts'
import { ServeProcess } from '../test/server/serveProcess.ts'
import { CuttingProxy } from '../test/store/cuttingProxy.ts'
import { NO_REDIS, redisServer } from '../test/store/redisServer.ts'
import { counted, trust } from './trust.ts'

trust(
  'No line of the log holds a secret: no API key, no password of the store',
  { small: 10_000, night: 100_000 }, // lines
  async ({ random, seed, amount, t }) => {
    if (NO_REDIS !== false) {
      t.skip(NO_REDIS)
      return ''
    }
    const world = await makeWorld()
    const password = `pw/${randomBytes(9).toString('base64url')}?#@x` // with what addresses are split at
    const redis = await redisServer(['--requirepass', password])
    const proxy = await CuttingProxy.start(redis.port)
    t.after(() => Promise.all([proxy.close(), redis.remove()]))
    const keyFile = join(world.folder, 'keys.json')
    const keys: string[] = []
    for (const right of RIGHTS)
      keys.push(await addApiKey(keyFile, { name: right, rights: [right] satisfies Right[] }))
    const foreign = await redis.client()
    assert.equal(await foreign.send('AUTH', password), 'OK')
    const address = `redis://:${encodeURIComponent(password)}@127.0.0.1:${proxy.port}`
    const options = `--workers 2 --api-keys ${keyFile} --log-level debug`.split(' ')
    const server = await ServeProcess.start(['--model', world.model, '--store', address, ...options])
    const lines = () => server.stderr.split('\n').length - 1
    const generator = new RequestGenerator(seed)
    let requests = 0
    const secrets = [...keys, ...keys.map((key) => key.slice(3)), password, encodeURIComponent(password)]
    while (lines() < amount) {
      const connection = await RawConnection.open(server.port)
      for (let i = 0; i < 200 && connection.isOpen; i++, requests++) {
        const { request, body, headers } = generator.next()
        const key = keys[random.below(keys.length)]
        const [method, path] = request.split(' ')
        const where = random.below(8)
        const asked =
          where === 0
            ? `${method} ${path}?api_key=${key}&key=${key}`
            : where === 1
              ? `${method} /${key}`
              : request
        const sent = where === 2 ? Buffer.from(JSON.stringify({ api_key: key, [key]: 1 })) : body
        const header =
          where === 3
            ? { 'x-api-key': `${key}x` }
            : where === 4
              ? { [`x-${key}`]: key }
              : where === 5
                ? { authorization: `Basic ${key}` }
                : { authorization: `Bearer ${key}` }
        await connection.send(asked, sent, { ...headers, ...header }).catch(() => undefined)
      }
      connection.close()
      if (random.below(4) === 0) proxy.cutAll() // the store's troubles are logged too
      assert.ok(requests < 30 * amount, `${lines()} lines after ${requests} requests`)
    }
    server.signal('SIGTERM')
    await server.ended()
    for (const secret of secrets) {
      const at = server.stderr.indexOf(secret)
      assert.equal(at, -1, `a secret is logged: ${server.stderr.slice(Math.max(0, at - 300), at + 100)}`)
    }
    return `${counted(lines())} lines of a log at level debug, from ${counted(requests)} requests with keys in headers, paths, queries and bodies, and a store cut off now and then: ${counted(secrets.length)} forms of secrets, none found`
  },
)
