import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { DATASET_FILE, type DatasetInfo } from '../datasetInfo.ts'
import { diskError, syncDirectory, writeNewFile } from '../../files.ts'
import { replaceDataset } from './target.ts'
import { type GenerateCounts, type GenerateOptions, type GenerateStage, generateCounts } from './options.ts'
import {
  type GenerateTask,
  RESTAURANT_FEATURES,
  SCORE_FEATURES,
  USER_FEATURES,
  clickTasks,
  firstTasks,
} from './plan.ts'
import { type MadeFile, makeFiles } from './pool.ts'
import { featureNames } from './tables.ts'
import type { GeneratorWorkerData } from './worker.ts'

export type { GenerateOptions, GenerateProgress } from './options.ts'

export interface GenerateResult {
  rows: number
  testRows: number
  users: number
  restaurants: number
  requests: number
  seconds: number
  bytes: number // of all Parquet files
  clickRate: number
  bayesAccuracy: number | null // null: there are no test rows
  bayesLogLoss: number | null
}

const GENERATOR_VERSION = 1

/**
 * Makes the reference data of any size: feature tables, clicks, requests, and `dataset.json` with the ceiling
 * that no predictor beats. The same options make the same bytes on any number of threads.
 * @throws NearrankError USAGE, INPUT when `out` holds something else, DISK, ABORTED; `out` is then as it was.
 */
export async function generate(options: GenerateOptions): Promise<GenerateResult> {
  const startMs = performance.now()
  const counts = generateCounts(options)
  const threads = options.threads ?? availableParallelism()
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const onAbort = () => void Atomics.store(stop, 0, 1)
  options.signal?.addEventListener('abort', onAbort)
  try {
    if (options.signal?.aborted) throw new NearrankError('ABORTED', 'Stopped before generating')
    return await replaceDataset(options.out, async (folder) => {
      const shared = { folder, counts, features: scoringFeatures(counts), stop }
      const made = await makeAll(options, counts, threads, shared)
      const info = datasetInfo(counts, made)
      await writeInfo(folder, info)
      const { rows, testRows, users, restaurants, requests } = counts
      return {
        rows,
        testRows,
        users,
        restaurants,
        requests,
        seconds: (performance.now() - startMs) / 1000,
        bytes: made.reduce((sum, file) => sum + file.bytes, 0),
        clickRate: info.clickRate,
        bayesAccuracy: info.bayesAccuracy,
        bayesLogLoss: info.bayesLogLoss,
      }
    })
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
  }
}

/** `dataset.json`, and the names of the click files, onto the disk. */
async function writeInfo(folder: string, info: DatasetInfo): Promise<void> {
  try {
    await writeNewFile(join(folder, DATASET_FILE), `${JSON.stringify(info, null, 2)}\n`)
    await syncDirectory(join(folder, 'train'))
    if (info.testRows > 0) await syncDirectory(join(folder, 'test'))
  } catch (error) {
    throw diskError(error, `write ${join(folder, DATASET_FILE)}`)
  }
}

/** The tables first, then the clicks that need them. */
async function makeAll(
  options: GenerateOptions,
  counts: GenerateCounts,
  threads: number,
  shared: GeneratorWorkerData,
): Promise<MadeFile[]> {
  const first = firstTasks(counts)
  const clicks = clickTasks(counts)
  const rowsDone = new Map<GenerateStage, number>()
  const rowsTotal = new Map<GenerateStage, number>()
  for (const { stage, rows } of [...first, ...clicks])
    rowsTotal.set(stage, (rowsTotal.get(stage) ?? 0) + rows)
  const onRows = ({ stage }: GenerateTask, rows: number) => {
    rowsDone.set(stage, (rowsDone.get(stage) ?? 0) + rows)
    options.onProgress?.({ stage, rowsDone: rowsDone.get(stage) ?? 0, rowsTotal: rowsTotal.get(stage) ?? 0 })
  }
  return [
    ...(await makeFiles(first, threads, shared, onRows)),
    ...(await makeFiles(clicks, threads, shared, onRows)),
  ]
}

function scoringFeatures({ users, restaurants }: GenerateCounts): GeneratorWorkerData['features'] {
  return {
    users: sharedFloats(users * SCORE_FEATURES),
    restaurants: sharedFloats(restaurants * SCORE_FEATURES),
  }
}

function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * 4))
}

function datasetInfo(counts: GenerateCounts, made: MadeFile[]): DatasetInfo {
  const total = (stage: GenerateStage, key: 'clicks' | 'bestAccuracy' | 'bestLogLoss') =>
    made.reduce((sum, { task, sums }) => (task.stage === stage ? sum + (sums?.[key] ?? 0) : sum), 0)
  const ofTest = (key: 'clicks' | 'bestAccuracy' | 'bestLogLoss') =>
    counts.testRows > 0 ? total('test', key) / counts.testRows : null
  return {
    format: 1,
    generator: 'nearrank',
    generatorVersion: GENERATOR_VERSION,
    ...counts,
    userFeatures: featureNames(USER_FEATURES),
    restaurantFeatures: featureNames(RESTAURANT_FEATURES),
    clickRate: total('train', 'clicks') / counts.rows,
    testClickRate: ofTest('clicks'),
    bayesAccuracy: ofTest('bestAccuracy'),
    bayesLogLoss: ofTest('bestLogLoss'),
  }
}
