import { loadModelFiles } from '../model/modelDirectory.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import { defaultsOf, givenOf, type OptionValues } from '../options/option.ts'
import { checkReport, writeImportance } from './importance/importanceReport.ts'
import {
  type MeasuredImportance,
  measureBytes,
  measureImportance,
  mixedLogits,
} from './importance/measure.ts'
import { onTestRows, type TestRowsOptions } from './onTestRows.ts'
import { abortable } from './run/abort.ts'
import { IMPORTANCE, IMPORTANCE_OPTIONS } from './settings/importanceOptions.ts'

export interface ImportanceOptions extends TestRowsOptions, Partial<OptionValues<typeof IMPORTANCE>> {}

export interface ImportanceReport extends MeasuredImportance {
  seconds: number
}

/**
 * By how much the log loss of the test clicks rises, and their AUC falls, if the values of one feature come
 * from another test click at random: permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019).
 * Streamed, on all threads, in memory that does not depend on the number of clicks. The result also goes into
 * the model's report, unless `report` is false. Columns are the model's unless `options` names others.
 * @throws NearrankError USAGE, INPUT, DAMAGED, MEMORY, DISK, NOT_FINITE, ABORTED.
 */
export async function importance(options: ImportanceOptions): Promise<ImportanceReport> {
  checkOptions({ ...IMPORTANCE_OPTIONS, ...CALLBACKS }, options, 'importance')
  const { model, signal, onProgress } = options
  const { rows, seed, report } = { ...defaultsOf(IMPORTANCE), ...givenOf(IMPORTANCE, options) }
  return abortable(signal, async () => {
    const started = performance.now()
    const plan = { action: 'use', logits: mixedLogits, extraBytes: measureBytes }
    const { weights, ...found } = await onTestRows(options, plan, async (test) => {
      if (report) await checkReport(model)
      const measured = await measureImportance(test, {
        rows,
        seed,
        signal,
        onProgress: (rowsDone, rowsTotal) => onProgress?.({ type: 'importance', rowsDone, rowsTotal }),
      })
      return { ...measured, weights: test.description.weights.sha256 }
    })
    if (report) {
      const { description } = await loadModelFiles(model)
      if (description.weights.sha256 === weights) await writeImportance(model, found)
      else
        onProgress?.({
          type: 'note',
          message: `${model} holds another model now: its report is left as it is.`,
        })
    }
    return { ...found, seconds: (performance.now() - started) / 1000 }
  })
}
