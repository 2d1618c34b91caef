import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../store/redisRowsOfServer.ts'
import type { Ranked } from './oracle.ts'
import { type RawAnswer, RawConnection, requestBytes } from './rawConnection.ts'
import { CENTRE, makeWorld, openConnections, putRow } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const CLIENTS = 12
const EXIT = { SIGTERM: [0, 143], SIGINT: [0, 130] } as const

const world = await makeWorld()
const wish = JSON.stringify({ ...CENTRE, max_dist: 1e6, size: 50 })

async function start(...args: string[]): Promise<ServeProcess> {
  const store = await world.newStore()
  return ServeProcess.start(['--model', world.model, '--store', store, '--workers', '2', ...args])
}

describe('stopping', { concurrency: false }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`${signal} under load: every request that was sent whole is answered, then the process ends`, async () => {
      const server = await start()
      const connections = await openConnections(server.port, CLIENTS)
      let answered = 0
      let closedBehind = 0
      let written = 0
      const ask = async (connection: RawConnection, i: number) => {
        for (;;) {
          const isWrite = i === 0
          const answer = isWrite
            ? await connection.send('PUT /users/5', JSON.stringify({ features: features(++written) }))
            : await connection.send('POST /recommend/5', wish)
          assert.equal(answer.status, isWrite ? 204 : 200, answer.body)
          if (!isWrite)
            assert.equal((JSON.parse(answer.body) as { restaurants: Ranked[] }).restaurants.length, 50)
          answered++
          if (answer.headers.connection !== 'close') continue
          closedBehind++
          await connection.closed
          return
        }
      }
      const asking = Promise.all(connections.map(ask))
      await sleep(300)
      await eventually(() => assert.ok(answered > 100))
      server.signal(signal)
      const notReady = await untilNotReady(server.port)
      await asking
      assert.equal(notReady.status, 503)
      assert.match(notReady.body, /"status":"not ready","reasons":\["The server is shutting down\."\]/)
      assert.equal(closedBehind, CLIENTS, 'every connection was told before it was closed')
      assert.ok(answered > 100, `${answered} answers`)
      assert.ok((EXIT[signal] as readonly unknown[]).includes(await server.ended()), server.stderr)
      await assert.rejects(RawConnection.open(server.port))
    })

  test('a request that is still arriving, and one that is still being answered, are answered first', async () => {
    const server = await start()
    const [slow, bulk] = await openConnections(server.port, 2)
    const request = requestBytes('POST /recommend/5', wish)
    slow.write(request.subarray(0, -10))
    const lines = Array.from({ length: 20_000 }, (_, i) =>
      JSON.stringify({ user_id: 100_000 + i, features: features(i) }),
    )
    const load = bulk.send('POST /features', lines.join('\n'), { 'content-type': 'application/x-ndjson' })
    await sleep(100)
    server.signal('SIGTERM')
    await sleep(1000)
    const answer = slow.next()
    slow.write(request.subarray(-10))
    assert.equal((await answer).status, 200)
    assert.deepEqual(JSON.parse((await load).body), { users: 20_000, restaurants: 0, deleted: 0 })
    const endMs = Date.now() + 20_000 // 30 s would be the drain's end
    assert.equal(await server.ended(), 0, server.stderr)
    assert.ok(Date.now() < endMs, 'nothing held it')
  })

  test('idle connections hold nothing, and a stuck one holds it no longer than --drain-seconds', async () => {
    const server = await start('--drain-seconds', '1')
    const [idle, used, stuck] = await openConnections(server.port, 3)
    await putRow(used, '/users/5', { features: features(1) })
    stuck.write(
      'POST /recommend/5 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{',
    )
    await sleep(50)
    const startMs = Date.now()
    server.signal('SIGTERM')
    assert.equal(await server.ended(), 0, server.stderr)
    assert.ok(Date.now() - startMs < 15_000, 'nor until the request would have timed out')
    await Promise.all([idle.closed, used.closed, stuck.closed])
  })
})

/** The first answer that says so. */
async function untilNotReady(port: number): Promise<RawAnswer> {
  for (;;) {
    const connection = await RawConnection.open(port)
    const answer = await connection.send('GET /health/ready')
    connection.close()
    if (answer.status !== 200) return answer
  }
}

function features(value: number): number[] {
  return Array.from({ length: 30 }, () => value)
}
