import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { eventually } from '../store/redisRowsOfServer.ts'
import { type RawAnswer, requestBytes } from './rawConnection.ts'
import { assertProblemAnswer, CENTRE, makeWorld, openConnections, rankedList } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const MIB = 2 ** 20
const CLIENTS = 700
const GROWTH_BYTES_MAX = 450 * MIB // 256 of bodies, and what of them the garbage collector has still to find

test('bodies that arrive slowly take bounded memory: the slowest are refused, the fast ones accepted', async () => {
  const world = await makeWorld()
  const store = await world.newStore()
  const server = await ServeProcess.start(['--model', world.model, '--store', store, '--workers', '2'])
  const wish = { ...CENTRE, max_dist: 1e6 }
  const [honest, ...slow] = await openConnections(server.port, 1 + CLIENTS)
  const expected = await rankedList(honest, 1, wish)
  const before = memoryBytes(server, 'VmRSS')
  const refused: RawAnswer[] = []
  const body = Buffer.alloc(MIB, ' ')
  const request = requestBytes('PUT /users/1', body)
  for (const connection of slow) {
    void connection.next().then(
      (answer) => refused.push(answer),
      () => undefined,
    )
    connection.write(request.subarray(0, -1))
  }
  await eventually(() => assert.ok(slow.every(({ socket }) => socket.writableLength === 0)))
  await eventually(() => assert.ok(refused.length >= CLIENTS / 2, `${refused.length} refused`))
  const grown = memoryBytes(server, 'VmHWM') - before
  assert.ok(grown < GROWTH_BYTES_MAX, `${Math.round(grown / MIB)} MiB more`)
  for (const answer of refused) {
    assertProblemAnswer(answer, 'OVERLOADED')
    assert.equal(answer.headers['retry-after'], '1')
    assert.equal(answer.headers.connection, 'close')
  }
  assert.deepEqual(await rankedList(honest, 1, wish), expected)
  const lines = `{"user_id":1,"deleted":true}${'\n'.repeat(4 * MIB)}`
  const load = await honest.send('POST /features', lines, { 'content-type': 'application/x-ndjson' })
  assert.equal(load.status, 200, load.body)
  assert.equal((await honest.send('GET /users/1')).status, 404)
})

function memoryBytes({ child }: ServeProcess, what: 'VmRSS' | 'VmHWM'): number {
  return (
    1024 *
    Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1])
  )
}
