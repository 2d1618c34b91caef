import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { LastProblems } from '../../src/server/problems/lastProblems.ts'
import { addApiKey, readApiKeys } from '../../src/server/keys/apiKeyFile.ts'
import { Admission } from '../../src/server/threads/admission/admission.ts'
import { roomFor } from './threads/admission/roomFor.ts'
import { RequestQueue } from '../../src/server/threads/admission/requestQueue.ts'
import { MainThread } from '../../src/server/threads/passing/mainThread.ts'
import { LoadRoute, PassedRoute } from '../../src/server/threads/passing/passedRoute.ts'
import { RankingRoute } from '../../src/server/threads/ranking/rankingRoute.ts'
import { ThreadStats } from '../../src/server/threads/threadStats.ts'
import { createThreadServer } from '../../src/server/threads/threadServer.ts'
import { Oracle, type Ranked, type Wish } from './oracle.ts'
import { type RawAnswer, requestBytes } from './rawConnection.ts'
import {
  assertProblemAnswer,
  CENTRE,
  makeWorld,
  openConnections,
  putRow,
  rankedList,
  RESTAURANTS,
  serveWorld,
  USERS,
} from './serverFixture.ts'

const world = await makeWorld()
const wish: Wish = { ...CENTRE, max_dist: 1e6, size: 5 }
const text = JSON.stringify(wish)

test('past --max-queue requests get 503 with Retry-After and keep their connection; the accepted ones get the right list', async () => {
  const { port } = await serveWorld(world, { workers: 1, waitingMax: 2 })
  const connections = await openConnections(port, 40)
  const expected = await rankedList(connections[0], 3, wish)
  let accepted = 0
  let refused = 0
  // Each round has at least one accepted, on a slow machine no more.
  for (let round = 0; round < 10 || (accepted < 20 && round < 20); round++) {
    // Both kinds of burst: requests that come together on one connection, and on many.
    const answers = await Promise.all(
      connections.flatMap((connection) => {
        const coming = [connection.next(), connection.next(), connection.next()]
        connection.write(Buffer.concat(coming.map(() => requestBytes('POST /recommend/3', text))))
        return coming
      }),
    )
    for (const answer of answers)
      if (answer.status === 200) {
        accepted++
        assert.deepEqual((JSON.parse(answer.body) as { restaurants: Ranked[] }).restaurants, expected)
      } else {
        refused++
        assertProblemAnswer(answer, 'OVERLOADED')
        assert.equal(answer.headers['retry-after'], '1')
        assert.equal(answer.headers.connection, 'keep-alive', 'to connect again costs more than to answer')
      }
  }
  assert.ok(accepted >= 20 && refused >= 100, `${accepted} accepted, ${refused} refused`)
  assert.deepEqual(await rankedList(connections[1], 3, wish), expected, 'and then all is well again')
  const live = await connections[2].send('GET /health/live')
  assert.equal(live.status, 200)
})

test('while features are being loaded requests get 503 with Retry-After, and the rest is passed on', async () => {
  const problems = new LastProblems()
  const admission = new Admission({ isDraining: () => false, held: roomFor(10_000), problems })
  const mainThread = new MainThread({
    admission,
    pass: async ({ method, url }) => ({
      status: 200,
      headers: {},
      body: new TextEncoder().encode(`${method} ${url}`),
    }),
  })
  const passing = { admission, mainThread, limits: { bulkBodyBytesMax: 1000, rowBodyBytesMax: 1000 } }
  const server = createThreadServer({
    crossOrigin: null,
    guard: null,
    ranking: new RankingRoute({
      admission,
      queue: new RequestQueue({ waitingMax: 1 }),
      ranker: () => undefined,
      stats: new ThreadStats(new SharedArrayBuffer(ThreadStats.BYTES)),
      userIds: 'integer',
      unknownUser: 'fail',
      candidatesMax: 10,
      explain: () => assert.fail(),
      onFailure: assert.fail,
    }),
    problems,
    loads: new LoadRoute(passing),
    others: new PassedRoute(passing),
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const [connection] = await openConnections((server.address() as AddressInfo).port, 1)
  assertProblemAnswer(await connection.send('POST /recommend/1', text), 'NOT_READY')
  assert.equal((await connection.send('GET /health/ready')).body, 'GET /health/ready')
  server.close()
})

test('--max-candidates', async () => {
  const { port } = await serveWorld(world, { candidatesMax: 100 })
  const [connection] = await openConnections(port, 1)
  const ask = (count: number) => {
    const ids = Array.from({ length: count }, (_, i) => i)
    return connection.send('POST /recommend/3', JSON.stringify({ ...wish, candidate_restaurant_ids: ids }))
  }
  assert.equal((await ask(100)).status, 200)
  assert.match(assertProblemAnswer(await ask(101), 'TOO_MANY_CANDIDATES'), /at most 100 ids, found 101/)
  assertProblemAnswer(await ask(50_000), 'BODY_TOO_LARGE')
})

test('--unknown-user average ranks for the mean of all users, and says so', async () => {
  const oracle = await Oracle.open(world.model, { ...world, users: new Map(world.users) })
  const { port } = await serveWorld(world, { unknownUser: 'average' })
  const [connection] = await openConnections(port, 1)
  const all: Wish = { ...CENTRE, max_dist: 1e6, size: RESTAURANTS }
  const check = async () => {
    const answer = await connection.send(`POST /recommend/${USERS + 10_000}`, JSON.stringify(all))
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['nearrank-user'], 'average')
    await oracle.assertRanked(
      (JSON.parse(answer.body) as { restaurants: Ranked[] }).restaurants,
      'average',
      all,
    )
  }
  await check()
  const known = await connection.send('POST /recommend/3', text)
  assert.equal(known.headers['nearrank-user'], undefined)
  // The mean follows what is put, replaced and taken out.
  for (const [id, value] of [
    [3, 500],
    [9999, -2000],
    [3, 1],
  ]) {
    const features = Array.from({ length: 30 }, (_, f) => value * (f - 10))
    await putRow(connection, `/users/${id}`, { features })
    oracle.users.set(String(id), features)
    await check()
  }
  assert.equal((await connection.send('DELETE /users/9999')).status, 204)
  oracle.users.delete('9999')
  await check()
  assertProblemAnswer(await connection.send('POST /recommend/x', text), 'BAD_ID')
})

test('keys: each right opens its own routes, on the threads that rank as on the one that does the rest', async () => {
  const file = join(world.folder, 'keys.json')
  const keys: Record<string, string> = {}
  for (const right of ['read', 'write', 'admin'] as const)
    keys[right] = await addApiKey(file, { name: right, rights: [right] })
  const { port } = await serveWorld(world, { apiKeys: readApiKeys(file) })
  const [connection] = await openConnections(port, 1)
  const row = JSON.stringify({ features: world.users.get('1') })
  const routes: [right: string, request: string, status: number, body?: string, type?: string][] = [
    ['read', 'POST /recommend/1', 200, text],
    ['read', 'GET /users/1', 200],
    ['read', 'GET /metrics', 200],
    ['write', 'PUT /users/1', 204, row],
    ['write', 'POST /features', 200, '{"user_id":999999,"deleted":true}', 'application/x-ndjson'],
    ['write', 'DELETE /users/1', 204],
    ['admin', 'GET /admin/model', 200],
    ['admin', 'GET /admin/models', 200],
    ['admin', 'GET /problems', 200],
    ['admin', 'POST /admin/reload', 200],
    ['admin', 'POST /admin/rollback', 409], // it was the same model again
  ]
  const send = (request: string, headers: Record<string, string>, body?: string, type = 'application/json') =>
    connection.send(request, body, { ...(body !== undefined && { 'content-type': type }), ...headers })
  for (const [right, request, status, body, type] of routes) {
    for (const headers of [{}, { authorization: 'Bearer x' }, { 'x-api-key': `${keys[right]}x` }])
      assertProblemAnswer(await send(request, headers, body, type), 'UNAUTHENTICATED')
    for (const other of Object.keys(keys).filter((key) => key !== right))
      assertProblemAnswer(await send(request, { 'x-api-key': keys[other] }, body, type), 'FORBIDDEN')
    assert.equal(
      (await send(request, { authorization: `Bearer ${keys[right]}` }, body, type)).status,
      status,
      request,
    )
  }
  for (const open of ['GET /health/live', 'GET /health/ready'])
    assert.equal((await connection.send(open)).status, 200)
})

test('a key without the right is refused before the body, which takes no room from those who have it', async () => {
  const file = join(world.folder, 'rights.json')
  const reader = await addApiKey(file, { name: 'reader', rights: ['read'] })
  const writer = await addApiKey(file, { name: 'writer', rights: ['write'] })
  const { port } = await serveWorld(world, { workers: 1, apiKeys: readApiKeys(file) })
  const [last, ...connections] = await openConnections(port, 7)
  for (const [i, [request, key, right]] of (
    [
      ['POST /features', reader, 'write'],
      ['POST /features?x=1', reader, 'write'],
      ['PUT /users/1', reader, 'write'],
      ['PUT /restaurants/1', reader, 'write'],
      ['DELETE /users/1', reader, 'write'],
      ['POST /admin/reload', writer, 'admin'],
    ] as const
  ).entries()) {
    const answer = connections[i].next()
    connections[i].write(
      `${request} HTTP/1.1\r\nhost: a\r\nx-api-key: ${key}\r\ncontent-length: 60000000\r\n\r\n{`,
    )
    assert.match(assertProblemAnswer(await answer, 'FORBIDDEN'), new RegExp(`must have the right ${right}`))
  }
  const load = `{"user_id":999999,"deleted":true}${'\n'.repeat(2 ** 20)}`
  const headers = { 'x-api-key': writer, 'content-type': 'application/x-ndjson' }
  assert.equal((await last.send('POST /features', load, headers)).status, 200)
})

test('/metrics is Prometheus text and adds up with what was sent; /openapi.json tells of every route', async () => {
  const { port } = await serveWorld(world, { unknownUser: 'average' })
  const connections = await openConnections(port, 8)
  const sent = { 200: 120, 400: 30, 415: 7, 417: 2, 421: 3 }
  const ask = (i: number, body: string, headers?: Record<string, string>) =>
    connections[i % 8].send(`POST /recommend/${i % 4 === 0 ? 99_999 : i}`, body, headers)
  for (let i = 0; i < sent[200]; i++) assert.equal((await ask(i, text)).status, 200)
  for (let i = 1; i < sent[400]; i++) assert.equal((await ask(i, i % 2 ? '{' : '{}')).status, 400)
  for (let i = 0; i < sent[415]; i++)
    assert.equal((await ask(i, text, { 'content-type': 'text/plain' })).status, 415)
  // What is refused before it comes to its route ends its connection.
  const early: [status: number, id: string, headers: Record<string, string>][] = [
    [400, '%zz', {}],
    ...Array.from({ length: sent[417] }, () => [417, '1', { expect: 'x' }] as (typeof early)[number]),
    ...Array.from({ length: sent[421] }, () => [421, '1', { host: 'x.example' }] as (typeof early)[number]),
  ]
  for (const [status, id, headers] of early) {
    const [connection] = await openConnections(port, 1)
    assert.equal((await connection.send(`POST /recommend/${id}`, text, headers)).status, status)
  }

  const metrics = parsePrometheus(await connections[0].send('GET /metrics'))
  for (const [status, count] of Object.entries(sent))
    assert.equal(metrics.get(`nearrank_requests_total{status="${status}"}`), count)
  assert.equal(metrics.get('nearrank_request_duration_seconds_count'), sent[200])
  assert.equal(metrics.get('nearrank_request_duration_seconds_bucket{le="+Inf"}'), sent[200])
  assert.equal(metrics.get('nearrank_candidates_sum'), sent[200] * RESTAURANTS)
  assert.equal(metrics.get('nearrank_candidates_bucket{le="300"}'), 0)
  assert.equal(metrics.get('nearrank_candidates_bucket{le="1000"}'), sent[200])
  assert.equal(metrics.get('nearrank_average_user_total'), sent[200] / 4)
  assert.equal(metrics.get('nearrank_rows{side="users"}'), USERS)
  assert.equal(metrics.get('nearrank_rows{side="restaurants"}'), RESTAURANTS)
  for (const [name, value] of Object.entries({ ready: 1, workers: 2, model_version: 1, store_connected: 1 }))
    assert.equal(metrics.get(`nearrank_${name}`), value, name)
  assert.equal(metrics.get('nearrank_queue_length'), 0)
  assert.equal(metrics.get('nearrank_store_lag_seconds'), 0)
  const stages = ['wait', 'parse', 'rank', 'write'].map((stage) =>
    metrics.get(`nearrank_stage_seconds_total{stage="${stage}"}`),
  )
  const seconds = metrics.get('nearrank_request_duration_seconds_sum') ?? 0
  const sum = stages.reduce<number>((total, stage) => total + (stage ?? Number.NaN), 0)
  assert.ok(sum > 0 && Math.abs(sum - seconds) < 1e-6 + 1e-3 * seconds, `${sum} of ${seconds}`)

  const openapi = JSON.parse((await connections[0].send('GET /openapi.json')).body) as { paths: object }
  const routes = new Set(
    Object.entries(openapi.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  )
  for (const route of [
    'POST /recommend/{user_id}',
    'PUT /users/{id}',
    'DELETE /restaurants/{id}',
    'POST /features',
  ])
    assert.ok(routes.has(route), route)
})

/** Samples by name and labels, after a check of every line. */
function parsePrometheus({ status, headers, body }: RawAnswer): Map<string, number> {
  assert.equal(status, 200)
  assert.match(headers['content-type'], /^text\/plain; version=0\.0\.4/)
  assert.ok(body.endsWith('\n'))
  const samples = new Map<string, number>()
  const types = new Map<string, string>()
  for (const line of body.split('\n').filter((one) => one !== '')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
    if (type) types.set(type[1], type[2])
    if (line.startsWith('#')) {
      assert.match(line, /^# (?:HELP \S+ \S.*|TYPE \S+ (?:counter|gauge|histogram))$/)
      continue
    }
    const sample = /^([a-z_]+)((?:\{(?:[a-z]+="[^"]*",?)+\})?) (\S+)$/.exec(line)
    assert.ok(sample, line)
    const [, name, labels, value] = sample
    assert.ok(types.has(name.replace(/_(?:bucket|sum|count)$/, '')) || types.has(name), `${name} has a type`)
    assert.ok(Number.isFinite(Number(value)), line)
    assert.ok(!samples.has(name + labels), `${name}${labels} stands once`)
    samples.set(name + labels, Number(value))
  }
  assert.ok(samples.size > 40, `${samples.size} samples`)
  return samples
}
