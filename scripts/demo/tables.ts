import { renderTable } from '../../src/cli/output/table.ts'
import type { Ceilings } from '../../src/dataset/datasetInfo.ts'
import type { InspectedColumn, Inspection } from '../../src/dataset/inspect/report.ts'
import { formatBytes, formatCount, formatPercent, formatSeconds } from '../../src/format.ts'
import type { EvaluationReport } from '../../src/training/evaluate.ts'
import type { TrainResult } from '../../src/training/types.ts'

/** The columns that may be features, in one table. */
export function columnsTable({ columns, warnings }: Inspection): string {
  const rowsOf = (where: string, some: readonly InspectedColumn[]) =>
    some
      .filter(({ role }) => role === 'feature' || role === 'context')
      .map(({ name, type, missingShare, role, feature, leftOut }) => [
        `${where}.${name}`,
        type,
        formatPercent(missingShare),
        `${feature?.kind ?? `– (${leftOut})`}${role === 'context' ? ', if named' : ''}`,
      ])
  const table = renderTable(
    ['column', 'type', 'missing', 'becomes'],
    [
      ...rowsOf('user', columns.users),
      ...rowsOf('restaurant', columns.restaurants),
      ...rowsOf('click', columns.clicks),
    ],
    ['left', 'left', 'right', 'left'],
  )
  const more = `\n${warnings.length} things look wrong; without --json it says which.`
  return `${table}${warnings.length > 0 ? more : ''}`
}

/** What training took and reached, beside what is possible. `ceilings`: null where the data tells none. */
export function resultTable(
  trained: TrainResult,
  evaluated: EvaluationReport,
  ceilings: Ceilings | null,
): string {
  const figure = (value: number | null | undefined) => value?.toFixed(4) ?? '–'
  const best = ceilings?.drawn
  const { accuracy, auc, logLoss, majorityAccuracy, bayesAccuracy, bayesLogLoss, ndcg10 } = evaluated
  const run = renderTable(
    [],
    [
      ['packing', formatSeconds(trained.packSeconds)],
      ...trained.epochs.map(({ epoch, seconds, rowsPerSecond }) => [
        `epoch ${epoch}`,
        `${formatSeconds(seconds)}, ${formatCount(rowsPerSecond)} rows/s`,
      ]),
      ['memory', `${formatBytes(trained.peakRssBytes)} at most`],
    ],
    ['left', 'left'],
  )
  const quality = renderTable(
    ['test clicks', 'model', 'majority class', 'best possible'],
    [
      ['accuracy', figure(accuracy), figure(majorityAccuracy), figure(best?.accuracy ?? bayesAccuracy)],
      ['log loss', figure(logLoss), '', figure(best?.logLoss ?? bayesLogLoss)],
      ['AUC', figure(auc), '', figure(best?.auc)],
      ['NDCG@10 by user', figure(ndcg10)],
    ],
    ['left', 'right', 'right', 'right'],
  )
  return `${run}\n\n${quality}`
}
