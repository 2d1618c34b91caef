import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openUnread, type RawConnection, requestBytes } from './rawConnection.ts'
import { CENTRE, makeWorld, openConnections, rankedList } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const CLIENTS = 40 // of a round; together they ask for more than both threads may hold
const ROUNDS_TO_FILL = 2
const ROUNDS_MORE = 2
/**
 * What the first rounds may take: each of two threads holds 32 MiB, and leaves garbage in a heap that grows
 * before it is collected. 65 to 116 MiB were seen, of which 64 are held.
 */
const FILLED_BYTES_MAX = 160 * 2 ** 20
/** What further rounds may add: 9 MiB were seen. They added 106 if what is held had no bound. */
const MORE_BYTES_MAX = 48 * 2 ** 20
const STEADY_BYTES = 2 ** 20
const SETTLE_MS = 300
const SETTLES_MAX = 30

const world = await makeWorld()
const wish = { ...CENTRE, max_dist: 1e6, size: 10_000 } // with the rows below, an answer of 250 KB
const ROWS = 4000
const ranking = requestBytes('POST /recommend/1', JSON.stringify(wish))

describe('clients that never read', { concurrency: false }, () => {
  for (const [what, request] of [
    ['a static file', requestBytes('GET /docs/static/swagger-ui-bundle.js')],
    ['the description', requestBytes('GET /openapi.json')],
    ['rankings', ranking],
  ] as const)
    test(`${what}, pipelined: more clients take no more memory, and others are served`, async () => {
      const server = await start('--max-queue', '1000')
      const [honest] = await openConnections(server.port, 1)
      await addRestaurants(honest)
      const expected = await rankedList(honest, 1, wish)
      const before = residentBytes(server)
      for (let round = 0; round < ROUNDS_TO_FILL; round++) await askWithoutReading(server, request)
      const filled = await settledBytes(server)
      assert.ok(filled - before < FILLED_BYTES_MAX, `${inMiB(filled - before)} taken`)
      for (let round = 0; round < ROUNDS_MORE; round++) await askWithoutReading(server, request)
      const more = (await settledBytes(server)) - filled
      assert.ok(more < MORE_BYTES_MAX, `${inMiB(more)} added to ${inMiB(filled - before)}`)
      assert.deepEqual(await rankedList(honest, 1, wish), expected)
      assert.equal((await honest.send('GET /openapi.json')).status, 200)
      server.signal('SIGTERM')
      assert.equal(await server.ended(), 0, server.stderr)
    })
})

/** A round of clients, each with 1,024 requests; their connections stay open. */
async function askWithoutReading({ port }: ServeProcess, request: Buffer): Promise<void> {
  const requests = Buffer.concat(Array.from({ length: 256 }, () => request))
  for (let i = 0; i < CLIENTS; i++) {
    const socket = await openUnread(port)
    after(() => socket.destroy())
    for (let k = 0; k < 4; k++) socket.write(requests)
  }
}

/** The memory of the process once it stays as it is. */
async function settledBytes(server: ServeProcess): Promise<number> {
  let last = residentBytes(server)
  for (let i = 0; i < SETTLES_MAX; i++) {
    await sleep(SETTLE_MS)
    const now = residentBytes(server)
    if (Math.abs(now - last) < STEADY_BYTES) return now
    last = now
  }
  return last
}

async function addRestaurants(connection: RawConnection): Promise<void> {
  const features = Array.from({ length: 10 }, (_, i) => i / 10)
  const lines = Array.from({ length: ROWS }, (_, i) =>
    JSON.stringify({ restaurant_id: 1_000_000 + i, features, ...CENTRE }),
  )
  const type = { 'content-type': 'application/x-ndjson' }
  assert.equal((await connection.send('POST /features', lines.join('\n'), type)).status, 200)
}

async function start(...args: string[]): Promise<ServeProcess> {
  const store = await world.newStore()
  const always = ['--model', world.model, '--store', store, '--workers', '2', '--drain-seconds', '1']
  return ServeProcess.start([...always, ...args])
}

function residentBytes({ child }: ServeProcess): number {
  return 1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1])
}

function inMiB(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
