import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import { metSign } from '../../training/report/report.ts'
import type { TrainResult } from '../../training/types.ts'
import { renderTable } from './table.ts'

/** What a person sees when training is done: the epochs, what it took and reached, and the constraints. */
export function renderTrainSummary(result: TrainResult, bayesAccuracy: number | null): string {
  return [renderEpochs(result), renderFigures(result, bayesAccuracy), renderConstraints(result)].join('\n\n')
}

function renderEpochs({ epochs, keptEpoch }: TrainResult): string {
  return renderTable(
    ['epoch', 'rows', 'time', 'rows/s', 'loss', 'accuracy', ''],
    epochs.map((epoch) => [
      `${epoch.epoch}`,
      formatCount(epoch.rows),
      formatSeconds(epoch.seconds),
      formatCount(epoch.rowsPerSecond),
      epoch.loss.toFixed(4),
      epoch.accuracy.toFixed(4),
      `${epoch.accuracyOn}${epoch.epoch === keptEpoch && epochs.length > 1 ? ', kept' : ''}`,
    ]),
    ['right', 'right', 'right', 'right', 'right', 'right', 'left'],
  )
}

function renderFigures(result: TrainResult, bayesAccuracy: number | null): string {
  const { test } = result
  const rows = [
    ['packing', formatSeconds(result.packSeconds)],
    ['training', formatSeconds(result.trainSeconds)],
    ['peak memory', `${formatBytes(result.peakRssBytes)} of ${formatBytes(result.maxMemoryBytes)}`],
    ['parameters', formatCount(result.parameters)],
  ]
  if (test)
    rows.push(
      ['test rows', formatCount(test.rows)],
      ['accuracy', test.accuracy.toFixed(4)],
      ['  majority class', test.majorityAccuracy.toFixed(4)],
      ['  best possible (Bayes)', bayesAccuracy?.toFixed(4) ?? 'unknown'],
    )
  rows.push(['model', result.out])
  return renderTable([], rows, ['left', 'left'])
}

function renderConstraints({ constraints }: TrainResult): string {
  return renderTable(
    ['', 'constraint', 'limit', 'measured'],
    constraints.map(({ name, limit, measured, met }) => [metSign(met), name, limit, measured]),
    ['left', 'left', 'left', 'left'],
  )
}
