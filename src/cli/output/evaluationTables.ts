import { formatCount, formatSeconds } from '../../format.ts'
import type { OrderJudgement } from '../../metrics/orderSums.ts'
import type { EvaluationReport } from '../../training/evaluate.ts'
import {
  calibrationCells,
  type Cells,
  intervalText,
  leadText,
  ORDER_ONLY,
  orderCells,
  unitsText,
} from '../../training/report/judgementTables.ts'
import type { JudgedSlice } from '../../training/judgement/sliceJudge.ts'
import { renderTable } from './table.ts'

export const EVALUATION_KEYS = [
  'rows',
  'accuracy',
  'auc',
  'logLoss',
  'normalizedEntropy',
  'calibrationError',
  'ndcg10',
  'clickRate',
  'majorityAccuracy',
  'bayesAccuracy',
  'bayesLogLoss',
  'scores',
  'byGroup',
  'byUser',
  'calibration',
  'curves',
  'slices',
  'seconds',
] as const satisfies (keyof EvaluationReport)[]

const VALUE_CHARS_MAX = 24

/** What a person sees of an evaluation: metrics of all rows, of their order, and the calibration. */
export function renderEvaluation(report: EvaluationReport): string {
  const { scores, byGroup, byUser, calibration, slices } = report
  const ordersOnly = scores === 'order'
  return [
    renderMetrics(report, ordersOnly),
    ...(ordersOnly ? [ORDER_ONLY] : []),
    ...(byGroup ? [renderOrders(byGroup, 'group')] : []),
    ...(byUser ? [renderOrders(byUser, 'user')] : []),
    ...(ordersOnly ? [] : [renderCalibration(calibrationCells(calibration))]),
    ...Array.from(new Set(slices.map(({ slice }) => slice)), (name) =>
      renderSlice(
        name,
        slices.filter(({ slice }) => slice === name),
        ordersOnly,
      ),
    ),
  ].join('\n\n')
}

function renderMetrics(report: EvaluationReport, ordersOnly: boolean): string {
  const rows = [
    ['AUC', figure(report.auc)],
    ['click rate', figure(report.clickRate)],
    ['rows', formatCount(report.rows)],
    ['time', formatSeconds(report.seconds)],
  ]
  if (!ordersOnly)
    rows.unshift(
      ['accuracy', figure(report.accuracy), figure(report.majorityAccuracy), figure(report.bayesAccuracy)],
      ['log loss', figure(report.logLoss), '', figure(report.bayesLogLoss)],
      ['normalised entropy', figure(report.normalizedEntropy)],
      ['calibration error', figure(report.calibrationError)],
    )
  const head = ordersOnly ? ['', 'model'] : ['', 'model', 'majority class', 'best possible']
  return renderTable(head, rows, ['left', 'right', 'right', 'right'].slice(0, head.length) as 'left'[])
}

function renderOrders(judgement: OrderJudgement, what: 'group' | 'user'): string {
  const { head, rows } = orderCells(judgement)
  const [, ...others] = head
  const table = renderTable([`by ${what}`, ...others], rows, ['left', ...others.map(() => 'right' as const)])
  return [table, unitsText(judgement, what), leadText(judgement)?.replace('. ', '.\n')]
    .filter((line) => line !== undefined)
    .join('\n')
}

function renderCalibration({ head, rows }: Cells): string {
  const table = renderTable(
    head,
    rows,
    head.map(() => 'right'),
  )
  return `Calibration: tenths of the rows, by rising prediction\n${table}`
}

function renderSlice(name: string, values: JudgedSlice[], ordersOnly: boolean): string {
  const loss = ordersOnly ? [] : ['log loss']
  const head = [name, 'rows', 'click rate', 'AUC', ...loss, 'GAUC', 'NDCG@10', '95 % interval']
  const rows = values.map(({ is, value, byGroup, ...own }) => {
    const { ndcg10 = null, gauc = null } = byGroup?.rankings.model ?? {}
    return [
      value === null ? `(${is})` : Array.from(value).slice(0, VALUE_CHARS_MAX).join(''),
      formatCount(own.rows),
      figure(own.clickRate),
      figure(own.auc),
      ...loss.map(() => figure(own.logLoss)),
      figure(gauc?.value ?? null),
      figure(ndcg10?.value ?? null),
      intervalText(ndcg10),
    ]
  })
  const numbers = head.slice(1).map(() => 'right' as const)
  return renderTable(head, rows, ['left', ...numbers])
}

function figure(value: number | null): string {
  return value?.toFixed(5) ?? '–'
}
