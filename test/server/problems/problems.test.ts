import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { FastifyPluginAsync } from 'fastify'
import { NearrankError } from '../../../src/errors.ts'
import { ApiKeys } from '../../../src/server/keys/apiKeys.ts'
import { buildApp } from '../../../src/server/app.ts'
import {
  Problem,
  problemBody,
  type ProblemCode,
  problemOf,
  PROBLEMS,
} from '../../../src/server/problems/problems.ts'
import { fakeServices } from '../fakeServices.ts'
import { assertProblem, JSON_TYPE, NDJSON_TYPE, send } from '../inject.ts'

const CODES = Object.keys(PROBLEMS) as ProblemCode[]
const fail =
  (error: Error): FastifyPluginAsync =>
  async (app) => {
    app.get('/fails', { config: { right: 'none' } }, async () => {
      throw error
    })
  }

describe('the table of problems', () => {
  for (const code of CODES)
    test(`${code} is whole, and a route can throw it`, async () => {
      const { status, title } = PROBLEMS[code]
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/)
      assert.ok(status >= 400 && status < 600)
      assert.match(title, /^[A-Z][^.]+$/)
      assert.equal(
        (JSON.parse(problemBody(code, 'Cannot "x"\n')) as Problem & { detail: string }).detail,
        'Cannot "x"\n',
      )
      const app = buildApp({ services: fakeServices() })
      app.register(fail(new Problem(code, 'Cannot do it')))
      assertProblem(await send(app, 'GET /fails'), code, 'Cannot do it')
    })

  // The ranking route's own are tested with it: TOO_MANY_CANDIDATES, REQUEST_TIMEOUT, NOT_READY, NOT_FINITE.
  test('each of these is reached by a request', async () => {
    const services = fakeServices()
    const app = buildApp({ services, limits: { rowBodyBytesMax: 100 } })
    const locked = buildApp({
      services,
      apiKeys: new ApiKeys([
        // The SHA-256 of the empty string never matches: an empty key is none.
        {
          name: 'x',
          sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
          rights: ['admin'],
        },
      ]),
    })
    const failing = (error: Error, request: string, body?: string) => {
      services.failure = error
      return send(app, request, body)
    }
    const user = '{"features":[1,2,3]}'
    assertProblem(await send(app, 'GET /users/%zz'), 'BAD_REQUEST')
    assertProblem(await send(app, 'PUT /users/1', '{'), 'BAD_JSON')
    assertProblem(await send(app, 'PUT /users/1', '{}'), 'BAD_BODY')
    assertProblem(await send(app, 'GET /users/x'), 'BAD_ID')
    assertProblem(await locked.inject({ url: '/metrics', headers: { 'x-api-key': '' } }), 'UNAUTHENTICATED')
    assertProblem(await send(app, 'GET /users/1'), 'UNKNOWN_USER')
    assertProblem(await send(app, 'GET /restaurants/1'), 'UNKNOWN_RESTAURANT')
    assertProblem(await send(app, 'GET /nope'), 'UNKNOWN_ROUTE')
    assertProblem(await send(app, 'PATCH /users/1'), 'METHOD_NOT_ALLOWED')
    assertProblem(await send(app, 'PUT /users/1', ' '.repeat(101)), 'BODY_TOO_LARGE')
    assertProblem(await send(app, 'PUT /users/1', user, NDJSON_TYPE), 'UNSUPPORTED_MEDIA_TYPE')
    assertProblem(
      await failing(new NearrankError('CONFLICT', 'Cannot'), 'POST /admin/reload'),
      'RELOAD_RUNNING',
      'Cannot',
    )
    assertProblem(
      await failing(new NearrankError('CONFLICT', 'Cannot'), 'POST /admin/rollback'),
      'NO_PREVIOUS_MODEL',
      'Cannot',
    )
    assertProblem(
      await failing(new NearrankError('INPUT', 'Cannot'), 'POST /admin/reload'),
      'MODEL_REJECTED',
      'Cannot',
    )
    assertProblem(await failing(new Error('x'), 'GET /metrics'), 'INTERNAL')
    assertProblem(
      await failing(new NearrankError('UNAVAILABLE', 'x'), 'PUT /users/1', user),
      'STORE_UNAVAILABLE',
    )
    assertProblem(await failing(new NearrankError('MEMORY', 'x'), 'PUT /users/1', user), 'STORE_FULL')
  })

  test('whatever is thrown becomes a problem, and a stranger tells nothing', () =>
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const problem = problemOf(thrown)
        assert.equal(problem.code, 'INTERNAL')
        assert.match(problem.message, /^Cannot answer this request/)
      }),
    ))

  test('errors that blame the client stay 4xx, others do not', () => {
    assert.equal(problemOf(Object.assign(new Error('x'), { statusCode: 416 })).code, 'BAD_REQUEST')
    assert.equal(problemOf(Object.assign(new Error('x'), { statusCode: 502 })).code, 'INTERNAL')
    assert.equal(problemOf(Object.assign(new Error('x'), { code: 'toString' })).code, 'INTERNAL')
    assert.equal(problemOf(new NearrankError('INPUT', 'Cannot')).code, 'BAD_BODY')
    assert.equal(problemOf(new NearrankError('DAMAGED', 'Cannot')).code, 'INTERNAL')
  })
})

describe('methods and paths', () => {
  const app = buildApp({ services: fakeServices() })

  test('OPTIONS and a wrong method tell the right ones', async () => {
    for (const [path, allow] of [
      ['/users/1', 'DELETE, GET, HEAD, OPTIONS, PUT'],
      ['/restaurants/1?x=1', 'DELETE, GET, HEAD, OPTIONS, PUT'],
      ['/features', 'GET, HEAD, OPTIONS, POST'],
      ['/admin/model', 'GET, HEAD, OPTIONS'],
      ['/admin/reload', 'OPTIONS, POST'],
      ['/users', 'GET, HEAD, OPTIONS'],
      ['/docs/static/x', 'GET, HEAD, OPTIONS'],
    ]) {
      const options = await send(app, `OPTIONS ${path}`)
      assert.equal(options.statusCode, 204)
      assert.equal(options.headers.allow, allow)
      const wrong = await send(app, `PATCH ${path}`)
      assertProblem(wrong, 'METHOD_NOT_ALLOWED', new RegExp(`accepts ${allow}$`))
      assert.equal(wrong.headers.allow, allow)
    }
  })

  test('HEAD answers like GET, without a body', async () => {
    for (const url of ['/health/ready', '/metrics', '/openapi.json', '/docs']) {
      const [get, head] = [await send(app, `GET ${url}`), await send(app, `HEAD ${url}`)]
      assert.equal(head.statusCode, get.statusCode)
      assert.equal(head.headers['content-type'], get.headers['content-type'])
      assert.equal(head.body, '')
    }
  })

  test('paths that are nearly right are unknown', async () => {
    for (const path of [
      '/',
      '/user',
      '/users/1/2',
      '/Users/1',
      '/health',
      '/admin/reload/',
      '/openapi.json/',
      '/*',
    ])
      for (const method of ['GET', 'OPTIONS', 'DELETE'])
        assertProblem(await send(app, `${method} ${path}`), 'UNKNOWN_ROUTE')
  })
})

describe('any request', () => {
  const app = buildApp({ services: fakeServices() })
  const url = fc.oneof(
    fc.string().map((text) => `/users/${encodeURIComponent(text.toWellFormed())}`),
    fc.webPath().map((path) => `/restaurants${path.startsWith('/') ? path : `/${path}`}`),
    fc.constantFrom(
      '/users/1',
      '/restaurants/2',
      '/features',
      '/admin/reload',
      '/admin/rollback',
      '/metrics',
      '/x',
    ),
  )
  const features = fc.array(fc.oneof(fc.double(), fc.jsonValue()), { maxLength: 4 })
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc
      .record({ features, latitude: fc.jsonValue(), longitude: fc.double() }, { requiredKeys: [] })
      .map((value) => JSON.stringify(value)),
    fc.constantFrom('{"features":[1,2,3]}', '{"__proto__":null}', ''),
  )
  const headers = fc.oneof(
    fc.constantFrom(JSON_TYPE, NDJSON_TYPE, { 'content-type': '' }, { 'content-type': 'text/html' }),
    fc
      .string({ unit: fc.constantFrom('a', 'z', '/', ';', '=', ' ', '"', '*') })
      .map((type) => ({ 'content-type': type })),
  )

  test('is answered, and never with a 5xx', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'),
        url,
        body,
        headers,
        async (method, path, text, type) => {
          const payload = method === 'GET' || method === 'HEAD' ? undefined : text
          const response = await send(app, `${method} ${path}`, payload, type)
          assert.ok(response.statusCode < 500, `${response.statusCode} ${response.body}`)
          if (response.statusCode >= 400 && method !== 'HEAD')
            assertProblem(response, response.json<{ code: ProblemCode }>().code, /^(Cannot|There) /)
        },
      ),
      { numRuns: 4000 },
    ))
})
