// npm run bench:serve [-- --data DIR --model DIR --quick]: the server against a bare one, and what the job demands of serving. About five minutes; let nothing else run.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { renderTable } from '../../src/cli/output/table.ts'
import { formatBytes, formatCount } from '../../src/format.ts'
import { readPreparedRequests } from '../../src/loadtest/readPreparedRequests.ts'
import { runLoadTest } from '../../src/loadtest/runLoadTest.ts'
import type { FindMaxResult, LoadTestResult } from '../../src/loadtest/types.ts'
import { type Child, nearrank, serveArgs, startChild } from './child.ts'

const BARE_SERVER = fileURLToPath(new URL('./bareServer.ts', import.meta.url))
const PORT = { nearrank: 18_401, bare: 18_402 }
const ROUNDS = 3
const CPU_RATES = [1000, 3000] // requests per second while processor time is counted
const SEARCHES = 2
const WARMUP_SECONDS = 2

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    model: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const seconds = values.quick ? 2 : 5
const referenceSeconds = values.quick ? 5 : 60
const scratch = mkdtempSync(join(tmpdir(), 'nearrank-bench-'))
const say = (text: string) => process.stderr.write(`${text}\n`)

type Side = keyof typeof PORT

/** What is measured, and with which requests. */
interface Bench {
  model: string
  store: string
  requests: string
}

async function bench() {
  const data = values.data ?? (await makeData())
  const model = values.model ?? (await makeModel(data))
  const store = `sqlite:${join(scratch, 'features.db')}`
  const of = { model, store, requests: join(data, 'requests.parquet') }
  say('loading the store')
  await nearrank('load', '--data', data, '--store', store)

  const ready = await measureReady(of)
  const server = await serve(of, 2)
  const answerBytes = await meanAnswerBytes(of.requests)
  const bare = await startChild([BARE_SERVER, '2', `${PORT.bare}`, `${answerBytes}`])
  const cpu = await measureCpu(of, { bare, nearrank: server })
  const highest = await measureHighest(of)
  await bare.stop()
  const twice = Math.round(2 * median(highest.nearrank))
  say(`twice the highest rate: ${twice}/s`)
  const url = `http://127.0.0.1:${PORT.nearrank}`
  const overload = await runLoadTest({
    url,
    requests: await readPreparedRequests(of.requests, url, { rows: 2000 }),
    rate: twice,
    durationMs: 1000 * seconds,
  })
  say(`reference load: 30/s for ${referenceSeconds} s`)
  const reference = await load(of, 'nearrank', `--rate 30 --duration ${referenceSeconds} --p95 5`)
  await server.stop()
  return { ready, answerBytes, cpu, highest, twice, overload, reference, peak: await measurePeak(of) }
}

function serve({ model, store }: Bench, workers: number): Promise<Child> {
  const port = `${PORT.nearrank}`
  return startChild(serveArgs('--model', model, '--store', store, '--port', port, '--workers', `${workers}`))
}

async function load({ requests }: Bench, side: Side, flags: string): Promise<FindMaxResult> {
  const url = `http://127.0.0.1:${PORT[side]}`
  const args = ['--url', url, '--requests', requests, '--json', ...flags.split(' ')]
  return JSON.parse(await nearrank('loadtest', ...args)) as FindMaxResult
}

async function measureReady(of: Bench): Promise<number[]> {
  say('start to ready')
  const ready: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    const server = await serve(of, 2)
    ready.push((performance.now() - started) / 1000)
    await server.stop()
  }
  return ready
}

async function measureCpu(of: Bench, children: Record<Side, Child>) {
  const cpu = CPU_RATES.map((rate) => ({ rate, bare: [] as number[], nearrank: [] as number[] }))
  for (let round = 0; round < ROUNDS; round++)
    for (const { rate, ...ms } of cpu)
      for (const side of ['bare', 'nearrank'] as const) {
        say(`processor time at ${rate}/s, round ${round + 1}: ${side}`)
        const asked = () => load(of, side, `--rate ${rate} --duration ${seconds}`)
        ms[side].push(await cpuMsPerRequest(children[side], asked))
      }
  return cpu
}

async function measureHighest(of: Bench): Promise<Record<Side, number[]>> {
  const highest: Record<Side, number[]> = { bare: [], nearrank: [] }
  for (let round = 0; round < SEARCHES; round++)
    for (const side of ['bare', 'nearrank'] as const) {
      say(`highest rate at P95 ≤ 10 ms, round ${round + 1}: ${side}`)
      const found = await load(of, side, `--find-max --rate 2000 --p95 10 --trial-seconds ${seconds}`)
      highest[side].push(found.limits.every(({ met }) => met) ? found.rate : 0)
    }
  return highest
}

async function measurePeak(of: Bench): Promise<Record<2 | 4, number>> {
  const peak = { 2: 0, 4: 0 }
  for (const workers of [2, 4] as const) {
    say(`memory with ${workers} workers`)
    const fresh = await serve(of, workers)
    for (const rate of CPU_RATES) await load(of, 'nearrank', `--rate ${rate} --duration ${seconds}`)
    peak[workers] = fresh.peakBytes()
    await fresh.stop()
  }
  return peak
}

async function makeData(): Promise<string> {
  say('generating data')
  const data = join(scratch, 'data')
  await nearrank(
    'generate',
    '--out',
    data,
    '--rows',
    '2000000',
    '--test-rows',
    '100000',
    '--files',
    '2',
    '--test-files',
    '1',
  )
  return data
}

async function makeModel(data: string): Promise<string> {
  say('training a model')
  const model = join(scratch, 'model')
  await nearrank('train', '--data', data, '--out', model, '--epochs', '1')
  return model
}

/** Of the first requests of the file. */
async function meanAnswerBytes(requests: string): Promise<number> {
  const { readRequests } = await import('../../src/dataset/requests.ts')
  let bytes = 0
  const asked = await readRequests(requests, { limit: 200 })
  for (const { userId, candidateRestaurantIds, latitude, longitude, size, maxDist, sortDist } of asked) {
    const response = await fetch(`http://127.0.0.1:${PORT.nearrank}/recommend/${userId}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        candidate_restaurant_ids: candidateRestaurantIds,
        latitude,
        longitude,
        size,
        max_dist: maxDist,
        sort_dist: sortDist,
      }),
    })
    bytes += (await response.arrayBuffer()).byteLength
  }
  return Math.round(bytes / asked.length)
}

async function cpuMsPerRequest(child: Child, run: () => Promise<LoadTestResult>): Promise<number> {
  const before = child.cpuSeconds()
  const { ok, failed, rate } = await run()
  return (1000 * (child.cpuSeconds() - before)) / (ok + failed + WARMUP_SECONDS * rate)
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)]
}

try {
  const result = await bench()
  const machine = `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.versions.node}`
  if (values.json) console.log(JSON.stringify({ machine, ...result }))
  else print(machine, result)
} finally {
  if (existsSync(scratch)) rmSync(scratch, { recursive: true })
}

function print(machine: string, r: Awaited<ReturnType<typeof bench>>): void {
  const ms = (value: number | null | undefined) => (value == null ? '–' : `${value.toFixed(2)} ms`)
  const all = (figures: readonly number[], digits: number) =>
    figures.map((figure) => figure.toFixed(digits)).join(', ')
  console.log(`${machine}; load generator on the same cores\n`)
  console.log(
    renderTable(
      ['', 'measured', 'runs'],
      [
        ['start to ready, 1.1 M rows in SQLite', `${median(r.ready).toFixed(2)} s`, all(r.ready, 2)],
        ...r.cpu.flatMap(({ rate, bare, nearrank: ours }) => [
          [`CPU per request at ${rate}/s, bare node:http`, ms(median(bare)), all(bare, 3)],
          ['  nearrank serve', ms(median(ours)), all(ours, 3)],
          ['  times the bare one', (median(ours) / median(bare)).toFixed(2), ''],
        ]),
        [
          'highest rate at P95 ≤ 10 ms, bare',
          `${formatCount(median(r.highest.bare))}/s`,
          all(r.highest.bare, 0),
        ],
        [
          'highest rate at P95 ≤ 10 ms, nearrank',
          `${formatCount(median(r.highest.nearrank))}/s`,
          all(r.highest.nearrank, 0),
        ],
        ['reference load, P50', ms(r.reference.latencyMs.p50), ''],
        ['reference load, P95', ms(r.reference.latencyMs.p95), ''],
        ['reference load, P99', ms(r.reference.latencyMs.p99), ''],
        [
          `twice the highest rate, ${formatCount(r.twice)}/s: accepted, P95`,
          ms(r.overload.latencyMs.p95),
          `${formatCount(r.overload.ok)} accepted; ${formatCount(r.overload.achievedRate)}/s left the generator`,
        ],
        [
          '  turned away, P95',
          ms(r.overload.refusalMs.p95),
          r.overload.errors.map(({ kind, count }) => `${formatCount(count)} × ${kind}`).join(', '),
        ],
        ['peak memory, 2 workers', formatBytes(r.peak[2]), ''],
        [
          'peak memory, 4 workers',
          formatBytes(r.peak[4]),
          `${((r.peak[4] / r.peak[2] - 1) * 100).toFixed(1)} % more`,
        ],
        ['bytes of an answer', formatCount(r.answerBytes), ''],
      ],
      ['left', 'right', 'left'],
    ),
  )
}
