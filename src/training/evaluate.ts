import { readDatasetInfo } from '../dataset/datasetInfo.ts'
import type { EvaluationMetrics } from '../metrics/clickMetrics.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import { type Judged, Judge } from './judgement/judge.ts'
import { onTestRows, type TestRowsOptions } from './onTestRows.ts'
import { scorePack } from './rows/scoring.ts'
import { abortable } from './run/abort.ts'
import { EVALUATE_OPTIONS } from './settings/evaluateOptions.ts'

export interface EvaluateOptions extends TestRowsOptions {}

export interface EvaluationReport extends EvaluationMetrics, Judged {
  scores: 'probability' | 'order' // order: log loss, accuracy and calibration mean nothing
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
    const plan = {
      action: 'evaluate',
      extraBytes: ({ shape }: { shape: { users: number } }) => Judge.bytesMax(shape.users),
      baselines: true,
    }
    return onTestRows(options, plan, async ({ lead, pack, description, baselines }) => {
      const info = await readDatasetInfo(options.data)
      const { metrics, judged } = await scorePack(lead, pack, {
        ndcg: true,
        judge: { baselines, byUser: true },
        signal: options.signal,
        onProgress: (rowsDone, rowsTotal) => options.onProgress?.({ type: 'evaluate', rowsDone, rowsTotal }),
      })
      return {
        ...metrics,
        ...judged,
        scores: description.scores ?? 'probability',
        bayesAccuracy: info?.bayesAccuracy ?? null,
        bayesLogLoss: info?.bayesLogLoss ?? null,
        seconds: (performance.now() - started) / 1000,
      }
    })
  })
}
