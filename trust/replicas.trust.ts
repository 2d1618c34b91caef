import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../src/random.ts'
import { RawConnection } from '../test/server/rawConnection.ts'
import { makeWorld, putRow, serveWorld } from '../test/server/serverFixture.ts'
import { featureBytes } from '../test/store/redisRowsOfServer.ts'
import { NO_REDIS, redisServer } from '../test/store/redisServer.ts'
import { counted, trust } from './trust.ts'
import { rankedVersion, versionedRow } from './versions.ts'

const ROWS = 6
const REPLICAS = 2
const DELETED_EVERY = 5

/**
 * A restaurant whose versions are written one after another, through either replica; every fifth one is a deletion.
 */
interface Row {
  id: number
  begun: number // the newest version whose write was sent
  acknowledged: number[] // of each replica: the newest version that it acknowledged
  seen: number[] // of each replica: the oldest version that a reader may still see there
}

trust(
  'Two replicas on one store: what a replica acknowledged it serves, no replica goes back in time, both end alike',
  { small: 3_000, night: 300_000 },
  async ({ random, amount, t }) => {
    if (NO_REDIS !== false) {
      t.skip(NO_REDIS)
      return ''
    }
    const world = await makeWorld()
    const redis = await redisServer()
    t.after(() => redis.remove())
    const foreign = await redis.client()
    await foreign.send('HSET', 'nearrank:user:1', 'features', featureBytes(...world.users.get('1')!))
    const store = `redis://127.0.0.1:${redis.port}`
    const servers = [await serveWorld(world, { store }), await serveWorld(world, { store })]
    const open = () => Promise.all(servers.map(({ port }) => RawConnection.open(port)))
    const rows: Row[] = Array.from({ length: ROWS }, (_, i) => ({
      id: 9000 + i,
      begun: 0,
      acknowledged: [0, 0],
      seen: [0, 0],
    }))

    let reads = 0
    let changed = 0
    const over = new AbortController()
    const writers = rows.map(async (row) => {
      const connections = await open()
      for (let version = 1; version <= amount / ROWS; version++)
        await write(row, version, connections, random)
    })
    const readers = Array.from({ length: 4 }, async () => {
      const connections = await open()
      for (; !over.signal.aborted; reads++) {
        const row = rows[random.below(ROWS)]
        if (await read(row, random.below(REPLICAS), connections)) changed++
      }
    })
    const writing = Promise.all(writers).finally(() => over.abort())
    await Promise.all([writing, ...readers])
    const connections = await open()
    for (const row of rows)
      for (let replica = 0; replica < REPLICAS; replica++) {
        const deadlineMs = performance.now() + 10_000
        while ((await rankedVersion(connections[replica], row.id)) !== shown(row.begun))
          assert.ok(
            performance.now() < deadlineMs,
            `row ${row.id} at replica ${replica}: not ${row.begun} yet`,
          )
      }
    return `${counted(ROWS * Math.floor(amount / ROWS))} writes of ${ROWS} rows through two replicas, ${counted(reads)} rankings by 4 readers beside them, ${counted(changed)} of which a write overlapped: every history is one of a register, and both replicas end with the last versions`
  },
)

/** What a ranking shows of a version. */
function shown(version: number): number | 'absent' {
  return version % DELETED_EVERY === 0 ? 'absent' : version
}

async function write(row: Row, version: number, connections: RawConnection[], random: Random): Promise<void> {
  const replica = random.below(REPLICAS)
  row.begun = version
  const path = `/restaurants/${row.id}`
  if (shown(version) === 'absent') {
    const { status } = await connections[replica].send(`DELETE ${path}`)
    assert.ok(status === 204 || status === 404, String(status))
  } else {
    await putRow(connections[replica], path, versionedRow(version))
  }
  row.acknowledged[replica] = version
  if (random.below(20) === 0) await sleep(random.below(5))
}

/** Reads a row at a replica and asserts that it may be what is there. Tells whether a write was under way. */
async function read(row: Row, replica: number, connections: RawConnection[]): Promise<boolean> {
  const from = Math.max(row.acknowledged[replica], row.seen[replica])
  const found = await rankedVersion(connections[replica], row.id)
  const to = row.begun
  let version = from
  while (version <= to && shown(version) !== found) version++
  assert.ok(
    version <= to,
    `row ${row.id} at replica ${replica}: ${found}, but versions ${from} … ${to} alone could be there`,
  )
  row.seen[replica] = Math.max(row.seen[replica], version)
  return to > from
}
