import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { ApiKeys } from '../../src/server/keys/apiKeys.ts'
import { type RawAnswer, RawConnection } from './rawConnection.ts'
import { assertProblemAnswer, CENTRE, makeWorld, serveWorld } from './serverFixture.ts'

const SHOP = 'https://shop.example'
const EVIL = 'https://evil.example'
const sha256 = createHash('sha256').update('reader').digest('hex')
const apiKeys = new ApiKeys([{ name: 'reader', sha256, rights: ['read'] }])
const wish = JSON.stringify({ ...CENTRE, max_dist: 1e6 })

const world = await makeWorld()
const none = await serveWorld(world)
const open = await serveWorld(world, { corsOrigins: [SHOP, 'http://localhost:3000'] })
const keyed = await serveWorld(world, { corsOrigins: [SHOP], apiKeys })
const any = await serveWorld(world, { corsOrigins: ['*'], apiKeys })

// Of both ways: a listening thread answers the first, the main thread the others.
const PATHS = ['POST /recommend/1', 'PUT /users/1', 'DELETE /users/1', 'POST /features', 'GET /openapi.json']

async function send(
  { port }: { port: number },
  request: string,
  headers: Record<string, string>,
  body?: string,
): Promise<RawAnswer> {
  const connection = await RawConnection.open(port)
  const answer = await connection.send(request, body, headers)
  connection.close()
  return answer
}

function allowed({ headers }: RawAnswer): string | undefined {
  return headers['access-control-allow-origin']
}

function preflight(origin: string, method: string): Record<string, string> {
  return {
    origin,
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'cors',
    'access-control-request-method': method,
    'access-control-request-headers': 'content-type,x-api-key',
  }
}

test('a preflight of an allowed origin is answered for every route, without a key; of others it is not', async () => {
  for (const server of [open, keyed, any])
    for (const request of PATHS) {
      const [method, path] = request.split(' ')
      const answer = await send(server, `OPTIONS ${path}`, preflight(SHOP, method))
      assert.equal(answer.status, 204, answer.body)
      assert.equal(allowed(answer), server === any ? '*' : SHOP)
      assert.equal(answer.headers.vary, server === any ? undefined : 'origin')
      assert.ok(answer.headers['access-control-allow-methods'].split(', ').includes(method), method)
      const taken = answer.headers['access-control-allow-headers'].split(', ')
      for (const header of ['authorization', 'content-type', 'x-api-key']) assert.ok(taken.includes(header))
      assert.ok(Number(answer.headers['access-control-max-age']) > 0)
      assert.equal(answer.headers['access-control-allow-credentials'], undefined)
      if (server === any) continue
      const other = await send(server, `OPTIONS ${path}`, preflight(EVIL, method))
      assert.equal(allowed(other), undefined)
      assert.equal(other.headers['access-control-allow-methods'], undefined)
    }
  const unasked = await send(open, 'OPTIONS /users/1', { origin: SHOP })
  assert.deepEqual([unasked.status, unasked.headers.allow], [204, 'DELETE, GET, HEAD, OPTIONS, PUT'])
})

test('answers to pages of an allowed origin can be read, errors too; those to others cannot', async () => {
  const cross = { 'sec-fetch-site': 'cross-site' }
  for (const [origin, shown] of [
    [SHOP, SHOP],
    ['http://localhost:3000', 'http://localhost:3000'],
    [EVIL, undefined],
    ['https://shop.example:8443', undefined],
    ['null', undefined],
  ]) {
    for (const [request, body, status] of [
      ['POST /recommend/1', wish, 200],
      ['POST /recommend/1', '{', 400],
      ['GET /users/1', undefined, 200],
      ['GET /users/999999', undefined, 404],
      ['GET /openapi.json', undefined, 200],
      ['GET /docs/', undefined, 200],
      ['GET /nothing', undefined, 404],
    ] as const) {
      const answer = await send(open, request, { origin: String(origin), ...cross }, body)
      assert.equal(answer.status, status, answer.body)
      assert.equal(allowed(answer), shown, request)
      assert.equal(answer.headers.vary, 'origin')
      const exposed = answer.headers['access-control-expose-headers']
      assert.equal(exposed?.includes('nearrank-user'), shown === undefined ? undefined : true)
    }
  }
  const direct = await send(open, 'GET /users/1', {})
  assert.deepEqual([allowed(direct), direct.headers.vary], [undefined, 'origin'])
})

test('without keys, pages of an allowed origin may change everything, and those of others nothing', async () => {
  const cross = { 'sec-fetch-site': 'cross-site' }
  const row = JSON.stringify({ features: Array.from({ length: 30 }, () => 1) })
  const done = await send(open, 'PUT /users/77', { origin: SHOP, ...cross }, row)
  assert.deepEqual([done.status, allowed(done)], [204, SHOP])
  assert.equal((await send(open, 'POST /admin/reload', { origin: SHOP, ...cross })).status, 200)
  for (const [server, origin] of [
    [open, EVIL],
    [none, SHOP],
  ] as const)
    assertProblemAnswer(await send(server, 'PUT /users/78', { origin, ...cross }, row), 'CROSS_SITE')
  const rebound = await send(open, 'GET /users/1', { host: 'evil.example', origin: SHOP })
  assertProblemAnswer(rebound, 'UNKNOWN_HOST')
})

test('with keys, a page needs one, and can read why it is refused', async () => {
  for (const [server, origin] of [
    [keyed, SHOP],
    [any, '*'],
  ] as const) {
    const headers = { origin: SHOP, 'sec-fetch-site': 'cross-site' }
    for (const request of ['POST /recommend/1', 'GET /users/1']) {
      const refused = await send(server, request, headers, request.startsWith('P') ? wish : undefined)
      assertProblemAnswer(refused, 'UNAUTHENTICATED')
      assert.equal(allowed(refused), origin)
      const key = { ...headers, 'x-api-key': 'reader' }
      const answer = await send(server, request, key, request.startsWith('P') ? wish : undefined)
      assert.deepEqual([answer.status, allowed(answer)], [200, origin])
    }
  }
})

test('a server without the option says nothing of origins', async () => {
  for (const request of ['POST /recommend/1', 'GET /users/1', 'OPTIONS /users/1']) {
    const body = request.startsWith('P') ? wish : undefined
    const { headers } = await send(none, request, preflight(SHOP, 'PUT'), body)
    for (const name of Object.keys(headers)) assert.doesNotMatch(name, /^access-control-|^vary$/)
  }
})
