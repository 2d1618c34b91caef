import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FastifyPluginAsync } from 'fastify'
import { buildApp } from '../../src/server/app.ts'
import { createLogger } from '../../src/server/logger.ts'
import { Problem } from '../../src/server/problems/problems.ts'
import { fakeServices } from './fakeServices.ts'
import { send } from './inject.ts'

describe('the log', () => {
  const logged = async (level: 'info' | 'debug', error: Error) => {
    const lines: string[] = []
    const logger = createLogger({ level, destination: { write: (line) => void lines.push(line) } })
    const failing: FastifyPluginAsync = async (scope) => {
      scope.get('/fails', { config: { right: 'none' } }, async () => {
        throw error
      })
    }
    const app = buildApp({ services: fakeServices(), logger })
    app.register(failing)
    await send(app, 'GET /fails')
    await send(app, 'GET /users/4711')
    await send(app, 'PUT /users/4711', '{"features":[1,2,3]}')
    return lines.map(
      (line) => JSON.parse(line) as Record<string, unknown> & { err: { message: string; stack: string } },
    )
  }

  test('has one line for a request that failed, with the cause that the client is not told', async () => {
    const [line, ...rest] = await logged('info', new Error('the real reason'))
    assert.deepEqual(rest, [])
    assert.equal(line.level, 'error')
    assert.equal(line.route, '/fails')
    assert.equal(line.code, 'INTERNAL')
    assert.equal(line.err.message, 'the real reason')
    assert.match(line.err.stack, /logger\.test/)
    assert.match(String(line.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  test('has none for what the client did wrong', async () => {
    assert.deepEqual(await logged('info', new Problem('BAD_BODY', 'Cannot')), [])
  })

  test('has every request at debug, without ids', async () => {
    const lines = await logged('debug', new Problem('BAD_BODY', 'Cannot'))
    assert.deepEqual(
      lines.map(({ method, route, status }) => [method, route, status]),
      [
        ['GET', '/fails', 400],
        ['GET', '/users/:id', 404],
        ['PUT', '/users/:id', 204],
      ],
    )
    assert.doesNotMatch(JSON.stringify(lines), /4711/)
  })

  test('never holds a credential', () => {
    const lines: string[] = []
    const logger = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } })
    const headers = {
      authorization: 'Bearer nr_secret',
      'x-api-key': 'nr_secret',
      cookie: 'nr_secret',
      accept: 'a',
    }
    logger.info({ ...headers, headers, req: { headers }, request: { headers } }, 'x')
    assert.doesNotMatch(lines[0], /nr_secret/)
    assert.equal(lines[0].split('[redacted]').length - 1, 12)
    assert.match(lines[0], /"accept":"a"/)
  })
})
