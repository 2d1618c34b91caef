import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FindMaxResult, LoadTestResult } from '../../src/loadtest/types.ts'
import { redisVersion } from './machine.ts'
import { start, startNearrank } from './processes.ts'
import { cpuSecondsOf, memoryBytesOf, watchMemory } from './processTree.ts'
import { type Server, type ServerSide, serverSides, startRedis } from './serverSides.ts'
import type { Agreement, Plan, Serving, ServingRun } from './types.ts'

const CHECK = fileURLToPath(new URL('check_answers.py', import.meta.url))
const P95_MS = 100
const REFERENCE_RATE = 30 // per second
const CPU_RATE = 300 // per second; half of a side's highest where that is less
const WARMUP_SECONDS = 2

/** Every server against Nearrank's answers, then all of them in turn, `rounds` times; only one runs at a time. */
export async function benchServing(plan: Plan): Promise<Serving> {
  const { data, model, python, scratch, rounds, say } = plan
  say('serving: filling the stores')
  const sqlite = `sqlite:${join(scratch, 'features.db')}`
  await load(plan, sqlite)
  const redis = redisVersion() === null ? null : await startRedis(scratch)
  if (redis) await load(plan, redis.url)
  else say('  without Redis, which is not installed: apt-get install redis-server')
  const sides = serverSides({ data, model, python, sqlite, redis: redis?.url ?? null })
  const result: Serving = { agreements: await agreements(plan, sides), rounds: [] }
  for (let round = 1; round <= rounds; round++) {
    const runs: Serving['rounds'][number] = {}
    for (const [name, side] of sides) {
      say(`serving, round ${round} of ${rounds}: ${side.label}`)
      runs[name] = await serveOnce(side, plan, redis)
      say(`  ${summaryOf(runs[name])}`)
    }
    result.rounds.push(runs)
  }
  await redis?.process.stop()
  return result
}

async function load({ data, scratch }: Plan, store: string): Promise<void> {
  const places = ['--data', data, '--store', store, '--cache', join(scratch, 'cache')]
  await startNearrank('load', '--json', ...places).output()
}

async function agreements(
  { python, data, say }: Plan,
  [[, nearrank], ...others]: ReturnType<typeof serverSides>,
): Promise<Serving['agreements']> {
  const result: Serving['agreements'] = {}
  const reference = await nearrank.start()
  for (const [name, side] of others) {
    say(`serving, the same answers as Nearrank: ${side.label}`)
    const server = await side.start()
    const args = [CHECK, '--a', reference.url, '--b', server.url, '--data', data]
    const stdout = await start(python, args).output()
    result[name] = JSON.parse(stdout) as Agreement
    say(`  ${stdout.trim()}`)
    await server.process.stop()
  }
  await reference.process.stop()
  return result
}

async function serveOnce(side: ServerSide, plan: Plan, redis: Server | null): Promise<ServingRun> {
  const server = await side.start()
  const { pid } = server.process
  const redisPid = side.usesRedis && redis ? redis.process.pid : null
  const memory = watchMemory(pid)
  const reference = await ask(server, plan, REFERENCE_RATE, 3 * plan.seconds)
  const peakBytes = memory.stop() // from here on looking would take time from the server
  const found = await search(server, plan, side.firstRate)
  const highestRate = found.limits.every(({ met }) => met) ? found.rate : 0
  const cpuRate = highestRate >= CPU_RATE ? CPU_RATE : Math.max(1, Math.round(highestRate / 2))
  const before = { own: cpuSecondsOf(pid), redis: redisPid ? cpuSecondsOf(redisPid) : 0 }
  const counted = await ask(server, plan, cpuRate, plan.seconds)
  const requests = counted.ok + counted.failed + WARMUP_SECONDS * cpuRate
  const msPerRequest = (seconds: number) => (1000 * seconds) / requests
  const { p50, p95, p99 } = reference.latencyMs
  const run: ServingRun = {
    highestRate,
    latencyMs: { p50: p50 ?? 0, p95: p95 ?? 0, p99: p99 ?? 0 },
    cpuRate,
    cpuMs: msPerRequest(cpuSecondsOf(pid) - before.own),
    redisCpuMs: redisPid ? msPerRequest(cpuSecondsOf(redisPid) - before.redis) : null,
    peakBytes: Math.max(peakBytes, memoryBytesOf(pid)),
    redisBytes: redisPid ? memoryBytesOf(redisPid) : null,
    failed: reference.failed + counted.failed,
  }
  await server.process.stop()
  return run
}

/** Requests at a fixed rate. */
function ask(server: Server, plan: Plan, rate: number, seconds: number): Promise<LoadTestResult> {
  const warmup = ['--warmup', `${WARMUP_SECONDS}`]
  return loadtest(server, plan, ['--rate', `${rate}`, '--duration', `${seconds}`, ...warmup])
}

function search(server: Server, plan: Plan, firstRate: number): Promise<FindMaxResult> {
  const trial = ['--rate', `${firstRate}`, '--trial-seconds', `${plan.seconds}`]
  return loadtest(server, plan, ['--find-max', '--p95', `${P95_MS}`, ...trial])
}

/** Exit code 1 is a limit that was missed: the figures tell. */
async function loadtest<T>({ url }: Server, { data }: Plan, args: string[]): Promise<T> {
  const places = ['--url', url, '--requests', join(data, 'requests.parquet')]
  const running = startNearrank('loadtest', '--json', ...places, ...args)
  return JSON.parse(await running.output([0, 1])) as T
}

function summaryOf({ highestRate, latencyMs, cpuMs, cpuRate, failed }: ServingRun): string {
  const latencies = [latencyMs.p50, latencyMs.p95, latencyMs.p99].map((ms) => ms.toFixed(2)).join(', ')
  const cpu = `${cpuMs.toFixed(2)} ms of CPU per request at ${cpuRate}/s`
  return `${highestRate}/s; P50, P95, P99 ${latencies} ms at 30/s; ${cpu}; ${failed} failed`
}
