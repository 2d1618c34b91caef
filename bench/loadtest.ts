// What the load generator itself can do, against a server that only reads the body and answers 3 KB: about 45 s.
// Alone: node bench/loadtest.ts
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { RankingRequest } from '../src/dataset/requests.ts'
import { findMaxRate } from '../src/loadtest/findMaxRate.ts'
import { type PreparedRequest, prepareRequests } from '../src/loadtest/prepareRequests.ts'
import { runLoadTest } from '../src/loadtest/runLoadTest.ts'
import { Random } from '../src/random.ts'
import { type Timing, timingOf } from './measure.ts'

const SERVER_ARGUMENT = 'bare-server'
const RATE = 3000
const ROUNDS = 3
const WARMUP_S = 1
const MEASURED_S = 2
const P95_MS = 10

export interface LoadtestBench {
  maxRate: number // per second with P95 ≤ 10 ms and no failure, both sides on this machine
  maxRates: number[] // of each round
  generatorCpu: Timing // of one request at 3,000 per second
  serverCpu: Timing
  p95Ms: number // at 3,000 per second
  sendDelayP99Ms: number
}

/** Medians of three rounds. The server is a process of its own. */
export async function benchLoadtest(): Promise<LoadtestBench> {
  const child = fork(fileURLToPath(import.meta.url), [SERVER_ARGUMENT], { execArgv: [] })
  try {
    const [port] = (await once(child, 'message')) as [number]
    const url = `http://127.0.0.1:${port}`
    const requests = seededRequests(url)
    const serverCpuMicros = async () => {
      child.send('cpu')
      const [micros] = (await once(child, 'message')) as [number]
      return micros
    }
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) {
      const { rate } = await findMaxRate({
        url,
        requests,
        rate: 8000,
        trialMs: 1000,
        warmupMs: 500,
        limits: { p95Ms: P95_MS },
      })
      const server = await serverCpuMicros()
      const own = cpuMicros()
      const { latencyMs, sendDelayMs } = await runLoadTest({
        url,
        requests,
        rate: RATE,
        durationMs: 1000 * MEASURED_S,
        warmupMs: 1000 * WARMUP_S,
      })
      const sent = RATE * (WARMUP_S + MEASURED_S)
      const generatorCpuS = (cpuMicros() - own) / sent / 1e6
      const serverCpuS = ((await serverCpuMicros()) - server) / sent / 1e6
      rounds.push({ rate, generatorCpuS, serverCpuS, p95: latencyMs.p95, delay: sendDelayMs.p99 })
    }
    const median = (values: (number | null)[]) =>
      timingOf(values.map((value) => value ?? Number.POSITIVE_INFINITY)).seconds
    return {
      maxRate: median(rounds.map(({ rate }) => rate)),
      maxRates: rounds.map(({ rate }) => rate),
      generatorCpu: timingOf(rounds.map(({ generatorCpuS }) => generatorCpuS)),
      serverCpu: timingOf(rounds.map(({ serverCpuS }) => serverCpuS)),
      p95Ms: median(rounds.map(({ p95 }) => p95)),
      sendDelayP99Ms: median(rounds.map(({ delay }) => delay)),
    }
  } finally {
    child.kill()
  }
}

/** 1,000 requests of 1,000 candidates, as the reference job has them. */
function seededRequests(url: string): PreparedRequest[] {
  const random = new Random(3)
  const requests = Array.from(
    { length: 1000 },
    (_, userId): RankingRequest => ({
      userId,
      latitude: 13.8,
      longitude: 100.5,
      candidateRestaurantIds: Array.from({ length: 1000 }, () => random.below(100_000)),
      size: 100,
      maxDist: 7500,
      sortDist: false,
    }),
  )
  return prepareRequests(url, requests)
}

function serveBare(): void {
  const restaurants = Array.from({ length: 45 }, (_, id) => ({
    id,
    score: 1 / (id + 3),
    displacement: 7500 / (id + 7),
  }))
  const body = Buffer.from(JSON.stringify({ restaurants }))
  const head = { 'content-type': 'application/json', 'content-length': body.length }
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, head).end(body))
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('message', () => process.send?.(cpuMicros()))
  process.on('disconnect', () => process.exit())
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

if (process.argv[2] === SERVER_ARGUMENT) serveBare()
else if (import.meta.main) console.log(await benchLoadtest())
