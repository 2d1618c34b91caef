import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { Random } from '../src/random.ts'
import { type RawConnection, requestBytes } from '../test/server/rawConnection.ts'
import {
  CENTRE,
  makeWorld,
  NETWORK,
  openConnections,
  randomFeatures,
  USERS,
} from '../test/server/serverFixture.ts'
import { ServeProcess } from '../test/server/serveProcess.ts'

const MANY_RESTAURANTS = 9000 // with those of the world fewer than may be ranked without candidates

/** A wish whose answer is always 20 places long. */
export const EVERYWHERE = { ...CENTRE, max_dist: 1e6 }

/** `nearrank serve` in a process of its own with two threads and `args`. */
export async function startHouse(...args: string[]): Promise<ServeProcess> {
  const world = await makeWorld()
  const store = await world.newStore()
  return ServeProcess.start(['--model', world.model, '--store', store, '--workers', '2', ...args])
}

/** The same with 9,500 restaurants, all within reach: a ranking takes long enough to fill the server. */
export async function startLargeHouse(...args: string[]): Promise<ServeProcess> {
  const server = await startHouse(...args)
  const [connection] = await openConnections(server.port, 1)
  const random = new Random(5)
  const lines = Array.from({ length: MANY_RESTAURANTS }, (_, i) =>
    JSON.stringify({
      restaurant_id: 1_000_000 + i,
      features: randomFeatures(random, NETWORK.restaurantFeatures),
      latitude: CENTRE.latitude + 0.6 * (random.float() - 0.5),
      longitude: CENTRE.longitude + 0.6 * (random.float() - 0.5),
    }),
  )
  const type = { 'content-type': 'application/x-ndjson' }
  const { status, body } = await connection.send('POST /features', lines.join('\n'), type)
  assert.equal(status, 200, body)
  return server
}

/** Requests for rankings of random users among all places. */
export function rankings(random: Random, count = 500): Buffer[] {
  return Array.from({ length: count }, () =>
    requestBytes(`POST /recommend/${random.below(USERS)}`, JSON.stringify(EVERYWHERE)),
  )
}

/** Rankings a second that a server gives to clients that ask again as soon as they have an answer. */
export async function capacityOf(port: number, random: Random, durationMs: number): Promise<number> {
  const connections = await openConnections(port, 16)
  const endMs = performance.now() + durationMs
  let done = 0
  const ask = async (connection: RawConnection) => {
    for (; performance.now() < endMs; done++) {
      const user = random.below(USERS)
      const { status, body } = await connection.send(`POST /recommend/${user}`, JSON.stringify(EVERYWHERE))
      assert.equal(status, 200, body)
    }
  }
  await Promise.all(connections.map(ask))
  return done / (durationMs / 1000)
}

/** Memory and open descriptors of a process. */
export function footprintOf({ child }: ServeProcess): { residentMiB: number; descriptors: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return {
    residentMiB: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024,
    descriptors: readdirSync(`/proc/${child.pid}/fd`).length,
  }
}

/** Stops a server with SIGTERM, which must end it cleanly. */
export async function stopHouse(server: ServeProcess): Promise<void> {
  server.signal('SIGTERM')
  assert.equal(await server.ended(), 0, server.stderr)
}
