import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { NearrankError } from '../../../src/errors.ts'
import { buildApp } from '../../../src/server/app.ts'
import { Problem } from '../../../src/server/problems/problems.ts'
import { type FakeServices, fakeServices } from '../fakeServices.ts'
import { assertProblem, send } from '../inject.ts'

const SHOWN = {
  version: 1,
  path: 'model',
  checksum: 'abc',
  created_at: '2026-01-02T03:04:05.000Z',
  loaded_at: '2026-01-02T03:04:06.000Z',
}

describe('model, health and metrics over HTTP', () => {
  let services: FakeServices
  let app: FastifyInstance
  beforeEach(() => {
    services = fakeServices()
    app = buildApp({ services })
  })

  test('the model is shown, reloaded and rolled back', async () => {
    assert.deepEqual((await send(app, 'GET /admin/model')).json(), SHOWN)
    for (const body of [undefined, '', '{}']) {
      assert.deepEqual((await send(app, 'POST /admin/reload', body)).json(), { ...SHOWN, version: 2 })
      assert.deepEqual((await send(app, 'POST /admin/rollback', body)).json(), SHOWN)
    }
  })

  test('a body that says anything is refused', async () => {
    for (const path of ['reload', 'rollback']) {
      for (const body of ['{"a":1}', '[]', 'null', '1', '{"__proto__":1}'])
        assertProblem(await send(app, `POST /admin/${path}`, body), 'BAD_BODY', /empty or \{\}$/)
      assertProblem(await send(app, `POST /admin/${path}`, '{'), 'BAD_JSON')
    }
  })

  test('a model that cannot be served, a reload that runs and no model before are told apart', async () => {
    const cases = [
      ['reload', new NearrankError('INPUT', 'Cannot load it: x'), 'MODEL_REJECTED', 'Cannot load it: x'],
      ['reload', new NearrankError('DAMAGED', 'Cannot load it: y'), 'MODEL_REJECTED', 'Cannot load it: y'],
      ['reload', new NearrankError('NOT_FINITE', 'Cannot use it'), 'MODEL_REJECTED', 'Cannot use it'],
      ['reload', new NearrankError('MEMORY', 'Cannot hold it'), 'MODEL_REJECTED', 'Cannot hold it'],
      ['reload', new NearrankError('CONFLICT', 'Cannot now'), 'RELOAD_RUNNING', 'Cannot now'],
      ['rollback', new NearrankError('CONFLICT', 'Cannot go back'), 'NO_PREVIOUS_MODEL', 'Cannot go back'],
      ['rollback', new Problem('RELOAD_RUNNING', 'Cannot now'), 'RELOAD_RUNNING', 'Cannot now'],
      ['reload', new Error('secret'), 'INTERNAL', /^(?!.*secret)/],
    ] as const
    for (const [path, failure, code, detail] of cases) {
      services.failure = failure
      assertProblem(await send(app, `POST /admin/${path}`), code, detail)
    }
  })

  test('live is always 200', async () => {
    services.state.ready = false
    const response = await send(app, 'GET /health/live')
    assert.equal(response.statusCode, 200)
    assert.deepEqual(response.json(), { status: 'live' })
  })

  test('ready, degraded and not ready', async () => {
    const { path: _path, ...model } = SHOWN // no key is needed to see this
    const rest = {
      store: { kind: 'sqlite', connected: true, synced: true, lag_ms: 0 },
      model,
      users: 1,
      restaurants: 2,
      workers: 3,
    }
    const ready = await send(app, 'GET /health/ready')
    assert.equal(ready.statusCode, 200)
    assert.deepEqual(ready.json(), { status: 'ready', reasons: [], ...rest })

    services.state.reasons.push('The store is not connected.')
    services.state.store = { kind: 'redis', connected: false, synced: false, lagMs: 12.5 }
    const degraded = await send(app, 'GET /health/ready')
    assert.equal(degraded.statusCode, 200)
    assert.deepEqual(degraded.json(), {
      status: 'degraded',
      reasons: ['The store is not connected.'],
      ...rest,
      store: { kind: 'redis', connected: false, synced: false, lag_ms: 12.5 },
    })

    services.state.ready = false
    services.state.model = null
    const notReady = await send(app, 'GET /health/ready')
    assert.equal(notReady.statusCode, 503)
    assert.equal(notReady.json<{ status: string }>().status, 'not ready')
    assert.equal(notReady.json<{ model: unknown }>().model, null)
  })

  test('metrics have the content type that Prometheus asks for', async () => {
    const response = await send(app, 'GET /metrics')
    assert.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    assert.equal(response.body, '# HELP nearrank_requests_total Requests.\n')
    services.failure = new Error('secret')
    assertProblem(await send(app, 'GET /metrics'), 'INTERNAL')
  })
})
