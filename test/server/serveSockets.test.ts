import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { Random } from '../../src/random.ts'
import { RawConnection, requestBytes } from './rawConnection.ts'
import {
  assertProblemAnswer,
  CENTRE,
  makeWorld,
  openConnections,
  rankedList,
  serveWorld,
} from './serverFixture.ts'

const { port } = await serveWorld(await makeWorld(), { workers: 1 })
const wish = JSON.stringify({ ...CENTRE, max_dist: 1e6, size: 3 })
const ask = requestBytes('POST /recommend/1', wish)
const [healthy] = await openConnections(port, 1)
const expected = await rankedList(healthy, 1, JSON.parse(wish))

afterEach(async () => {
  assert.deepEqual(await rankedList(healthy, 1, JSON.parse(wish)), expected, 'the server lives on')
})

/** What comes back for some bytes on a connection of their own, until it closes. */
async function answerTo(bytes: string | Uint8Array): Promise<string> {
  const connection = await RawConnection.open(port)
  let text = ''
  connection.socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')))
  connection.write(bytes)
  await connection.closed
  return text
}

test('what is no HTTP is answered with a problem, and its connection is closed', async () => {
  for (const bytes of [
    'hello\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /health/live HTTP/1.1\r\n\r\n', // no Host
    'GET /health/live HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n',
    'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\nHost: evil.example\r\ncontent-length: 0\r\n\r\n',
    'POST /recommend/1 HTTP/1.1\r\nhost: localhost, evil.example\r\ncontent-length: 0\r\n\r\n',
    'GET /health/live HTTP/1.1\r\nhost: localhost\r\nbad header\r\n\r\n',
    'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n',
    'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    `GET /health/live HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
    `GET /${'y'.repeat(40_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
    Buffer.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 10, 13, 10, 13), // TLS
  ]) {
    const text = await answerTo(bytes)
    assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/, String(bytes).slice(0, 80))
    assert.match(text, /connection: close\r\n/i)
    assert.match(text, /content-type: application\/problem\+json\r\n/)
    assert.match(text, /"code":"BAD_REQUEST"/)
  }
})

test('an expectation that nobody can meet is 417, in its turn; without a Host, HTTP/1.0 is answered', async () => {
  const live = 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n'
  const head = 'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n'
  const text = await answerTo(`${live}${head}expect: banana\r\n\r\n{}${live}`)
  const found = Array.from(text.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status]) => Number(status))
  assert.deepEqual(found, [200, 417], 'and then the connection is closed')
  assert.match(text, /content-type: application\/problem\+json\r\n/)
  assert.match(text, /"code":"EXPECTATION_FAILED"/)
  assert.match(await answerTo('GET /health/live HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/)
})

test('what was asked before is answered before the connection is closed for what is no HTTP', async () => {
  const live = 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n'
  for (const [bytes, statuses] of [
    [Buffer.concat([ask, Buffer.from('hello\r\n\r\n')]), [200, 400]],
    [`${live}${live}hello\r\n\r\n`, [200, 200, 400]],
    [
      `${live}POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\nzz\r\n`,
      [200, 400],
    ],
    [`GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n${live}`, [200]],
  ] as const) {
    const text = await answerTo(bytes)
    const found = Array.from(text.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status]) => Number(status))
    assert.deepEqual(found, statuses, text)
  }
})

test('of requests for the main thread only some wait; the others get 503, and nothing is left behind', async () => {
  const connections = await openConnections(port, 1000)
  const [connection] = connections
  const answers = await Promise.all(connections.map((one) => one.send('GET /health/live')))
  const ok = answers.filter(({ status }) => status === 200).length
  assert.ok(ok >= 256, `${ok} answered`)
  for (const answer of answers) if (answer.status !== 200) assertProblemAnswer(answer, 'OVERLOADED')
  for (let i = 0; i < 300; i++) assert.equal((await connection.send('GET /health/live')).status, 200)
})

test('random bytes, and requests with random bytes in them', async () => {
  const random = new Random(3)
  for (let i = 0; i < 300; i++) {
    const bytes = i % 2 === 0 ? Buffer.alloc(1 + Math.floor(400 * random.float())) : Buffer.from(ask)
    const changes = i % 2 === 0 ? bytes.length : 3
    for (let k = 0; k < changes; k++)
      bytes[Math.floor(bytes.length * random.float())] = Math.floor(256 * random.float())
    const connection = await RawConnection.open(port)
    let text = ''
    connection.socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')))
    connection.socket.end(bytes)
    await connection.closed
    assert.doesNotMatch(text, /^HTTP\/1\.1 5/, bytes.toString('latin1'))
  }
})

test('uploads that are broken off anywhere', async () => {
  for (let length = 1; length < ask.length; length += 7) {
    const connection = await RawConnection.open(port)
    connection.write(ask.subarray(0, length))
    if (length % 2 === 0) connection.socket.end()
    else connection.socket.resetAndDestroy()
    await connection.closed
  }
  const load = requestBytes('POST /features', Buffer.alloc(1e6, '\n'), {
    'content-type': 'application/x-ndjson',
  })
  for (let i = 0; i < 20; i++) {
    const connection = await RawConnection.open(port)
    connection.write(load.subarray(0, 50_000 * i + 100))
    connection.socket.resetAndDestroy()
    await connection.closed
  }
})

test('requests byte by byte, pipelined, in chunks and with Expect: 100-continue', async () => {
  const [connection] = await openConnections(port, 1)
  const one = connection.next()
  for (const byte of ask) connection.write(Buffer.of(byte))
  assert.deepEqual(JSON.parse((await one).body), { restaurants: expected })

  const live = requestBytes('GET /health/live')
  const many = Array.from({ length: 50 }, () => connection.next())
  connection.write(Buffer.concat(many.map((_, i) => (i % 3 === 0 ? live : ask))))
  for (const [i, answer] of (await Promise.all(many)).entries()) {
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.body), i % 3 === 0 ? { status: 'live' } : { restaurants: expected })
  }

  const chunks = Array.from(wish, (character) => `1\r\n${character}\r\n`).join('')
  for (const head of ['POST /recommend/1', 'POST /recommend/u01']) {
    const chunked = connection.next()
    connection.write(
      `${head} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
    )
    assert.deepEqual(JSON.parse((await chunked).body), { restaurants: expected })
  }
  const row = JSON.stringify({ features: Array.from({ length: 30 }, () => 1) })
  const put = connection.next()
  connection.write(
    `PUT /users/70001 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n${row.length.toString(16)}\r\n${row}\r\n0\r\n\r\n`,
  )
  assert.equal((await put).status, 204)
  assert.equal((await connection.send('GET /users/70001')).body, `{"user_id":70001,${row.slice(1)}`)
})

test('paths that look like addresses, and steps, reach no other path than their own', async () => {
  const [connection] = await openConnections(port, 1)
  for (const path of [
    '//x/y',
    '//',
    '//health/live',
    '///health/live',
    '/health//live',
    '//admin/reload',
    '/x/../health/live',
    'http://localhost/x/../health/live',
    String.raw`/health\live`,
    String.raw`/admin\reload`,
    String.raw`http://localhost/health\live`,
  ])
    for (const method of ['GET', 'POST', 'PUT'])
      assertProblemAnswer(await connection.send(`${method} ${path}`), 'UNKNOWN_ROUTE')
  assert.equal((await connection.send('GET http://localhost/health/live')).status, 200)
  const absolute = await connection.send('POST http://localhost:80/recommend/1', wish)
  assert.deepEqual(JSON.parse(absolute.body), { restaurants: expected })
  const load = await connection.send(
    'POST http://localhost/features',
    `${'\n'.repeat(2 ** 21)}{"user_id":999999,"deleted":true}`,
    {
      'content-type': 'application/x-ndjson',
    },
  )
  assert.equal(load.status, 200)
  for (const method of ['PURGE', 'PROPFIND', 'TRACE', 'PATCH', 'GET']) {
    const answer = await connection.send(`${method} /recommend/1`)
    assertProblemAnswer(answer, 'METHOD_NOT_ALLOWED')
    assert.equal(answer.headers.allow, 'OPTIONS, POST')
  }
  assertProblemAnswer(await connection.send('GET http://[/x'), 'BAD_REQUEST')
})

test('bodies that are too large are refused before they are read', async () => {
  for (const [request, type] of [
    ['POST /recommend/1', 'application/json'],
    ['PUT /users/1', 'application/json'],
    ['POST /features', 'application/x-ndjson'],
    ['GET /health/live', 'text/plain'],
  ]) {
    const [connection] = await openConnections(port, 1)
    const answer = connection.next()
    connection.write(
      `${request} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: 1000000000\r\n\r\n{`,
    )
    if (request.startsWith('GET')) assert.ok((await answer).status < 500)
    else assertProblemAnswer(await answer, 'BODY_TOO_LARGE')
  }
  const [connection] = await openConnections(port, 1)
  const answer = connection.next()
  connection.write(
    'POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
  )
  for (let i = 0; i < 10; i++) connection.write(`10000\r\n${' '.repeat(65_536)}\r\n`)
  assertProblemAnswer(await answer, 'BODY_TOO_LARGE')
})

test('what takes long to check and is wrong does not hold the thread', async () => {
  const ids = `[${Array.from({ length: 200_000 }, () => '[]').join(',')}]`
  const answer = await healthy.send(
    'POST /recommend/1',
    `{"latitude":1,"longitude":1,"candidate_restaurant_ids":${ids}}`,
  )
  assert.match(
    assertProblemAnswer(answer, 'BAD_BODY'),
    /^Cannot use the request: candidate_restaurant_ids\[0\] must be/,
  )
  const deep = `{"latitude":${'['.repeat(100_000)}${']'.repeat(100_000)},"longitude":1}`
  assertProblemAnswer(await healthy.send('POST /recommend/1', deep), 'BAD_BODY')
})
