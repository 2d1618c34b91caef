import { formatCount } from '../../format.ts'
import type { Cells } from '../report/judgementTables.ts'
import type { Importance, MeasuredImportance } from './measure.ts'

/** What was measured on, and how good the model is there, in one sentence. */
export function importanceBasis({ rows, testRows, repeats, seed, logLoss, auc }: MeasuredImportance): string {
  const used = rows < testRows ? `${formatCount(rows)} of ${formatCount(testRows)}` : formatCount(rows)
  const times = repeats > 1 ? `, each ${repeats} times` : ''
  return `${used} test clicks${times}, seed ${seed}: log loss ${logLoss.toFixed(5)}, AUC ${shown(auc)} as they are.`
}

/** The figures of a feature or group, as tables show them: log loss and error, AUC and error. */
export function importanceFigures(one: Importance): string[] {
  return [one.logLossIncrease, one.logLossError, one.aucDecrease, one.aucError].map(shown)
}

export function importanceCells(what: 'group' | 'feature', all: readonly Importance[]): Cells {
  return {
    head: [what, 'log loss rises by', '±', 'AUC falls by', '±'],
    rows: all.map((one) => [one.name, ...importanceFigures(one)]),
  }
}

function shown(value: number | null): string {
  return value?.toFixed(5) ?? '–'
}
