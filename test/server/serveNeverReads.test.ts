import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openUnread, type RawConnection, requestBytes } from './rawConnection.ts'
import { CENTRE, makeWorld, openConnections, rankedList } from './serverFixture.ts'
import { ServeProcess } from './serveProcess.ts'

const GROWTH_BYTES_MAX = 160 * 2 ** 20 // of the whole process, two threads of 32 MiB each and their garbage; unbounded, it was gigabytes
const SETTLE_MS = 2000

const world = await makeWorld()
const wish = { ...CENTRE, max_dist: 1e6, size: 10_000 } // with the rows below, an answer of 250 KB
const ROWS = 4000
const ranking = requestBytes('POST /recommend/1', JSON.stringify(wish))

describe('clients that never read', { concurrency: false }, () => {
  for (const [what, clients, request] of [
    ['a static file', 3, requestBytes('GET /docs/static/swagger-ui-bundle.js')],
    ['the description', 40, requestBytes('GET /openapi.json')],
    ['rankings', 40, ranking],
  ] as const)
    test(`${what}, pipelined: memory stays bounded, and others are served`, async () => {
      const server = await start('--max-queue', '1000')
      const [honest] = await openConnections(server.port, 1)
      await addRestaurants(honest)
      const expected = await rankedList(honest, 1, wish)
      const before = residentBytes(server)
      for (let i = 0; i < clients; i++) {
        const socket = await openUnread(server.port)
        after(() => socket.destroy())
        for (let k = 0; k < 4; k++) socket.write(Buffer.concat(Array.from({ length: 256 }, () => request)))
      }
      await sleep(SETTLE_MS)
      const grown = residentBytes(server) - before
      assert.ok(grown < GROWTH_BYTES_MAX, `${Math.round(grown / 2 ** 20)} MiB more`)
      assert.deepEqual(await rankedList(honest, 1, wish), expected)
      assert.equal((await honest.send('GET /openapi.json')).status, 200)
      server.signal('SIGTERM')
      assert.equal(await server.ended(), 0, server.stderr)
    })
})

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
