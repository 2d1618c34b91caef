import assert from 'node:assert/strict'
import { runLoadTest } from '../src/loadtest/runLoadTest.ts'
import { capacityOf, footprintOf, rankings, startLargeHouse, stopHouse } from './house.ts'
import { counted, trust } from './trust.ts'

const SLOWEST_MS = 3000 // of an answer, whatever the load
const REFUSAL_MS_MAX = 1000 // of nineteen in twenty refusals, on a machine that the generator shares
const GROWTH_MIB_MAX = 150

trust(
  'Overload is refused within a second, not queued: who is let in is served soon, and memory does not grow with it',
  { small: 4, night: 300 }, // seconds of either load
  async ({ random, amount }) => {
    const server = await startLargeHouse()
    const url = `http://127.0.0.1:${server.port}`
    const capacity = await capacityOf(server.port, random, 2000)
    const requests = rankings(random)
    const before = footprintOf(server)
    const load = { url, requests, warmupMs: 0, timeoutMs: 2 * SLOWEST_MS }
    const seen: string[] = []
    for (const times of [2, 5]) {
      const rate = Math.round(times * capacity)
      const { ok, failed, errors, latencyMs, refusalMs } = await runLoadTest({
        ...load,
        rate,
        durationMs: 1000 * amount,
      })
      const other = errors.filter(({ kind }) => kind !== 'status 503')
      assert.deepEqual(other, [], `at ${rate} a second`)
      assert.ok(ok > 0.1 * capacity * amount, `${ok} served at ${rate} a second, ${capacity} were possible`)
      assert.ok(latencyMs.max !== null && latencyMs.max < SLOWEST_MS, `an answer took ${latencyMs.max} ms`)
      assert.ok((refusalMs.p95 ?? 0) < REFUSAL_MS_MAX, `refusals took ${refusalMs.p95} ms`)
      seen.push(
        `at ${100 * times} % (${counted(rate)} a second) ${counted(ok)} served, P95 ${latencyMs.p95?.toFixed(0)} ms, slowest ${latencyMs.max.toFixed(0)} ms, ${counted(failed)} refused, P95 ${(refusalMs.p95 ?? 0).toFixed(0)} ms`,
      )
    }
    const grown = footprintOf(server).residentMiB - before.residentMiB
    assert.ok(grown < GROWTH_MIB_MAX, `${grown} MiB more`)
    const calm = await runLoadTest({ ...load, rate: 20, durationMs: 1000 })
    assert.equal(calm.failed, 0, JSON.stringify(calm.errors))
    await stopHouse(server)
    return `${seen.join('; ')}; ${grown.toFixed(0)} MiB more`
  },
)
