import assert from 'node:assert/strict'
import { rename, rm } from 'node:fs/promises'
import { test } from 'node:test'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import { CENTRE, makeWorld, openConnections, rankedList } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const ROW = JSON.stringify({ features: Array.from({ length: 30 }, () => 1) })

test('features.db is deleted under the server: it ranks on, says degraded, and acknowledges no change', async () => {
  const world = await makeWorld()
  const store = await world.newStore()
  const path = store.replace('sqlite:', '')
  const server = await ServeProcess.start(['--model', world.model, '--store', store, '--workers', '1'])
  const [connection] = await openConnections(server.port, 1)
  const client = new NearrankClient({ url: `http://127.0.0.1:${server.port}` })
  assert.equal((await connection.send('PUT /users/5', ROW)).status, 204)
  assert.equal((await client.ready()).status, 'ready')
  await rename(path, `${path}.aside`)
  const refused = await connection.send('PUT /users/6', ROW)
  assert.equal(refused.status, 503, refused.body)
  const { status, reasons } = await client.ready()
  assert.equal(status, 'degraded')
  assert.match(reasons[0], /^A file of the store was deleted or replaced/)
  assert.equal((await rankedList(connection, 1, { ...CENTRE, max_dist: 1e6 })).length, 20)
  await rename(`${path}.aside`, path)
  assert.equal((await connection.send('PUT /users/6', ROW)).status, 204)
  assert.equal((await client.ready()).status, 'ready')
  await rm(path)
  assert.equal((await connection.send('DELETE /users/6')).status, 503)
  assert.equal((await client.ready()).status, 'degraded')
  server.signal('SIGTERM')
  assert.equal(await server.ended(), 0, server.stderr)
})
