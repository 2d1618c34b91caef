import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../src/random.ts'
import { RawConnection } from '../test/server/rawConnection.ts'
import { sendGenerated } from '../test/server/sendGenerated.ts'
import { NETWORK, randomFeatures, USERS } from '../test/server/serverFixture.ts'
import type { ServeProcess } from '../test/server/serveProcess.ts'
import { EVERYWHERE, footprintOf, startHouse, stopHouse } from './house.ts'
import { counted, trust } from './trust.ts'

// Of the last third over the first. In its first minutes a server's heaps still grow into their size (measured: 100 MiB).
const GROWTH_MIB_MAX = { small: 120, night: 40 }

trust(
  'A server that runs on keeps its memory and its descriptors',
  { small: 20, night: 3600 }, // seconds
  async ({ random, seed, amount, isNight }) => {
    const server = await startHouse()
    await sendGenerated(server.port, 5000, { seed }) // what is allocated once is allocated now
    const before = footprintOf(server)
    const endMs = performance.now() + 1000 * amount
    const samples: number[] = []
    let requests = 0
    const work = async (round: (n: number) => Promise<number>) => {
      for (let n = 0; performance.now() < endMs; n++) requests += await round(n)
    }
    const watch = async () => {
      while (performance.now() < endMs) {
        await sleep(amount * 10) // a hundred samples
        samples.push(footprintOf(server).residentMiB)
      }
    }
    await Promise.all([
      work((n) => sendGenerated(server.port, 4000, { seed: seed + 4 * n }).then(() => 4000)),
      work(() => updateAndRank(server, random)),
      work(() => breakOff(server, random)),
      watch(),
    ])
    await sleep(1000)
    const after = footprintOf(server)
    const third = Math.floor(samples.length / 3)
    const [first, last] = [median(samples.slice(0, third)), median(samples.slice(-third))]
    assert.ok(
      last - first < GROWTH_MIB_MAX[isNight ? 'night' : 'small'],
      `${first} MiB in the first third, ${last} in the last`,
    )
    assert.ok(
      after.descriptors <= before.descriptors + 2,
      `${before.descriptors} → ${after.descriptors} descriptors`,
    )
    await stopHouse(server)
    return `${counted(requests)} requests of all kinds in ${counted(amount)} s, updates and broken connections among them: ${first.toFixed(0)} MiB in the first third, ${last.toFixed(0)} in the last; ${before.descriptors} descriptors before, ${after.descriptors} after`
  },
)

async function updateAndRank({ port }: ServeProcess, random: Random): Promise<number> {
  const connection = await RawConnection.open(port)
  const user = random.below(USERS)
  for (let i = 0; i < 20; i++) {
    const features = randomFeatures(random, NETWORK.userFeatures)
    assert.equal((await connection.send(`PUT /users/${user}`, JSON.stringify({ features }))).status, 204)
    assert.equal((await connection.send(`POST /recommend/${user}`, JSON.stringify(EVERYWHERE))).status, 200)
  }
  connection.close()
  return 40
}

/** A client that goes away in the middle of its request. */
async function breakOff({ port }: ServeProcess, random: Random): Promise<number> {
  const connection = await RawConnection.open(port)
  connection.write('POST /recommend/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 90\r\n\r\n{"lat')
  await sleep(random.below(20))
  connection.socket.resetAndDestroy()
  await connection.closed
  return 1
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
