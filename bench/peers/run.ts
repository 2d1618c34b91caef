// bench/peers/run: Nearrank beside what a Python engineer would write, in one run. Let nothing else run; README.md tells how long it takes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { commitText, machineText, versionTexts } from './machine.ts'
import { replaceSection, type SectionName } from './markdown.ts'
import { killAll, startNearrank } from './processes.ts'
import { benchRealistic } from './realistic.ts'
import { comparisonSections } from './section.ts'
import { benchServing } from './serve.ts'
import { benchTraining, trainingFiles } from './train.ts'
import type { Comparison, Plan } from './types.ts'

const PAGE = fileURLToPath(new URL('../../docs/BENCHMARKS.md', import.meta.url))
const MODEL_FILES = 8
const PARTS = ['training', 'serving', 'realistic']

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    'realistic-data': { type: 'string' },
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
const data = needs('training', 'serving') ? await folderOf('data') : ''
const plan: Plan = {
  data,
  realisticData: needs('realistic') ? await folderOf('realistic-data', '--kind', 'realistic') : '',
  model: needs('serving') ? await modelFolder() : '',
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
if (needs('training')) {
  comparison.training = await benchTraining(plan)
  if (values.full)
    comparison.full = await benchTraining(
      { ...plan, files: trainingFiles(data).length, rounds: 1 },
      'lightgbm',
    )
  keepFigures()
}
if (needs('serving')) {
  comparison.serving = await benchServing(plan)
  keepFigures()
}
if (needs('realistic')) {
  comparison.realistic = await benchRealistic(plan)
  keepFigures()
}
for (const [name, section] of Object.entries(comparisonSections(comparison)))
  if (values.write)
    writeFileSync(PAGE, replaceSection(readFileSync(PAGE, 'utf8'), section, name as SectionName))
  else console.log(section)

/** Before an hour is spent on what cannot end well. */
function checkOptions(): void {
  const { only, write, full } = values
  for (const name of ['files', 'rounds', 'seconds'] as const) countOf(name)
  if (only !== undefined && !PARTS.includes(only))
    throw new Error(`--only must be ${PARTS.join(' or ')}, found ${only}`)
  if (write && !needs('realistic'))
    throw new Error('--write needs training and serving together: leave out --only, or make it realistic')
  if (full && !needs('training')) throw new Error(`--full is a round of training: leave out --only ${only}`)
  if (write)
    for (const name of ['peers', 'realistic'] as const) replaceSection(readFileSync(PAGE, 'utf8'), '', name)
}

/** Whether one of these parts is to be measured. */
function needs(...parts: string[]): boolean {
  return values.only === undefined || parts.includes(values.only)
}

function countOf(name: 'files' | 'rounds' | 'seconds'): number {
  const count = Number(values[name])
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw new Error(`--${name} must be a positive integer, found ${values[name]}`)
}

/** The folder that was named, or one of newly generated data. */
async function folderOf(name: 'data' | 'realistic-data', ...kind: string[]): Promise<string> {
  const given = values[name]
  if (given !== undefined) return resolve(given)
  say(`generating ${name}`)
  const folder = join(scratch, name)
  await startNearrank('generate', '--json', ...kind, '--out', folder).output()
  return folder
}

/** The model to be served: the one that was named, or a new one. */
async function modelFolder(): Promise<string> {
  if (values.model !== undefined) return resolve(values.model)
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
  const settings =
    only === 'realistic' ? ['--rounds', rounds] : ['--files', files, '--rounds', rounds, '--seconds', seconds]
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
