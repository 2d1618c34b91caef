import { type Estimate, estimateOf } from '../../metrics/bootstrap.ts'
import { ORDER_MEASURES } from '../../metrics/orderMeasures.ts'
import { logLossOf, type OrderSums } from '../../metrics/orderSums.ts'
import type { SliceValue } from './sliceColumns.ts'
import type { SliceSums } from './sliceJudge.ts'

export const COMPARED_MEASURES = [...ORDER_MEASURES, 'logLoss'] as const

export type ComparedMeasure = (typeof COMPARED_MEASURES)[number]

/** One measure of two models on the same groups or users. */
export interface MeasureDifference {
  first: number
  other: number
  difference: Estimate // other less first, with the interval of the difference
}

/** A model beside the first one. */
export interface ModelDifference {
  model: string
  first: string
  // null: it cannot be told, such as the log loss of scores that only order
  measures: Record<ComparedMeasure, MeasureDifference | null>
  slices: SliceDifference[]
}

/** The same on the rows with one value of a feature. */
export interface SliceDifference extends SliceValue {
  slice: string
  measures: ModelDifference['measures']
}

/**
 * The differences of two models in sums over the same units. Both are drawn together, so that what the models
 * have in common cancels out.
 */
export function differencesOf(
  first: OrderSums,
  other: OrderSums,
  { withLoss }: { withLoss: boolean },
): ModelDifference['measures'] {
  const totals = [first.buckets.totals(), other.buckets.totals()] as const
  // The same seed and number of units, so the same draws.
  const others = other.buckets.replicates()
  const drawn = first.buckets.replicates().map((sums, i) => [sums, others[i]] as const)
  const statistics = first.statistic('model')
  const differenceIn = (measure: ComparedMeasure): MeasureDifference | null => {
    if (measure === 'logLoss' && !withLoss) return null
    const statistic = measure === 'logLoss' ? logLossOf : statistics(measure)
    const difference = estimateOf(totals, drawn, ([a, b]) => statistic(b) - statistic(a))
    return difference && { first: statistic(totals[0]), other: statistic(totals[1]), difference }
  }
  return Object.fromEntries(
    COMPARED_MEASURES.map((measure) => [measure, differenceIn(measure)]),
  ) as ModelDifference['measures']
}

/** The differences on each value that both models tell from the others by the same rows. */
export function sliceDifferences(
  first: readonly SliceSums[],
  others: readonly SliceSums[],
  options: { withLoss: boolean },
): SliceDifference[] {
  return first.flatMap(({ slice, is, value, sums }) => {
    const other = others.find((one) => one.slice === slice && one.is === is && one.value === value)
    if (!other?.sums.isOfSameRows(sums)) return []
    return [{ slice, is, value, measures: differencesOf(sums, other.sums, options) }]
  })
}

/** Whether the other model is better in a measure; null: the interval holds 0. */
export function isBetter(measure: ComparedMeasure, { difference }: MeasureDifference): boolean | null {
  const { low, high } = difference
  if (low <= 0 && high >= 0) return null
  return measure === 'logLoss' ? high < 0 : low > 0
}
