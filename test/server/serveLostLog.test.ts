import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { test } from 'node:test'
import { CENTRE, makeWorld, openConnections, rankedList } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const world = await makeWorld()

for (const [what, log] of [
  ['its disk is full', openSync('/dev/full', 'w')],
  ['its reader has gone', 'pipe'],
] as const)
  test(`a log that cannot be written because ${what}: lines are lost and counted, the server serves and stops`, async () => {
    const args = ['--model', world.model, '--store', await world.newStore(), '--log-level', 'debug']
    const server = await ServeProcess.start([...args, '--drain-seconds', '1'], log)
    server.child.stderr?.destroy()
    const [connection] = await openConnections(server.port, 1)
    for (let i = 0; i < 50; i++)
      assert.equal((await rankedList(connection, 1, { ...CENTRE, max_dist: 1e6 })).length, 20)
    assert.equal((await connection.send('GET /health/ready')).status, 200)
    const { body } = await connection.send('GET /metrics')
    assert.ok(Number(/^nearrank_lost_log_lines_total (\d+)$/m.exec(body)?.[1]) >= 50, body)
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0)
  })
