import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { type Ceilings, DATASET_FILE, type DatasetInfo } from '../datasetInfo.ts'
import { diskError, syncDirectory, writeNewFile } from '../../files.ts'
import { replaceDataset } from './target.ts'
import {
  type GenerateKind,
  type GenerateOptions,
  type GenerateStage,
  generateCounts,
  kindOf,
  shownOrderOf,
} from './options.ts'
import type { GenerateTask } from './plan.ts'
import { type GeneratedData, type MadeFile, makeFiles } from './pool.ts'
import { realisticData } from './realistic/realisticData.ts'
import { referenceData } from './referenceData.ts'
import type { GeneratorWorkerData } from './worker.ts'

export type { GenerateOptions, GenerateProgress } from './options.ts'

export interface GenerateResult {
  kind: GenerateKind
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
  ceilings: Ceilings | null // null: reference data, or there are no test rows
}

/**
 * Makes data of any size: feature tables, clicks, requests, and `dataset.json` with the ceiling that no
 * predictor beats. The same options make the same bytes on any number of threads.
 * @throws NearrankError USAGE, INPUT when `out` holds something else, DISK, ABORTED; `out` is then as it was.
 */
export async function generate(options: GenerateOptions): Promise<GenerateResult> {
  const startMs = performance.now()
  const kind = kindOf(options)
  const counts = generateCounts(options)
  const shown = shownOrderOf(options)
  const data = kind === 'realistic' ? realisticData(counts, shown) : referenceData(counts)
  const threads = options.threads ?? availableParallelism()
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const onAbort = () => void Atomics.store(stop, 0, 1)
  options.signal?.addEventListener('abort', onAbort)
  try {
    if (options.signal?.aborted) throw new NearrankError('ABORTED', 'Stopped before generating')
    return await replaceDataset(options.out, async (folder) => {
      const made = await makeAll(options, data, threads, { folder, counts, stop })
      const info = data.info(made)
      await writeInfo(folder, info)
      const { rows, testRows, users, restaurants, requests } = counts
      return {
        kind,
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
        ceilings: 'ceilings' in info ? info.ceilings : null,
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

/** One round after the other. */
async function makeAll(
  options: GenerateOptions,
  { rounds }: GeneratedData,
  threads: number,
  shared: Omit<GeneratorWorkerData, 'memory'>,
): Promise<MadeFile[]> {
  const rowsDone = new Map<GenerateStage, number>()
  const rowsTotal = new Map<GenerateStage, number>()
  for (const { stage, rows } of rounds.flatMap(({ tasks }) => tasks))
    rowsTotal.set(stage, (rowsTotal.get(stage) ?? 0) + rows)
  const onRows = ({ stage }: GenerateTask, rows: number) => {
    rowsDone.set(stage, (rowsDone.get(stage) ?? 0) + rows)
    options.onProgress?.({ stage, rowsDone: rowsDone.get(stage) ?? 0, rowsTotal: rowsTotal.get(stage) ?? 0 })
  }
  const made: MadeFile[] = []
  for (const { tasks, memory } of rounds)
    made.push(...(await makeFiles(tasks, threads, { ...shared, memory: memory() }, onRows)))
  return made
}
