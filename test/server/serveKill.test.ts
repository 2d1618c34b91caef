import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NearrankClient } from '../../src/client/nearrankClient.ts'
import type { RawConnection } from './rawConnection.ts'
import { CENTRE, makeWorld, openConnections, rankedList } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const ROUNDS = 3
const WRITERS = 8
const WRITES = 200 // acknowledged before the kill, in each round

test(`kill -9 under write load, ${ROUNDS} times: every acknowledged write is there after the restart, and every row is whole`, async () => {
  const world = await makeWorld()
  const store = await world.newStore()
  const acknowledged = new Map<string, number>() // path → value; those of deleted rows are −1
  const sent = new Map<string, number[]>() // path → what may be there besides
  let value = 0
  for (let round = 0; round < ROUNDS; round++) {
    const server = await ServeProcess.start(['--model', world.model, '--store', store, '--workers', '2'])
    const connections = await openConnections(server.port, WRITERS)
    await verify(connections[0], acknowledged, sent)
    let written = 0
    const write = async (connection: RawConnection, writer: number) => {
      for (let i = 0; ; i++) {
        // Each row has one writer, so that the last one acknowledged is known.
        const path =
          i % 3 === 0 ? `/restaurants/${5000 + writer}` : `/users/${10_000 + writer + WRITERS * (i % 40)}`
        const isDeletion = i % 11 === 10 && (acknowledged.get(path) ?? -1) >= 0
        const next = isDeletion ? -1 : ++value
        sent.set(path, [...(sent.get(path) ?? []), next])
        const answer = await connection
          .send(`${isDeletion ? 'DELETE' : 'PUT'} ${path}`, isDeletion ? undefined : rowOf(path, next))
          .catch(() => undefined)
        if (answer === undefined) return // killed
        assert.equal(answer.status, 204, answer.body)
        acknowledged.set(path, next)
        sent.set(path, [])
        if (++written === WRITES) server.signal('SIGKILL')
      }
    }
    await Promise.all(connections.map(write))
    assert.equal(await server.ended(), 'SIGKILL')
    assert.ok(written >= WRITES, `${written} writes`)
  }
  const server = await ServeProcess.start(['--model', world.model, '--store', store, '--workers', '1'])
  const [connection] = await openConnections(server.port, 1)
  await verify(connection, acknowledged, sent)
  assert.equal((await rankedList(connection, 1, { ...CENTRE, max_dist: 1e6 })).length, 20)
  const ready = await new NearrankClient({ url: `http://127.0.0.1:${server.port}` }).ready()
  assert.equal(ready.status, 'ready')
})

function rowOf(path: string, value: number): string {
  const features = Array.from({ length: path.startsWith('/users') ? 30 : 10 }, () => value)
  return JSON.stringify(path.startsWith('/users') ? { features } : { features, ...CENTRE })
}

/** Every row is as it was acknowledged last, or as a write that was under way when the server was killed left it. */
async function verify(
  connection: RawConnection,
  acknowledged: Map<string, number>,
  sent: Map<string, number[]>,
): Promise<void> {
  for (const path of sent.keys()) {
    const answer = await connection.send(`GET ${path}`)
    const features =
      answer.status === 404 ? [-1] : (JSON.parse(answer.body) as { features: number[] }).features
    assert.deepEqual(new Set(features).size, 1, `${path} is whole`)
    const legal = [acknowledged.get(path) ?? -1, ...(sent.get(path) ?? [])]
    assert.ok(legal.includes(features[0]), `${path} is ${features[0]}, must be one of ${legal.join(', ')}`)
    acknowledged.set(path, features[0])
    sent.set(path, [])
  }
}
