import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { type ApiKeyEntry, ApiKeys, type Right } from '../../../src/server/keys/apiKeys.ts'
import { buildApp } from '../../../src/server/app.ts'
import { fakeServices } from '../fakeServices.ts'
import { assertProblem } from '../inject.ts'

const entry = (name: string, ...rights: Right[]): ApiKeyEntry => ({
  name,
  sha256: hash('sha256', `key-of-${name}`),
  rights,
})
const KEYS = new ApiKeys([
  entry('reader', 'read'),
  entry('writer', 'write'),
  entry('admin', 'admin'),
  entry('all', 'read', 'write', 'admin'),
])

// Every route, with the right it asks for; the last two are registered from outside.
const ROUTES: [method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD', url: string, right: Right | undefined][] =
  [
    ['GET', '/users', 'read'],
    ['GET', '/restaurants', 'read'],
    ['GET', '/features', 'read'],
    ['GET', '/users/1', 'read'],
    ['HEAD', '/users/1', 'read'],
    ['GET', '/restaurants/1', 'read'],
    ['GET', '/metrics', 'read'],
    ['PUT', '/users/1', 'write'],
    ['PUT', '/restaurants/1', 'write'],
    ['DELETE', '/users/1', 'write'],
    ['DELETE', '/restaurants/1', 'write'],
    ['POST', '/features', 'write'],
    ['POST', '/recommend/1', 'read'],
    ['GET', '/admin/model', 'admin'],
    ['GET', '/admin/models', 'admin'],
    ['GET', '/problems', 'admin'],
    ['POST', '/admin/reload', 'admin'],
    ['POST', '/admin/rollback', 'admin'],
    ['GET', '/health/live', undefined],
    ['GET', '/health/ready', undefined],
    ['GET', '/openapi.json', undefined],
    ['GET', '/docs', undefined],
    ['GET', '/docs/static/swagger-ui.css', undefined],
    ['GET', '/forgotten', 'admin'], // says no right of its own
    ['GET', '/ranking', 'read'],
  ]

describe('API keys at the routes', () => {
  const app = buildApp({ services: fakeServices(), apiKeys: KEYS })
  app.register(async (scope) => {
    scope.get('/forgotten', async () => 'x')
    scope.get('/ranking', { config: { right: 'read' } }, async () => 'x')
  })

  for (const [method, url, right] of ROUTES)
    test(`${method} ${url} asks for ${right ?? 'no key'}`, async () => {
      for (const { name, rights } of KEYS.entries)
        for (const headers of [
          { authorization: `Bearer key-of-${name}` },
          { 'x-api-key': `key-of-${name}` },
        ]) {
          const response = await app.inject({ method, url, headers })
          if (right !== undefined && !rights.includes(right)) {
            assert.equal(response.statusCode, 403)
            if (method !== 'HEAD') assertProblem(response, 'FORBIDDEN', new RegExp(`the right ${right}$`))
          } else assert.ok(![401, 403].includes(response.statusCode), response.body)
        }
      for (const headers of [
        {},
        { authorization: 'Bearer wrong' },
        { authorization: 'key-of-all' },
        { authorization: 'Basic key-of-all' },
        { 'x-api-key': '' },
        { 'x-api-key': 'wrong', authorization: 'Bearer key-of-all' },
      ]) {
        const response = await app.inject({ method, url, headers })
        assert.equal(response.statusCode === 401, right !== undefined, response.body)
        if (right !== undefined && method !== 'HEAD') assertProblem(response, 'UNAUTHENTICATED')
      }
    })

  test('no route is missing above', async () => {
    const document = (await app.inject('/openapi.json')).json<{ paths: Record<string, object> }>()
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/, '1')}`),
    )
    assert.ok(documented.length >= 14, `${documented.length} operations`)
    for (const one of documented)
      assert.ok(
        ROUTES.some(([method, url]) => `${method} ${url}` === one),
        one,
      )
  })

  test('a body is not read before the key is known', async () => {
    const response = await app.inject({
      method: 'PUT',
      url: '/users/1',
      payload: '{',
      headers: { 'content-type': 'application/json' },
    })
    assertProblem(response, 'UNAUTHENTICATED')
  })
})

describe('ApiKeys', () => {
  test('every string but a key is refused', () =>
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('read', 'write', 'admin'), (text, right) => {
        assert.equal(KEYS.check({ authorization: `Bearer ${text}` }, right), 'unauthenticated')
        assert.equal(KEYS.check({ authorization: text }, right), 'unauthenticated')
        assert.equal(KEYS.check({ 'x-api-key': text }, right), 'unauthenticated')
      }),
    ))

  test('the first and the last entry are found, whatever the case of the scheme', () => {
    for (const name of ['reader', 'all'])
      for (const scheme of ['Bearer', 'bearer', 'BEARER'])
        assert.equal(KEYS.check({ authorization: `${scheme} key-of-${name}` }, 'read'), 'granted')
  })

  test('keys that are too long, twice there or none at all are refused', () => {
    assert.equal(KEYS.check({ 'x-api-key': ['key-of-all', 'key-of-all'] }, 'read'), 'unauthenticated')
    assert.equal(KEYS.check({ 'x-api-key': 'x'.repeat(10_000) }, 'read'), 'unauthenticated')
    assert.equal(KEYS.check({}, 'read'), 'unauthenticated')
  })
})
