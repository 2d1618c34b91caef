import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import type { EvaluationMetrics } from '../../metrics/clickMetrics.ts'
import { learnsOrderAlone } from '../settings/trainSettings.ts'
import type { Constraint, EpochReport, LedgerEpoch, TrainResult } from '../types.ts'
import type { Cells } from './judgementTables.ts'
import type { ReportContext } from './reportContext.ts'

/** ✓, ✗ or –, as the tables show it. */
export function metSign(met: boolean | null): string {
  return met === null ? '–' : met ? '✓' : '✗'
}

export function constraintCells(constraints: readonly Constraint[]): Cells {
  return {
    head: ['', 'constraint', 'limit', 'measured'],
    rows: constraints.map(({ name, limit, measured, met }) => [metSign(met), name, limit, measured]),
  }
}

/** How many of the constraints have a limit, and are met. */
export function countMet(constraints: readonly Constraint[]): { met: number; demanded: number } {
  return {
    met: constraints.filter((constraint) => constraint.met === true).length,
    demanded: constraints.filter((constraint) => constraint.met !== null).length,
  }
}

/** What an epoch is judged by: the accuracy, or the order where scores are nothing else. */
export function qualityOf({ accuracy, validationNdcg10 }: EpochReport, ordersOnly: boolean): string {
  return ordersOnly ? (validationNdcg10?.toFixed(4) ?? '–') : accuracy.toFixed(4)
}

export function epochCells({ epochs, keptEpoch, settings }: TrainResult): Cells {
  const ordersOnly = learnsOrderAlone(settings.loss)
  return {
    head: [
      'epoch',
      'rows',
      'time',
      'rows/s',
      'loss',
      ordersOnly ? 'NDCG@10' : 'accuracy',
      'of',
      'validation loss',
      'AUC',
      'kept',
    ],
    rows: epochs.map((epoch) => [
      `${epoch.epoch}`,
      formatCount(epoch.rows),
      formatSeconds(epoch.seconds),
      formatCount(epoch.rowsPerSecond),
      epoch.loss.toFixed(5),
      qualityOf(epoch, ordersOnly),
      epoch.accuracyOn,
      shown(epoch.validationLoss),
      shown(epoch.validationAuc),
      epoch.epoch === keptEpoch ? 'yes' : '',
    ]),
  }
}

/** The best possible, if it is known: as `dataset.json` of generated data tells it. */
export type Ceiling = Pick<ReportContext, 'bayesAccuracy' | 'bayesLogLoss'>

export function metricCells(test: EvaluationMetrics, ceiling: Ceiling, ordersOnly: boolean): Cells {
  const rows = [
    ['rows', formatCount(test.rows), ''],
    ['AUC', shown(test.auc), ''],
    ['NDCG@10 by user', shown(test.ndcg10), ''],
    ['click rate', shown(test.clickRate), ''],
  ]
  if (!ordersOnly)
    rows.splice(
      1,
      0,
      ['accuracy', shown(test.accuracy), shown(ceiling.bayesAccuracy)],
      ['accuracy of the majority class', shown(test.majorityAccuracy), ''],
      ['log loss', shown(test.logLoss), shown(ceiling.bayesLogLoss)],
      ['normalised entropy', shown(test.normalizedEntropy), ''],
      ['expected calibration error', shown(test.calibrationError), ''],
    )
  return { head: ['metric', 'model', 'best possible'], rows }
}

export function ledgerCells(ledger: readonly LedgerEpoch[]): Cells {
  const isReplayed = ledger.some(({ files }) => files.some((file) => file.notReplayed !== undefined))
  const replayed = (cell: string) => (isReplayed ? [cell] : [])
  return {
    head: [
      'epoch',
      'files',
      'rows in the files',
      'used',
      'dropped',
      'held out',
      ...replayed('not replayed'),
      'digest',
    ],
    rows: onceIfSame(ledger, (epoch) => [
      `${epoch.files.length}`,
      sum(epoch, 'rows'),
      sum(epoch, 'used'),
      sum(epoch, 'dropped'),
      sum(epoch, 'validation', 'heldOut'),
      ...replayed(sum(epoch, 'notReplayed')),
      epoch.digest,
    ]),
  }
}

/** A row for each epoch, or one for all of them if it would be the same. */
function onceIfSame(ledger: readonly LedgerEpoch[], cellsOf: (epoch: LedgerEpoch) => string[]): string[][] {
  const rows = ledger.map(cellsOf)
  const isSame = rows.length > 1 && new Set(rows.map((cells) => cells.join('\n'))).size === 1
  if (isSame) return [[`each of the ${rows.length}`, ...rows[0]]]
  return rows.map((cells, i) => [`${ledger[i].epoch}`].concat(cells))
}

/** Data, machine, versions, time and settings. */
export function madeCells(result: TrainResult, context: ReportContext): Cells {
  return {
    head: ['what', 'how'],
    rows: [
      ['made by', `Nearrank ${context.version}, ${context.runtime}`],
      ['made at', context.madeAt],
      ['machine', context.machine],
      ['data', context.data],
      ...(context.from === undefined ? [] : [['gone on from', context.from]]),
      ...(context.parts === undefined ? [] : [['parts of the clicks', context.parts]]),
      ...(context.dropped === undefined ? [] : [['left out of the data', context.dropped]]),
      ...(context.chosen === undefined ? [] : [['chosen for so few rows', context.chosen]]),
      ['user features', context.userFeatures.join(', ')],
      ['restaurant features', context.restaurantFeatures.join(', ')],
      ['threads', `${result.threads}`],
      ['kernels', kernelsText(result)],
      [
        'memory',
        `${formatBytes(result.peakRssBytes)} at most, ${formatBytes(result.maxMemoryBytes)} allowed`,
      ],
      ['steps', formatCount(result.steps)],
      ['parameters', formatCount(result.parameters)],
      ['packing', formatSeconds(result.packSeconds)],
      ['training', formatSeconds(result.trainSeconds)],
      ['everything', formatSeconds(result.seconds)],
      ...Object.entries(result.settings).map(([key, value]) => [key, String(value)]),
    ],
  }
}

function shown(value: number | null | undefined): string {
  return value?.toFixed(5) ?? '–'
}

type Kind = Exclude<keyof LedgerEpoch['files'][number], 'file'>

function sum(epoch: LedgerEpoch, ...kinds: Kind[]): string {
  const all = epoch.files.flatMap((file) => kinds.map((kind) => file[kind] ?? 0))
  return formatCount(all.reduce((total, rows) => total + rows, 0))
}

function kernelsText({ native, simd, turbo }: Pick<TrainResult, 'native' | 'simd' | 'turbo'>): string {
  if (native !== null) return `native, ${native}`
  return `WebAssembly, ${simd}${turbo ? ', 256-bit' : ''}`
}
