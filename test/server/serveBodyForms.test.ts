import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { after, test } from 'node:test'
import { assertProblemAnswer, CENTRE, makeWorld, openConnections, serveWorld } from './serverFixture.ts'

const server = await serveWorld(await makeWorld())
const [connection] = await openConnections(server.port, 1)
after(() => connection.close())

const wish = { ...CENTRE, candidate_restaurant_ids: [1, 2, 3], size: 3 }

test('a byte-order mark in front of a body is no part of it', async () => {
  const plain = await connection.send('POST /recommend/1', JSON.stringify(wish))
  const marked = await connection.send('POST /recommend/1', `\uFEFF${JSON.stringify(wish)}`)
  assert.equal(marked.status, 200, marked.body)
  assert.equal(marked.body, plain.body)
  const twice = await connection.send('POST /recommend/1', `\uFEFF\uFEFF${JSON.stringify(wish)}`)
  assert.equal(twice.status, 400)
})

test('null stands for a field that is not given', async () => {
  const absent = {
    candidate_restaurant_ids: null,
    size: null,
    max_dist: null,
    sort_dist: null,
    context: null,
  }
  for (const [given, nothing] of [
    [CENTRE, { ...absent, explain: null }],
    [{ ...CENTRE, explain: true }, absent], // another thread reads these
  ]) {
    const left = await connection.send('POST /recommend/1', JSON.stringify(given))
    const none = await connection.send('POST /recommend/1', JSON.stringify({ ...given, ...nothing }))
    assert.equal(none.status, 200, none.body)
    assert.equal(none.body, left.body)
  }
  const nowhere = await connection.send('POST /recommend/1', JSON.stringify({ ...CENTRE, latitude: null }))
  assert.match(assertProblemAnswer(nowhere, 'BAD_BODY'), /latitude is missing/)
})

test('compressed bodies are 415 on every path', async () => {
  const headers = { 'content-encoding': 'gzip' }
  for (const request of ['POST /recommend/1', 'PUT /users/1', 'POST /features', 'POST /admin/reload']) {
    const [own] = await openConnections(server.port, 1)
    const { status, body } = await own.send(request, gzipSync(JSON.stringify(wish)), headers)
    own.close()
    assert.equal(status, 415, request)
    assert.match(body, /must not be compressed/)
  }
  const identity = { 'content-encoding': 'identity' }
  assert.equal((await connection.send('POST /recommend/1', JSON.stringify(wish), identity)).status, 200)
})
