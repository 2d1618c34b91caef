import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import { metSign, qualityOf } from '../../training/report/reportTables.ts'
import { learnsOrderAlone } from '../../training/settings/trainSettings.ts'
import type { TrainResult } from '../../training/types.ts'
import { sparkline } from './sparkline.ts'
import { renderTable } from './table.ts'

/** What a person sees when training is done: the epochs, what it took and reached, and the constraints. */
export function renderTrainSummary(result: TrainResult, bayesAccuracy: number | null): string {
  return [
    renderEpochs(result),
    ...renderCurves(result),
    renderFigures(result, bayesAccuracy),
    renderConstraints(result),
  ].join('\n\n')
}

function renderEpochs({ epochs, keptEpoch, settings }: TrainResult): string {
  const ordersOnly = learnsOrderAlone(settings.loss)
  return renderTable(
    ['epoch', 'rows', 'time', 'rows/s', 'loss', ordersOnly ? 'NDCG@10' : 'accuracy', ''],
    epochs.map((epoch) => [
      `${epoch.epoch}`,
      formatCount(epoch.rows),
      formatSeconds(epoch.seconds),
      formatCount(epoch.rowsPerSecond),
      epoch.loss.toFixed(4),
      qualityOf(epoch, ordersOnly),
      `${epoch.accuracyOn}${epoch.epoch === keptEpoch && epochs.length > 1 ? ', kept' : ''}`,
    ]),
    ['right', 'right', 'right', 'right', 'right', 'right', 'left'],
  )
}

/** The course of the epochs, from the first to the last; none of a single one. */
function renderCurves({ epochs, settings }: TrainResult): string[] {
  if (epochs.length < 2) return []
  const curves: [string, (number | undefined)[]][] = [
    ['loss', epochs.map(({ loss }) => loss)],
    ['validation loss', epochs.map(({ validationLoss }) => validationLoss)],
    ...(learnsOrderAlone(settings.loss)
      ? []
      : [['accuracy', epochs.map(({ accuracy }) => accuracy)] satisfies [string, number[]]]),
    ['AUC', epochs.map(({ validationAuc }) => validationAuc)],
    ['NDCG@10', epochs.map(({ validationNdcg10 }) => validationNdcg10)],
  ]
  const rows = curves.flatMap(([name, all]) => {
    const values = all.filter((value) => value !== undefined)
    if (values.length < epochs.length) return []
    return [[name, sparkline(values), `${values[0].toFixed(4)} to ${values[values.length - 1].toFixed(4)}`]]
  })
  return [renderTable([], rows, ['left', 'left', 'left'])]
}

function renderFigures(result: TrainResult, bayesAccuracy: number | null): string {
  const { test } = result
  const rows = [
    ['packing', formatSeconds(result.packSeconds)],
    ['training', formatSeconds(result.trainSeconds)],
    ['peak memory', `${formatBytes(result.peakRssBytes)} of ${formatBytes(result.maxMemoryBytes)}`],
    ['parameters', formatCount(result.parameters)],
  ]
  const ndcg10 = result.judged?.byGroup?.rankings.model?.ndcg10
  if (test) rows.push(['test rows', formatCount(test.rows)])
  if (ndcg10) rows.push(['NDCG@10 by group', ndcg10.value.toFixed(4)])
  if (test && !learnsOrderAlone(result.settings.loss))
    rows.push(
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
