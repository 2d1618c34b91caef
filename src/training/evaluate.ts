import { readDatasetInfo } from '../dataset/datasetInfo.ts'
import type { EvaluationMetrics } from '../metrics/clickMetrics.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import { type Judged, Judge } from './judgement/judge.ts'
import { sliceColumns } from './judgement/sliceColumns.ts'
import { type JudgedSlice, SLICE_BYTES } from './judgement/sliceJudge.ts'
import { onTestRows, type TestRowsOptions } from './onTestRows.ts'
import { scorePack } from './rows/scoring.ts'
import { abortable } from './run/abort.ts'
import { EVALUATE_OPTIONS } from './settings/evaluateOptions.ts'

export interface EvaluateOptions extends TestRowsOptions {
  /** Features by the values of which the test clicks are measured, too; at most 4. */
  slices?: string[]
}

export interface EvaluationReport extends EvaluationMetrics, Judged {
  scores: 'probability' | 'order' // order: log loss, accuracy and calibration mean nothing
  slices: JudgedSlice[] // of each slice its values, most frequent first
  bayesAccuracy: number | null // the best possible, where dataset.json tells it
  bayesLogLoss: number | null
  seconds: number
}

/**
 * How good a model is on the test clicks, beside simple orders of the same rows: streamed, on all threads, in
 * memory that does not depend on their number. Columns are the model's unless `options` names others.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, ABORTED.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationReport> {
  checkOptions({ ...EVALUATE_OPTIONS, ...CALLBACKS }, options, 'evaluate')
  return abortable(options.signal, async () => {
    const started = performance.now()
    const { slices: names = [] } = options
    const plan = {
      action: 'evaluate',
      extraBytes: ({ shape }: { shape: { users: number } }) =>
        Judge.bytesMax(shape.users) + names.length * SLICE_BYTES,
      baselines: true,
    }
    return onTestRows(options, plan, async ({ lead, pack, tables, description, baselines }) => {
      const info = await readDatasetInfo(options.data)
      const features = { users: tables.users.features, restaurants: tables.restaurants.features }
      const columns = names.length > 0 ? await sliceColumns(names, lead, pack, features) : []
      const { metrics, judged, slices } = await scorePack(lead, pack, {
        ndcg: true,
        judge: { baselines, byUser: true },
        slices: columns,
        signal: options.signal,
        onProgress: (rowsDone, rowsTotal) => options.onProgress?.({ type: 'evaluate', rowsDone, rowsTotal }),
      })
      return {
        ...metrics,
        ...judged,
        slices,
        scores: description.scores ?? 'probability',
        bayesAccuracy: info?.bayesAccuracy ?? null,
        bayesLogLoss: info?.bayesLogLoss ?? null,
        seconds: (performance.now() - started) / 1000,
      }
    })
  })
}
