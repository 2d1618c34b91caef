import assert from 'node:assert/strict'
import { findMaxRate } from '../src/loadtest/findMaxRate.ts'
import { runLoadTest } from '../src/loadtest/runLoadTest.ts'
import { rankings, startLargeHouse, stopHouse } from './house.ts'
import { counted, trust } from './trust.ts'

const P95_MS = 100 // by which the highest rate is found
const SHARE = 0.8
const ATTEMPTS = 4
const FAILED_MAX = 0.01 // in a few seconds beside other work; at night none may fail

const isRefusal = ({ kind }: { kind: string }) => kind === 'status 503'

trust(
  'At 80 % of the rate that a server can bear, requests do not fail',
  { small: 8, night: 600 }, // seconds
  async ({ random, amount, isNight }) => {
    const server = await startLargeHouse()
    const load = { url: `http://127.0.0.1:${server.port}`, requests: rankings(random) }
    const tried: string[] = []
    let isKept = false
    // Machines are shared: a neighbour that comes after the rate was found takes from it.
    while (tried.length < ATTEMPTS) {
      const limits = { p95Ms: P95_MS }
      const most = await findMaxRate({ ...load, limits, rate: 100, trialMs: 1000, warmupMs: 200 })
      const rate = Math.round(SHARE * most.rate)
      const result = await runLoadTest({ ...load, rate, durationMs: 1000 * amount, warmupMs: 500 })
      const { p50, p95, max } = result.latencyMs
      tried.push(
        `${counted(result.ok)} requests at ${counted(rate)} a second, ${counted(result.failed)} failed; P50 ${p50?.toFixed(1)}, P95 ${p95?.toFixed(1)}, slowest ${max?.toFixed(0)} ms`,
      )
      isKept = result.failed <= (isNight ? 0 : FAILED_MAX * result.ok) && result.errors.every(isRefusal)
      if (isKept) break
    }
    assert.ok(isKept, tried.join('\n'))
    await stopHouse(server)
    return `${tried[tried.length - 1]}, the generator of the load on the same machine (attempt ${tried.length} of ${ATTEMPTS})`
  },
)
