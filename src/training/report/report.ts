import { formatBytes, formatCount, formatSeconds } from '../../format.ts'
import type { CalibrationBin } from '../../metrics/calibrationCurve.ts'
import type { EvaluationMetrics } from '../../metrics/clickMetrics.ts'
import type { OrderJudgement } from '../../metrics/orderSums.ts'
import { learnsOrderAlone } from '../settings/trainSettings.ts'
import type { Constraint, EpochReport, LedgerEpoch, TrainResult } from '../types.ts'
import { calibrationCells, ORDER_ONLY, orderCells, unitsText } from './judgementTables.ts'
import { markdownTable } from './markdown.ts'

/** What a report tells beside the result: where, when and with what the model was made. */
export interface ReportContext {
  version: string // of Nearrank
  madeAt: string // ISO 8601
  machine: string // 'Intel Xeon …, 2 cores, 8 GiB'
  runtime: string // 'Node 26.10.0, linux x64'
  data: string // name of the data folder, without the way to it
  userFeatures: string[]
  restaurantFeatures: string[]
  dropped?: string // which rows of the data were left out, and why; absent: none
  chosen?: string // settings that follow from the few rows; absent: none
  parts?: string // validation and test rows that are parts of the clicks; absent: there are none
  from?: string // the model that it goes on from; absent: none
  bayesAccuracy: number | null // null: the ceiling is not known
  bayesLogLoss: number | null
}

/** The Markdown of a model's `report.md`. Pure; cells from outside (column and file names) are escaped. */
export function renderReport(result: TrainResult, context: ReportContext): string {
  const met = result.constraints.filter((constraint) => constraint.met === true).length
  const demanded = result.constraints.filter((constraint) => constraint.met !== null).length
  return [
    '# Training report',
    '',
    `Trained on ${formatCount(result.rows)} rows an epoch, ${result.epochs.length} ${result.epochs.length === 1 ? 'epoch' : 'epochs'}, ` +
      `preset \`${result.preset}\`; the weights of epoch ${result.keptEpoch} were kept. ` +
      `${met} of ${demanded} demands are met.`,
    '',
    '## Constraints',
    '',
    ...constraintLines(result.constraints),
    '',
    '## Epochs',
    '',
    ...epochLines(result),
    '',
    '## Test set',
    '',
    ...testLines(result, context),
    '',
    '## Ledger',
    '',
    'Rows that were used in each epoch. The digest is a sum over the rows that the kernels gathered, in any order:',
    'a row left out, used twice or changed gives another one. `model.json` holds the same for each file.',
    '',
    ...ledgerLines(result.ledger),
    '',
    '## How it was made',
    '',
    ...markdownTable(
      ['what', 'how'],
      [
        ['made by', `Nearrank ${context.version}, ${context.runtime}, kernels ${result.simd}`],
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
    ),
    '',
  ].join('\n')
}

/** ✓, ✗ or –, as the tables show it. */
export function metSign(met: boolean | null): string {
  return met === null ? '–' : met ? '✓' : '✗'
}

function constraintLines(constraints: Constraint[]): string[] {
  return markdownTable(
    ['', 'demand', 'limit', 'measured'],
    constraints.map(({ name, limit, measured, met }) => [metSign(met), name, limit, measured]),
  )
}

/** What an epoch is judged by: the accuracy, or the order where scores are nothing else. */
export function qualityOf({ accuracy, validationNdcg10 }: EpochReport, ordersOnly: boolean): string {
  return ordersOnly ? (validationNdcg10?.toFixed(4) ?? '–') : accuracy.toFixed(4)
}

function epochLines({ epochs, keptEpoch, settings }: TrainResult): string[] {
  const ordersOnly = learnsOrderAlone(settings.loss)
  return markdownTable(
    [
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
    epochs.map((epoch) => [
      `${epoch.epoch}`,
      formatCount(epoch.rows),
      formatSeconds(epoch.seconds),
      formatCount(epoch.rowsPerSecond),
      epoch.loss.toFixed(5),
      qualityOf(epoch, ordersOnly),
      epoch.accuracyOn,
      epoch.validationLoss?.toFixed(5) ?? '–',
      epoch.validationAuc?.toFixed(5) ?? '–',
      epoch.epoch === keptEpoch ? 'yes' : '',
    ]),
  )
}

function testLines(result: TrainResult, context: ReportContext): string[] {
  const { test, judged, settings } = result
  if (!test) return ['There is no test set.']
  const ordersOnly = learnsOrderAlone(settings.loss)
  return [
    ...(ordersOnly ? [ORDER_ONLY, ''] : []),
    ...metricLines(test, context, ordersOnly),
    ...(judged?.byGroup ? ['', '### Order by group', '', ...orderLines(judged.byGroup)] : []),
    ...(judged && !ordersOnly ? ['', '### Calibration', '', ...calibrationLines(judged.calibration)] : []),
  ]
}

function metricLines(test: EvaluationMetrics, context: ReportContext, ordersOnly: boolean): string[] {
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
      ['accuracy', shown(test.accuracy), shown(context.bayesAccuracy)],
      ['accuracy of the majority class', shown(test.majorityAccuracy), ''],
      ['log loss', shown(test.logLoss), shown(context.bayesLogLoss)],
      ['normalised entropy', shown(test.normalizedEntropy), ''],
      ['expected calibration error', shown(test.calibrationError), ''],
    )
  return markdownTable(['metric', 'model', 'best possible'], rows)
}

function orderLines(judgement: OrderJudgement): string[] {
  const { head, rows } = orderCells(judgement)
  return [...markdownTable(head, rows), '', `${unitsText(judgement, 'group')}.`]
}

function calibrationLines(bins: CalibrationBin[]): string[] {
  const { head, rows } = calibrationCells(bins)
  return ['Tenths of the rows, by rising prediction.', '', ...markdownTable(head, rows)]
}

function shown(value: number | null): string {
  return value?.toFixed(5) ?? '–'
}

function ledgerLines(ledger: LedgerEpoch[]): string[] {
  const isReplayed = ledger.some(({ files }) => files.some((file) => file.notReplayed !== undefined))
  const replayed = (cell: string) => (isReplayed ? [cell] : [])
  return markdownTable(
    [
      'epoch',
      'files',
      'rows in the files',
      'used',
      'dropped',
      'held out',
      ...replayed('not replayed'),
      'digest',
    ],
    ledger.map((epoch) => [
      `${epoch.epoch}`,
      `${epoch.files.length}`,
      sum(epoch, 'rows'),
      sum(epoch, 'used'),
      sum(epoch, 'dropped'),
      sum(epoch, 'validation', 'heldOut'),
      ...replayed(sum(epoch, 'notReplayed')),
      epoch.digest,
    ]),
  )
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
