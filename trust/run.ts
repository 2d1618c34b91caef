// Runs the trust tests one after another, prints what each saw, and with --write puts it into docs/TRUST.md.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { parseArgs } from 'node:util'
import { type Outcome, writePage } from './page.ts'

const HELP = `Usage: npm run trust -- [--night] [--only NAME,…] [--seed N] [--write]

Tries to break every promise of docs/TRUST.md: about five minutes, with --night hours.
Each test prints its seed; --only NAME --seed N makes the same choices again.

  --night      the large scale
  --only       tests by name, for example --only resume,redis
  --seed N     the seed of all choices (default: another one each time)
  --write      write what was seen into docs/TRUST.md
  --list       print the names of the tests
`

const { values } = parseArgs({
  options: {
    night: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string' },
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.trust.ts'))
  .map((file) => file.slice(0, -'.trust.ts'.length))
  .toSorted()
const problem = wrongUse()
if (problem !== undefined) {
  process.stderr.write(`trust: ${problem}\n`)
  process.exitCode = 2
} else if (values.help) console.log(HELP)
else if (values.list) console.log(names.join('\n'))
else process.exitCode = await main(values.only?.split(',') ?? names)

function wrongUse(): string | undefined {
  const unknown = values.only?.split(',').find((name) => !names.includes(name))
  if (unknown !== undefined)
    return `Cannot run ${JSON.stringify(unknown)}: --only takes names of tests: ${names.join(', ')}`
  if (values.seed !== undefined && !/^\d{1,15}$/.test(values.seed))
    return `Cannot use --seed: it must be an integer from 0, found ${JSON.stringify(values.seed)}`
  return undefined
}

async function main(some: string[]): Promise<number> {
  const seed = values.seed ?? String(Date.now() % 1_000_000_007)
  const scale = values.night ? 'night' : 'small'
  Object.assign(process.env, { NEARRANK_TRUST_SCALE: scale, NEARRANK_TRUST_SEED: seed })
  const startedMs = performance.now()
  const outcomes: Outcome[] = []
  for (const name of some) {
    const outcome = await runOne(name)
    outcomes.push(outcome)
    show(outcome, seed)
  }
  const failed = outcomes.filter(({ result }) => result === 'failed').length
  const skipped = outcomes.filter(({ result }) => result === 'not run').length
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  console.log(
    `\n${outcomes.length - failed - skipped} held, ${failed} failed, ${skipped} not run, ${seconds} s`,
  )
  if (values.write) await writePage(scale, seed, outcomes)
  return failed > 0 ? 1 : 0
}

/** Runs a file in a process of its own. */
async function runOne(name: string): Promise<Outcome> {
  const startedMs = performance.now()
  const outcome: Outcome = { name, promise: '', result: 'failed', figure: '', seconds: 0 }
  const events = run({ files: [join(import.meta.dirname, `${name}.trust.ts`)], concurrency: 1 })
  events.on('test:diagnostic', ({ message }) => {
    if (message.startsWith('figure ')) outcome.figure = message.slice('figure '.length)
  })
  events.on('test:stderr', ({ message }) => process.stderr.write(message))
  events.on('test:pass', ({ name: promise, skip, details }) => {
    if (details.type === 'suite' || outcome.result === 'not run') return
    outcome.promise = promise
    outcome.result = skip === undefined ? 'held' : 'not run'
    if (typeof skip === 'string') outcome.figure = skip
  })
  events.on('test:fail', ({ name: promise, details }) => {
    outcome.promise = promise
    const { cause } = details.error
    outcome.figure = cause instanceof Error ? (cause.stack ?? cause.message) : details.error.message
  })
  for await (const _ of events);
  if (outcome.result === 'held' && outcome.figure === '') outcome.result = 'failed' // it saw nothing
  outcome.seconds = (performance.now() - startedMs) / 1000
  return outcome
}

function show({ name, promise, result, figure, seconds }: Outcome, seed: string): void {
  const sign = { held: '✓', failed: '✗', 'not run': '–' }[result]
  console.log(`${sign} ${name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s  ${promise}`)
  console.log(`${' '.repeat(24)}${result === 'held' ? `${figure} (seed ${seed})` : figure}`)
  if (result === 'failed')
    console.log(`  Again: npm run trust -- --only ${name} --seed ${seed}${values.night ? ' --night' : ''}`)
}
