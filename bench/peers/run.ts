// bench/peers/run: Nearrank beside what a Python engineer would write, in one run. Let nothing else run; README.md tells how long it takes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { commitText, machineText, versionTexts } from './machine.ts'
import { replaceSection } from './markdown.ts'
import { killAll, startNearrank } from './processes.ts'
import { comparisonSection } from './section.ts'
import { benchServing } from './serve.ts'
import { benchTraining, trainingFiles } from './train.ts'
import type { Comparison, Plan } from './types.ts'

const PAGE = fileURLToPath(new URL('../../docs/BENCHMARKS.md', import.meta.url))
const MODEL_FILES = 8

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    model: { type: 'string' },
    files: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const scratch = mkdtempSync(join(tmpdir(), 'nearrank-peers-'))
process.on('exit', () => {
  killAll()
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }) // a process that ends may still write
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

checkOptions()
const data = values.data === undefined ? await makeData() : resolve(values.data)
const plan: Plan = {
  data,
  model: values.model === undefined ? await makeModel() : resolve(values.model),
  scratch,
  python: join(process.env.PEERS_VENV ?? fileURLToPath(new URL('.venv', import.meta.url)), 'bin', 'python'),
  files: countOf('files'),
  rounds: countOf('rounds'),
  seconds: countOf('seconds'),
  say,
}
const comparison: Comparison = {
  date: new Date().toISOString().slice(0, 10),
  commit: commitText(),
  machine: machineText(),
  versions: versionTexts(plan.python),
  command: commandText(),
}
if (values.only !== 'serving') {
  comparison.training = await benchTraining(plan)
  if (values.full)
    comparison.full = await benchTraining(
      { ...plan, files: trainingFiles(data).length, rounds: 1 },
      'lightgbm',
    )
  keepFigures()
}
if (values.only !== 'training') {
  comparison.serving = await benchServing(plan)
  keepFigures()
}
const section = comparisonSection(comparison)
if (values.write) writeFileSync(PAGE, replaceSection(readFileSync(PAGE, 'utf8'), section))
else console.log(section)

/** Before an hour is spent on what cannot end well. */
function checkOptions(): void {
  const { only, write, full } = values
  for (const name of ['files', 'rounds', 'seconds'] as const) countOf(name)
  if (only !== undefined && !['training', 'serving'].includes(only))
    throw new Error(`--only must be training or serving, found ${only}`)
  if (only !== undefined && write) throw new Error('--write needs both parts: leave out --only')
  if (only === 'serving' && full) throw new Error('--full is a round of training: leave out --only serving')
  if (write) replaceSection(readFileSync(PAGE, 'utf8'), '')
}

function countOf(name: 'files' | 'rounds' | 'seconds'): number {
  const count = Number(values[name])
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw new Error(`--${name} must be a positive integer, found ${values[name]}`)
}

async function makeData(): Promise<string> {
  say('generating data')
  const folder = join(scratch, 'data')
  await startNearrank('generate', '--json', '--out', folder).output()
  return folder
}

async function makeModel(): Promise<string> {
  say('training the model to be served')
  const places = ['--data', data, '--out', join(scratch, 'model'), '--cache', join(scratch, 'model-cache')]
  const files = trainingFiles(data).slice(0, MODEL_FILES)
  const trainFiles = files.flatMap((name) => ['--train-files', `train/${name}`])
  await startNearrank('train', '--json', ...places, ...trainFiles).output()
  return join(scratch, 'model')
}

/** What to type for the same run; where data and model lie is nobody else's business. */
function commandText(): string {
  const { files, rounds, seconds, full, only } = values
  const settings = ['--files', files, '--rounds', rounds, '--seconds', seconds]
  return [
    'bench/peers/run',
    ...settings,
    ...(full ? ['--full'] : []),
    ...(only ? ['--only', only] : []),
  ].join(' ')
}

/** After each part: the rest may fail. */
function keepFigures(): void {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(comparison, undefined, 2)}\n`)
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
