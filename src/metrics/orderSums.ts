import { BucketSums, type Estimate, estimateOf } from './bootstrap.ts'
import { ORDER_MEASURES, type OrderMeasure, OrderMeasurer } from './orderMeasures.ts'

/** Orders of the same rows, in the order in which tables show them. */
export const RANKINGS = ['model', 'logged', 'popularity', 'nearest', 'random'] as const

export type Ranking = (typeof RANKINGS)[number]

export type OrderEstimates = Record<OrderMeasure, Estimate | null>

/** How good orders of the rows of groups, or of users, are. */
export interface OrderJudgement {
  units: number // groups or users
  withoutClick: number // of them: no order of them is better than another
  onlyClicks: number // the same; counted by NDCG, MRR, MAP and hit rates, not by GAUC
  share: number // of the users whose rows were kept: 1 if all are
  rankings: Partial<Record<Ranking, OrderEstimates>>
  lead: Lead | null // null: there is no other order beside the model's, or no click
}

/**
 * NDCG@10 of the model less that of the best other order. Both have the same draws of groups or users, so the
 * interval is far narrower than theirs, and tells the two apart if it does not hold 0.
 */
export interface Lead extends Estimate {
  over: Ranking
}

/** Rows of groups or users, those of each one after the other. */
export interface UnitRows {
  scores: readonly Float32Array[] // of each ranking
  clicks: Uint8Array
}

// Columns of the sums, before those of the rankings.
const CLICKED = 0 // units with a click
const MIXED_ROWS = 1 // rows of units with clicks and others
const WITHOUT_CLICK = 2
const ONLY_CLICKS = 3
const ROWS = 4
const LOSS = 5 // the log loss of the first ranking's scores, if it is asked for
const FIXED = 6

/** Sums of the order measures of several rankings over groups or users, with bootstrap intervals. */
export class OrderSums {
  readonly rankings: readonly Ranking[]
  readonly buckets: BucketSums
  readonly #measurer = new OrderMeasurer()
  readonly #withLoss: boolean

  /** `withLoss`: sums the log loss of the first ranking, too. */
  constructor(rankings: readonly Ranking[], { withLoss = false }: { withLoss?: boolean } = {}) {
    this.#withLoss = withLoss
    this.rankings = rankings
    this.buckets = new BucketSums(FIXED + rankings.length * ORDER_MEASURES.length)
  }

  /** Adds one unit: rows `start` … `end` − 1. */
  addUnit({ scores, clicks }: UnitRows, start: number, end: number): void {
    const { sums } = this.buckets
    const at = this.buckets.nextUnit()
    let clicked = 0
    for (let row = start; row < end; row++) clicked += clicks[row]
    sums[at + ROWS] += end - start
    if (this.#withLoss) sums[at + LOSS] += lossOf(scores[0], clicks, start, end)
    if (clicked === 0) {
      sums[at + WITHOUT_CLICK]++
      return
    }
    sums[at + CLICKED]++
    if (clicked === end - start) sums[at + ONLY_CLICKS]++
    else sums[at + MIXED_ROWS] += end - start
    for (let i = 0; i < scores.length; i++)
      this.#measurer.add(sums, at + columnOf(i, 0), scores[i], { clicks, start, end, clicked })
  }

  /** The means over all units; null if none counts. */
  means(ranking: Ranking): Record<OrderMeasure, number | null> {
    const totals = this.buckets.totals()
    const statistic = this.statistic(ranking)
    const mean = (measure: OrderMeasure) => {
      const value = statistic(measure)(totals)
      return Number.isFinite(value) ? value : null
    }
    return Object.fromEntries(ORDER_MEASURES.map((measure) => [measure, mean(measure)])) as Record<
      OrderMeasure,
      number | null
    >
  }

  /** The mean of a measure, from sums over units. */
  statistic(ranking: Ranking): (measure: OrderMeasure) => (totals: Float64Array) => number {
    const place = this.rankings.indexOf(ranking)
    return (measure) => {
      const column = columnOf(place, ORDER_MEASURES.indexOf(measure))
      const weight = measure === 'gauc' ? MIXED_ROWS : CLICKED
      return (totals) => totals[column] / totals[weight]
    }
  }

  /** Whether both were made of units with the same numbers of rows and clicks. */
  isOfSameRows(other: OrderSums): boolean {
    const { buckets } = this
    if (buckets.units !== other.buckets.units) return false
    for (let at = 0; at < buckets.sums.length; at++) {
      const column = at % buckets.width
      if (column < FIXED && column !== LOSS && buckets.sums[at] !== other.buckets.sums[at]) return false
    }
    return true
  }

  /** Cost: 0.1 s for five rankings. */
  judgement(share = 1): OrderJudgement {
    const totals = this.buckets.totals()
    const replicates = this.buckets.replicates()
    const estimates = (ranking: Ranking) => {
      const statistic = this.statistic(ranking)
      return Object.fromEntries(
        ORDER_MEASURES.map((measure) => [measure, estimateOf(totals, replicates, statistic(measure))]),
      ) as OrderEstimates
    }
    const all = Object.fromEntries(this.rankings.map((ranking) => [ranking, estimates(ranking)]))
    return {
      units: this.buckets.units,
      withoutClick: totals[WITHOUT_CLICK],
      onlyClicks: totals[ONLY_CLICKS],
      share,
      rankings: all,
      lead: this.#lead(all, totals, replicates),
    }
  }

  #lead(
    estimates: OrderJudgement['rankings'],
    totals: Float64Array,
    replicates: readonly Float64Array[],
  ): Lead | null {
    if (!estimates.model?.ndcg10) return null
    const value = (ranking: Ranking) => estimates[ranking]?.ndcg10?.value ?? -1
    const over = this.rankings
      .filter((ranking) => ranking !== 'model')
      .reduce<Ranking | null>((best, one) => (best && value(best) >= value(one) ? best : one), null)
    if (over === null) return null
    const [own, other] = [this.statistic('model')('ndcg10'), this.statistic(over)('ndcg10')]
    const difference = estimateOf(totals, replicates, (sums) => own(sums) - other(sums))
    return difference && { over, ...difference }
  }
}

/** The mean log loss of the rows, from sums over units. */
export function logLossOf(totals: Float64Array): number {
  return totals[LOSS] / totals[ROWS]
}

function lossOf(logits: Float32Array, clicks: Uint8Array, start: number, end: number): number {
  let sum = 0
  for (let row = start; row < end; row++) {
    const logit = logits[row]
    sum += Math.max(logit, 0) - clicks[row] * logit + Math.log1p(Math.exp(-Math.abs(logit)))
  }
  return sum
}

function columnOf(ranking: number, measure: number): number {
  return FIXED + ranking * ORDER_MEASURES.length + measure
}
