import { formatCount, formatPercent } from '../../format.ts'
import type { Estimate } from '../../metrics/bootstrap.ts'
import type { CalibrationBin } from '../../metrics/calibrationCurve.ts'
import { ORDER_MEASURES, type OrderMeasure } from '../../metrics/orderMeasures.ts'
import { type OrderJudgement, type Ranking, RANKINGS } from '../../metrics/orderSums.ts'

/** What a table shows: the cells of its head, and of its rows. */
export interface Cells {
  head: string[]
  rows: string[][]
}

/** Of a model whose loss learned nothing but the order. */
export const ORDER_ONLY =
  'The scores of this model only order: they are no probabilities, so accuracy, log loss and calibration are left out.'

export const MEASURE_NAMES: Record<OrderMeasure | 'logLoss', string> = {
  ndcg5: 'NDCG@5',
  ndcg10: 'NDCG@10',
  mrr: 'MRR',
  map10: 'MAP@10',
  hitRate1: 'hit rate @1',
  hitRate5: 'hit rate @5',
  hitRate10: 'hit rate @10',
  gauc: 'GAUC',
  logLoss: 'log loss',
}

export const RANKING_NAMES: Record<Ranking, string> = {
  model: 'model',
  logged: 'as logged',
  popularity: 'popular',
  nearest: 'nearest',
  random: 'random',
}

/** The order measures of the model, with their intervals, beside those of other orders. */
export function orderCells({ rankings }: OrderJudgement): Cells {
  const shown = RANKINGS.filter((ranking) => rankings[ranking])
  return {
    head: ['', 'model', '95 % interval', ...shown.slice(1).map((ranking) => RANKING_NAMES[ranking])],
    rows: ORDER_MEASURES.map((measure) => {
      const own = rankings.model?.[measure] ?? null
      const others = shown.slice(1).map((ranking) => figure(rankings[ranking]?.[measure] ?? null))
      return [MEASURE_NAMES[measure], figure(own), intervalText(own)].concat(others)
    }),
  }
}

/** `12,500 groups, of which 1,480 without a click and 3 with nothing else are left out` */
export function unitsText(judgement: OrderJudgement, what: 'group' | 'user'): string {
  const { units, withoutClick, onlyClicks, share } = judgement
  const some = share < 1 ? ` (${formatPercent(share)} of the users)` : ''
  const all = `${formatCount(units)} ${what}${units === 1 ? '' : 's'}${some}`
  if (withoutClick + onlyClicks === 0) return all
  return `${all}; ${formatCount(withoutClick)} without a click ${withoutClick === 1 ? 'is' : 'are'} left out, of GAUC also ${formatCount(onlyClicks)} with nothing else`
}

/** Whether the model's order is better than every simple one, and by how much; undefined: there is none. */
export function leadText(judgement: OrderJudgement): string | undefined {
  const { lead } = judgement
  if (!lead) return undefined
  const { over, value, low, high } = lead
  const best = `the best simple order, ${SENTENCE_NAMES[over]}`
  const figures = `Its NDCG@10 differs by ${signed(value)}, 95 % interval ${signed(low)} to ${signed(high)}`
  if (isOfFew(judgement))
    return `Whether the model is better than ${best}, cannot be told. ${figures}, of fewer than ${UNITS_MIN} that have clicks and other rows.`
  if (low <= 0 && high >= 0)
    return `Whether the model is better than ${best}, cannot be told. ${figures}, which holds 0.`
  return `The model is ${low > 0 ? 'better' : 'worse'} than ${best}. ${figures}, which does not hold 0.`
}

/** Whether the draws are of so few groups or users that they may all be alike. */
export function isOfFew({ units, withoutClick, onlyClicks }: OrderJudgement): boolean {
  return units - withoutClick - onlyClicks < UNITS_MIN
}

const UNITS_MIN = 20

const SENTENCE_NAMES: Record<Ranking, string> = {
  model: 'the model',
  logged: 'the order as logged',
  popularity: 'the most popular first',
  nearest: 'the nearest first',
  random: 'a random order',
}

/** Tenths of the rows by their predictions: what was predicted, and what came. */
export function calibrationCells(bins: readonly CalibrationBin[]): Cells {
  return {
    head: ['rows', 'mean prediction', 'click rate', '95 % interval', 'difference'],
    rows: bins.map(({ rows, prediction, clickRate, low, high }) => [
      formatCount(rows),
      prediction.toFixed(5),
      clickRate.toFixed(5),
      intervalText({ low, high }),
      signed(prediction - clickRate),
    ]),
  }
}

/** `0.41021 to 0.41502` */
export function intervalText(estimate: Pick<Estimate, 'low' | 'high'> | null): string {
  return estimate ? `${estimate.low.toFixed(5)} to ${estimate.high.toFixed(5)}` : '–'
}

/** `+0.00123`, `−0.00123` */
export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(5)}`
}

function figure(estimate: Estimate | null): string {
  return estimate?.value.toFixed(5) ?? '–'
}
