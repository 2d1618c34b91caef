import { dataOfModel, tablesProblem } from '../dataset/dataOfModel.ts'
import { readDatasetInfo } from '../dataset/datasetInfo.ts'
import { pairTableBytes } from '../dataset/clicks/packPairs.ts'
import { openRowsApart, openTablesApart } from '../dataset/openApart.ts'
import type { DatasetOptionsReading, OpenProgress } from '../dataset/options.ts'
import { NearrankError } from '../errors.ts'
import { bestSimd } from '../kernels/kernels.ts'
import type { EvaluationMetrics } from '../metrics/clickMetrics.ts'
import { loadModelFiles } from '../model/modelDirectory.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import { abortable } from './run/abort.ts'
import { planArena } from './memory/arena.ts'
import { CrewLead } from './crew/crewLead.ts'
import { loadFeatures } from './memory/featureMemory.ts'
import { checkMemory, packMemoryBytes } from './memory/memoryPlan.ts'
import { droppedNote, droppedRows } from './report/droppedRows.ts'
import { scorePack } from './rows/scoring.ts'
import { EVALUATE_OPTIONS, type EVALUATE_RUN } from './settings/evaluateOptions.ts'
import { resolveRun } from './settings/resolveSettings.ts'
import type { TrainEvent, TrainRun } from './types.ts'

export interface EvaluateOptions
  extends DatasetOptionsReading<'test'>,
    Partial<Pick<TrainRun, keyof typeof EVALUATE_RUN>> {
  /** Model directory. */
  model: string
  signal?: AbortSignal
  onProgress?: (event: TrainEvent) => void
}

export interface EvaluationReport extends EvaluationMetrics {
  bayesAccuracy: number | null // the best possible, where dataset.json tells it
  bayesLogLoss: number | null
  seconds: number
}

/** Rows per chunk of work; nothing is learned, so it is no batch. */
const SCORE_ROWS = 1024

/**
 * How good a model is on the test clicks: streamed, on all threads, in memory that does not depend on their
 * number. Columns are the model's unless `options` names others.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, ABORTED.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationReport> {
  checkOptions({ ...EVALUATE_OPTIONS, ...CALLBACKS }, options, 'evaluate')
  return abortable(options.signal, async () => {
    const started = performance.now()
    const { threads, maxMemoryBytes } = resolveRun(options)
    const { description, weights } = await loadModelFiles(options.model)
    const { network } = description
    const open = {
      ...dataOfModel(description, options),
      threads: 1, // of DuckDB; more do not read faster
      memoryBytes: packMemoryBytes(maxMemoryBytes),
      onProgress: (progress: OpenProgress) => options.onProgress?.({ type: 'pack', ...progress }),
    }
    const { tables } = await openTablesApart(open)
    const problem = tablesProblem(description, tables)
    if (problem !== undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot evaluate ${options.model} on the data in ${options.data}: ${problem}; choose other columns`,
      )
    const shape = {
      network,
      users: tables.users.rows,
      restaurants: tables.restaurants.rows,
      batchSize: SCORE_ROWS,
      threads,
      purpose: 'score' as const,
    }
    const packTableBytes = pairTableBytes(description.features?.pairs ?? [], tables)
    checkMemory(planArena(shape), maxMemoryBytes, packTableBytes)
    const {
      packs: [pack],
    } = await openRowsApart(
      { ...open, memoryBytes: packMemoryBytes(maxMemoryBytes, packTableBytes) },
      tables,
      ['test'],
    )
    const dropped = droppedRows(tables, { test: pack })
    const info = await readDatasetInfo(options.data)
    try {
      if (dropped) options.onProgress?.({ type: 'note', message: droppedNote(dropped) })
      const lead = new CrewLead({ shape, simd: bestSimd() })
      try {
        await loadFeatures(lead, tables, null)
        lead.setWeights(weights)
        const metrics = await scorePack(lead, pack, {
          ndcg: true,
          signal: options.signal,
          onProgress: (rowsDone, rowsTotal) =>
            options.onProgress?.({ type: 'evaluate', rowsDone, rowsTotal }),
        })
        return {
          ...metrics,
          bayesAccuracy: info?.bayesAccuracy ?? null,
          bayesLogLoss: info?.bayesLogLoss ?? null,
          seconds: (performance.now() - started) / 1000,
        }
      } finally {
        await lead.close()
      }
    } finally {
      await pack.close()
    }
  })
}
