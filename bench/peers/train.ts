import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatBytes, formatCount, formatSeconds } from '../../src/format.ts'
import { type Running, start, startNearrank } from './processes.ts'
import { watchMemory } from './processTree.ts'
import type { Plan, TrainingRounds, TrainingRun, TrainingSide } from './types.ts'

const LEARNING_RATE = '0.001'
// LightGBM has rounds of boosting in place of epochs, and a learning rate of its own kind: its script knows them.
const EPOCH = ['--epochs', '1', '--learning-rate', LEARNING_RATE]
const OWN = { nearrank: [], plain: ['--kernels', 'wasm', '--turbo', 'off'] }
const PEERS: Record<Exclude<TrainingSide, keyof typeof OWN>, string[]> = {
  streaming: ['train_streaming.py', ...EPOCH],
  tuned: ['train_tuned.py', ...EPOCH],
  folded: ['train_folded.py', ...EPOCH],
  lightgbm: ['train_lightgbm.py'],
}
const SIDES = [...Object.keys(OWN), ...Object.keys(PEERS)] as TrainingSide[]

type Figures = Omit<TrainingRun, 'wholeSeconds' | 'peakBytes'>

/** All sides but those `without` in turn, `rounds` times, on the first `files` files. */
export async function benchTraining(plan: Plan, without?: 'lightgbm'): Promise<TrainingRounds> {
  const { rounds, say } = plan
  const result: TrainingRounds = []
  for (let round = 1; round <= rounds; round++) {
    const runs = {} as Record<TrainingSide, TrainingRun>
    for (const side of SIDES.filter((one) => one !== without)) {
      say(`training, ${formatCount(plan.files)} files, round ${round} of ${rounds}: ${side}`)
      runs[side] = await trainOnce(side, plan)
      say(`  ${summaryOf(runs[side])}`)
    }
    result.push(runs)
  }
  return result
}

/** The names of the training files, in order. */
export function trainingFiles(data: string): string[] {
  return readdirSync(join(data, 'train'))
    .filter((name) => /^train_.*\.parquet$/.test(name))
    .toSorted()
}

async function trainOnce(side: TrainingSide, plan: Plan): Promise<TrainingRun> {
  const folder = mkdtempSync(join(plan.scratch, 'training-'))
  const started = performance.now()
  const running = isOwn(side) ? startOwn(side, plan, folder) : startPeer(side, plan)
  const memory = watchMemory(running.pid)
  try {
    const stdout = await running.output()
    const wholeSeconds = (performance.now() - started) / 1000
    const figures = isOwn(side) ? figuresOfNearrank(stdout, folder) : figuresOfPeer(stdout)
    return { ...figures, wholeSeconds, peakBytes: memory.stop() }
  } finally {
    memory.stop()
    rmSync(folder, { recursive: true })
  }
}

function isOwn(side: TrainingSide): side is keyof typeof OWN {
  return Object.hasOwn(OWN, side)
}

function startOwn(side: keyof typeof OWN, { data, files }: Plan, folder: string): Running {
  const names = trainingFiles(data).slice(0, files)
  const trainFiles = names.flatMap((name) => ['--train-files', `train/${name}`])
  // A cache of its own, so that packing counts each time.
  const places = ['--data', data, '--out', join(folder, 'model'), '--cache', join(folder, 'cache')]
  const settings = ['--preset', 'reference', ...EPOCH, ...OWN[side]]
  return startNearrank('train', '--json', ...places, ...settings, ...trainFiles)
}

function startPeer(side: keyof typeof PEERS, { python, data, files }: Plan): Running {
  const [script, ...settings] = PEERS[side]
  const path = fileURLToPath(new URL(script, import.meta.url))
  return start(python, [path, '--data', data, '--files', `${files}`, ...settings])
}

function figuresOfNearrank(stdout: string, folder: string): Figures {
  const { rows, steps, threads, epochs, packSeconds, peakRssBytes } = JSON.parse(stdout) as {
    rows: number
    steps: number
    threads: number
    epochs: { seconds: number }[]
    packSeconds: number
    peakRssBytes: number
  }
  const { metrics } = JSON.parse(readFileSync(join(folder, 'model', 'model.json'), 'utf8')) as {
    metrics: { accuracy: number }
  }
  const epochSeconds = epochs[0].seconds
  const { accuracy } = metrics
  return { rows, steps, threads, epochSeconds, packSeconds, ownPeakBytes: peakRssBytes, accuracy }
}

function figuresOfPeer(stdout: string): Figures {
  const { rows, steps, threads, epochSeconds, accuracy } = JSON.parse(stdout) as {
    rows: number
    steps: number
    threads: number
    epochSeconds: number[]
    accuracy: number
  }
  return {
    rows,
    steps,
    threads,
    epochSeconds: epochSeconds[0],
    packSeconds: 0,
    ownPeakBytes: null,
    accuracy,
  }
}

function summaryOf({ rows, epochSeconds, wholeSeconds, peakBytes, accuracy }: TrainingRun): string {
  const rate = `${formatCount(rows / epochSeconds)} rows/s`
  const whole = `${formatSeconds(wholeSeconds)} in all`
  return [rate, whole, formatBytes(peakBytes), `accuracy ${accuracy.toFixed(4)}`].join(', ')
}
