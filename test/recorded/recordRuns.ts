import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { generate, train, type TrainOptions, type TrainResult } from '../../src/index.ts'
import { writeParquetFile } from '../dataset/fixture.ts'

/** What a run left behind, as SHA-256; and its losses, which tell more than a hash where something differs. */
export interface RecordedRun {
  weights: string // of weights.safetensors
  onnx: string
  losses: number[] // of the epochs, training then validation
  test: number | null // log loss
}

export interface RecordedRuns {
  packs: Record<string, string> // files of the packed reference data but their manifests
  runs: Record<string, RecordedRun>
}

type Options = Omit<TrainOptions, 'data' | 'out'>

const QUIET: Options = { checkpointSeconds: 0 }
const REFERENCE: Options = { ...QUIET, preset: 'reference' }
const LEARNING: Options = { ...REFERENCE, epochs: 2, learningRate: 1e-3 }
/** All that would otherwise be chosen for so few rows is given. */
const DEFAULT: Options = { ...QUIET, epochs: 2, warmupSteps: 5, batchSize: 1024, validation: 0.01 }

/** Runs on data like the reference job's. */
const RUNS: Record<string, Options> = {
  'reference, 1 thread': { ...REFERENCE, threads: 1 },
  'reference, 2 threads': { ...REFERENCE, threads: 2 },
  'reference order, learning rate 1e-3': { ...LEARNING, threads: 2 },
  'default, 1 thread': { ...DEFAULT, threads: 1 },
  'default, 2 threads': { ...DEFAULT, threads: 2 },
  'no hidden layer': { ...DEFAULT, hidden: [], activations: [], threads: 2 },
  'one unit': { ...DEFAULT, hidden: [1], threads: 1 },
  'three hidden segments, 3 threads': {
    ...DEFAULT,
    hidden: [13, 7, 9, 5],
    activations: ['relu', 'none', 'relu', 'relu'],
    threads: 3,
  },
  'linear from end to end': { ...DEFAULT, hidden: [9, 6], activations: ['none', 'none'], threads: 2 },
  'batches of 37, weight decay, no validation': {
    ...DEFAULT,
    hidden: [33],
    batchSize: 37,
    weightDecay: 0.01,
    validation: 0,
    schedule: 'linear',
    threads: 2,
  },
  'file order, held-out rows, last epoch': {
    ...DEFAULT,
    hidden: [40, 24],
    activations: ['none', 'relu'],
    shuffle: false,
    normalize: false,
    validation: 0.1,
    keep: 'last',
    batchSize: 500,
    threads: 2,
  },
}

/** Runs on string ids, odd numbers of features and clicks without features. */
const ODD_RUNS: Record<string, Options> = {
  'odd data, default': { ...DEFAULT, hidden: [17, 6], onMissing: 'drop', threads: 2 },
  'odd data, file order': { ...LEARNING, hidden: [10], onMissing: 'drop', threads: 1 },
}

/** Data like the reference job's, of 20,000 clicks. */
export async function makeReferenceData(data: string): Promise<void> {
  await generate({
    out: data,
    rows: 20_000,
    testRows: 2000,
    users: 400,
    restaurants: 300,
    requests: 5,
    candidates: 20,
    files: 3,
    testFiles: 1,
    seed: 5,
    threads: 1,
  })
}

/** Data with string ids, one feature on one side and three on the other. */
export async function makeOddData(data: string): Promise<void> {
  await writeParquetFile(
    data,
    'user_features.parquet',
    `SELECT 'ü-' || (i * 7919 % 1000) AS user_id, ((i * 37) % 101)::FLOAT / 25 - 2 AS f0 FROM range(90) t(i)`,
  )
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT 'r' || i AS restaurant_id, ((i * 13) % 29)::FLOAT / 10 AS f0, ((i * 5) % 17)::DOUBLE - 8 AS f1,
       (i % 2)::INTEGER AS f2, 13.5 + (i % 10) * 0.05 AS latitude, 100.5 + (i // 10) * 0.05 AS longitude
     FROM range(70) t(i)`,
  )
  for (const [file, rows] of [
    ['train/a.parquet', 5000],
    ['train/b.parquet', 1],
    ['test/a.parquet', 700],
  ] as const)
    await writeParquetFile(
      data,
      file,
      `SELECT 'ü-' || ((i * 31 % 95) * 7919 % 1000) AS user_id, 'r' || (i * i % 73) AS restaurant_id,
         ((i * 31 % 95 * 37 % 101) + (i * i % 73 * 13 % 29) * 3 + i % 7 > 90)::UTINYINT AS click
       FROM range(${rows}) t(i)`,
    )
}

/** All runs, and the model of the default one in `<folder>/model`, that of the odd data in `<folder>/odd-model`. */
export async function recordRuns(folder: string): Promise<RecordedRuns> {
  const data = join(folder, 'data')
  const oddData = join(folder, 'odd')
  await makeReferenceData(data)
  await makeOddData(oddData)
  const runs: RecordedRuns['runs'] = {}
  const record = async (name: string, options: Options, from: string, out: string) => {
    runs[name] = await recorded(await train({ ...options, data: from, out: join(folder, out) }))
  }
  for (const [name, options] of Object.entries(RUNS)) await record(name, options, data, 'other')
  await record('default, for serving', { ...DEFAULT, threads: 2 }, data, 'model')
  for (const [name, options] of Object.entries(ODD_RUNS)) await record(name, options, oddData, 'odd-model')
  runs['default, stopped and resumed'] = await resumedRun(data, join(folder, 'resumed'))
  return { packs: await packsOf(data), runs }
}

/** Stopped in its second epoch, and gone on with by another number of threads. */
async function resumedRun(data: string, out: string): Promise<RecordedRun> {
  const options = { ...DEFAULT, checkpointSeconds: 3600, data, out }
  const stop = new AbortController()
  const first = train({
    ...options,
    threads: 2,
    signal: stop.signal,
    onProgress: (event) => {
      if (event.type === 'epoch') stop.abort()
    },
  })
  const outcome = await first.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )
  if (outcome !== 'ABORTED') throw new Error(`the run must be stopped, found ${outcome}`)
  return recorded(await train({ ...options, threads: 1, resume: true }))
}

async function recorded(result: TrainResult): Promise<RecordedRun> {
  const losses = result.epochs.map(({ loss }) => loss)
  const validation = result.epochs.flatMap(({ validationLoss }) => validationLoss ?? [])
  return {
    weights: sha256(await readFile(join(result.out, 'weights.safetensors'))),
    onnx: sha256(await readFile(join(result.out, 'model.onnx'))),
    losses: [...losses, ...validation],
    test: result.test?.logLoss ?? null,
  }
}

export async function packsOf(data: string): Promise<Record<string, string>> {
  const home = join(data, '.nearrank')
  const packs: Record<string, string> = {}
  for (const folder of (await readdir(home)).toSorted())
    for (const file of (await readdir(join(home, folder))).toSorted())
      if (file !== 'manifest.json') {
        const kind = folder.replace(/-[0-9a-f]+$/, '') // the rest is a hash of paths and times
        packs[`${kind}/${file}`] = sha256(await readFile(join(home, folder, file)))
      }
  return packs
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
