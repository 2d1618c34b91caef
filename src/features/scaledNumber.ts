import type { NumberFeature } from './featureSpec.ts'

/** What a number becomes before anything else: within its bounds, then on its scale. */
export type ScaleNumber = (value: number) => number

/** undefined: it stays as it is. */
export function scaleOf({ clip, scale, knots = [] }: Pick<NumberFeature, 'clip' | 'scale' | 'knots'>) {
  if (clip === undefined && scale === undefined) return undefined
  const [low, high] = clip ?? [-Infinity, Infinity]
  const scaled: ScaleNumber =
    scale === 'log' ? signedLog : scale === 'rank' ? (value) => rankOf(value, knots) : (value) => value
  return (value: number) => scaled(Math.min(high, Math.max(low, value)))
}

/** log(1 + x), of a negative number the same with its sign. */
function signedLog(value: number): number {
  return Math.sign(value) * Math.log1p(Math.abs(value))
}

/**
 * The share of the training rows that are below `value`, by their quantiles: `knots`, ascending, evenly
 * spaced in rank, linear in between. Of equal knots, the middle one.
 */
function rankOf(value: number, knots: readonly number[]): number {
  const last = knots.length - 1
  const [first, end] = [boundOf(knots, (knot) => knot < value), boundOf(knots, (knot) => knot <= value)]
  if (first < end) return (first + end - 1) / 2 / last
  if (first === 0) return 0
  if (first > last) return 1
  const [low, high] = [knots[first - 1], knots[first]]
  return (first - 1 + (value - low) / (high - low)) / last
}

/** How many of the first knots `isBefore` holds for. */
function boundOf(knots: readonly number[], isBefore: (knot: number) => boolean): number {
  let [low, high] = [0, knots.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(knots[middle])) low = middle + 1
    else high = middle
  }
  return low
}
