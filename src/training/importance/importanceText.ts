import { formatCount } from '../../format.ts'
import type { Cells } from '../report/judgementTables.ts'
import type { Importance, MeasuredImportance } from './measure.ts'

/** What was measured on, and how good the model is there, in one sentence. */
export function importanceBasis({ rows, testRows, repeats, seed, logLoss, auc }: MeasuredImportance): string {
  const used = rows < testRows ? `${formatCount(rows)} of ${formatCount(testRows)}` : formatCount(rows)
  const times = repeats > 1 ? `, each ${repeats} times` : ''
  return `${used} test clicks${times}, seed ${seed}: log loss ${logLoss.toFixed(5)}, AUC ${shownImportance(auc)} as they are.`
}

/** The figures of a feature or group, as tables show them: log loss and error, AUC and error. */
export function importanceFigures(one: Importance): string[] {
  return [one.logLossIncrease, one.logLossError, one.aucDecrease, one.aucError].map(shownImportance)
}

export function importanceCells(what: 'group' | 'feature', all: readonly Importance[]): Cells {
  return {
    head: [what, 'log loss rises by', '±', 'AUC falls by', '±'],
    rows: all.map((one) => [one.name, ...importanceFigures(one)]),
  }
}

/** `0.01234`, `−0.00012`; 0 without a sign. */
export function shownImportance(value: number | null): string {
  const text = value?.toFixed(5) ?? '–'
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−')
}
