import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Type } from 'typebox'
import { ApiKeys } from '../../../src/server/keys/apiKeys.ts'
import { buildApp } from '../../../src/server/app.ts'
import { idPattern } from '../../../src/ids.ts'
import { fakeServices } from '../fakeServices.ts'

interface Operation {
  summary?: string
  operationId?: string
  tags?: string[]
  security?: object[]
  parameters?: { name: string; in: string; required: boolean; description?: string; schema: object }[]
  requestBody?: { required: boolean; content: Record<string, { schema: object }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>
}

interface OpenApi {
  openapi: string
  info: { title: string; version: string }
  tags: { name: string }[]
  components: { schemas: Record<string, object>; securitySchemes?: Record<string, object> }
  paths: Record<string, Record<string, Operation>>
}

const WANTED = [
  'GET /users',
  'GET /restaurants',
  'GET /features',
  'GET /users/{id}',
  'PUT /users/{id}',
  'DELETE /users/{id}',
  'GET /restaurants/{id}',
  'PUT /restaurants/{id}',
  'DELETE /restaurants/{id}',
  'POST /recommend/{user_id}',
  'POST /features',
  'GET /admin/model',
  'GET /admin/models',
  'GET /problems',
  'POST /admin/reload',
  'POST /admin/rollback',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /openapi.json',
  'POST /extra/{name}',
]

const extra = Type.Object({ name: Type.String() }, { additionalProperties: false })
const make = (apiKeys?: ApiKeys) => {
  const app = buildApp({ services: fakeServices(), ...(apiKeys && { apiKeys }) })
  app.register(async (scope) => {
    const schema = { summary: 'Extra', operationId: 'extra', tags: ['Ranking'], params: extra, body: extra }
    scope.post('/extra/:name', { config: { right: 'read' }, schema }, async () => ({}))
  })
  return app
}
const documentOf = async (apiKeys?: ApiKeys) => (await make(apiKeys).inject('/openapi.json')).json<OpenApi>()

describe('/openapi.json', () => {
  test('every path and method is in it, and nothing else', async () => {
    const { openapi, paths, info } = await documentOf()
    assert.equal(openapi, '3.1.0')
    assert.match(info.version, /^\d+\.\d+\.\d+/)
    const found = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    assert.deepEqual(found.toSorted(), WANTED.toSorted())
  })

  test('every operation tells what it is, takes and answers', async () => {
    const document = await documentOf()
    const tags = new Set(document.tags.map(({ name }) => name))
    const ids = new Set<string>()
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(methods)) {
        const where = `${method} ${path}`
        assert.ok(operation.summary, where)
        assert.ok(operation.tags?.every((tag) => tags.has(tag)) && operation.tags.length === 1, where)
        assert.ok(operation.operationId && !ids.has(operation.operationId), where)
        ids.add(operation.operationId)
        const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
        assert.deepEqual(
          (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name),
          names,
          where,
        )
        for (const one of operation.parameters ?? []) {
          assert.equal(one.required, one.in === 'path', where)
          assert.ok(one.in === 'path' || one.description, where)
        }
        assert.equal(
          operation.requestBody !== undefined,
          /^put|post \/features|recommend|extra/.test(where),
          where,
        )
        for (const [status, { description, content }] of Object.entries(operation.responses)) {
          assert.match(status, /^[2-5]\d\d$/, where)
          assert.ok(description, where)
          const isProblem = Number(status) >= 400 && path !== '/health/ready'
          if (isProblem) assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], where)
        }
      }
  })

  test('every id in a path has a pattern, by the kind of the ids, and /features needs a body', async () => {
    for (const ids of ['integer', 'unsigned', 'string'] as const) {
      const layout = { users: { features: 3, ids }, restaurants: { features: 2, ids } }
      const app = buildApp({ services: fakeServices(layout) })
      const { paths } = (await app.inject('/openapi.json')).json<OpenApi>()
      assert.equal(paths['/features'].post.requestBody?.required, true)
      let params = 0
      for (const [path, methods] of Object.entries(paths))
        for (const { parameters = [] } of Object.values(methods))
          for (const { name, schema, in: place } of parameters) {
            if (place !== 'path') continue
            params++
            const { pattern = '' } = schema as { pattern?: string }
            const of = path.startsWith('/restaurants') ? 'restaurant' : 'user'
            assert.equal(pattern, idPattern(ids, of), `${path} ${name}`)
          }
      assert.equal(params, 7)
    }
  })

  test('every reference leads somewhere, and no schema is loose', async () => {
    const document = await documentOf(new ApiKeys([]))
    let references = 0
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      const node = value as Record<string, unknown>
      if (typeof node.$ref === 'string') {
        references += 1
        const keys = node.$ref.split('/')
        assert.equal(keys.shift(), '#')
        let target: unknown = document
        for (const key of keys) target = (target as Record<string, unknown>)[key]
        assert.equal(typeof target, 'object', node.$ref)
      }
      if (node.type === 'object' && node.properties !== undefined)
        assert.equal(node.additionalProperties, false, JSON.stringify(node).slice(0, 100))
      for (const child of Object.values(node)) visit(child)
    }
    visit(document)
    assert.ok(references > 30, `${references} references`)
    assert.doesNotMatch(JSON.stringify(document), /"~|\$id/)
  })

  test('the schema of a body is the one that validates', async () => {
    const app = make()
    const { paths } = (await app.inject('/openapi.json')).json<OpenApi>()
    const { schema } = paths['/users/{id}'].put.requestBody?.content['application/json'] ?? {}
    const { features } = (
      schema as { properties: { features: { minItems: number; items: { exclusiveMaximum: number } } } }
    ).properties
    for (const [length, value, status] of [
      [features.minItems, features.items.exclusiveMaximum / 2, 204],
      [features.minItems - 1, 1, 400],
      [features.minItems, features.items.exclusiveMaximum, 400],
    ]) {
      const payload = { features: Array.from({ length }, () => value) }
      assert.equal((await app.inject({ method: 'PUT', url: '/users/1', payload })).statusCode, status)
    }
    assert.deepEqual(Object.keys(paths['/features'].post.requestBody?.content ?? {}), [
      'application/x-ndjson',
      'application/ndjson',
      'application/jsonl',
    ])
  })

  test('with keys every operation that needs one says so', async () => {
    const open = await documentOf()
    assert.equal(open.components.securitySchemes, undefined)
    assert.doesNotMatch(JSON.stringify(open.paths), /"security"|"401"|"403"/)
    const { paths, components } = await documentOf(new ApiKeys([]))
    assert.deepEqual(Object.keys(components.securitySchemes ?? {}), ['bearer', 'apiKey'])
    for (const [path, methods] of Object.entries(paths))
      for (const { security, responses } of Object.values(methods)) {
        const isPublic = path.startsWith('/health') || path === '/openapi.json'
        assert.deepEqual(security, isPublic ? undefined : [{ bearer: [] }, { apiKey: [] }], path)
        assert.equal('401' in responses && '403' in responses, !isPublic, path)
      }
  })
})

describe('/docs', () => {
  const app = make(new ApiKeys([]))

  test('the page and all it loads come from here', async () => {
    for (const url of ['/docs', '/docs/']) {
      const page = await app.inject(url)
      assert.equal(page.statusCode, 200)
      assert.match(String(page.headers['content-type']), /^text\/html/)
      assert.match(String(page.headers['content-security-policy']), /default-src 'none'.*script-src 'self';/)
      assert.doesNotMatch(page.body, /(?:https?:)?\/\/[a-z]/i)
      const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file)
      assert.ok(files.length >= 5, `${files.length} files`)
      for (const file of files) {
        const answer = await app.inject(new URL(file, `http://localhost${url}`).pathname)
        assert.equal(answer.statusCode, 200, file)
        assert.ok(answer.rawPayload.length > 100, file)
      }
    }
  })

  test('styles load nothing from elsewhere, and the page asks no validator', async () => {
    for (const file of ['swagger-ui.css', 'index.css'])
      assert.doesNotMatch(
        (await app.inject(`/docs/static/${file}`)).body,
        /@import|url\(["']?(?:https?:)?\/\//,
      )
    assert.match((await app.inject('/docs/static/page.js')).body, /validatorUrl: null/)
  })

  test('what a browser has already is not sent again', async () => {
    for (const url of ['/openapi.json', '/docs/static/swagger-ui-bundle.js']) {
      const first = await app.inject(url)
      const headers = { 'if-none-match': String(first.headers.etag) }
      const again = await app.inject({ url, headers })
      assert.deepEqual([first.statusCode, again.statusCode, again.body], [200, 304, ''])
      assert.equal((await app.inject({ url, headers: { 'if-none-match': '"other"' } })).statusCode, 200)
    }
  })

  test('a file that is not there is 404, and no path leads out', async () => {
    for (const file of ['nope.js', '..%2f..%2fpackage.json', '%2e%2e/package.json', '..%5cpackage.json'])
      assert.ok([400, 403, 404].includes((await app.inject(`/docs/static/${file}`)).statusCode), file)
  })
})
