import { mix32, Random } from '../random.ts'

const BUCKETS = 2048
const REPLICATES = 1000
const SEED = 11

/** A mean, and the ends of its 95 % interval. */
export interface Estimate {
  value: number
  low: number
  high: number
}

/**
 * Sums over units (groups or users) from which means and their intervals follow: by bucket, into which units
 * fall at random, so that memory does not grow with their number. Up to 2,048 units each has its own bucket,
 * and drawing buckets is the bootstrap by unit; with more, drawing buckets of them gives the same intervals.
 */
export class BucketSums {
  units = 0
  readonly width: number
  readonly sums: Float64Array // [BUCKETS, width]

  constructor(width: number) {
    this.width = width
    this.sums = new Float64Array(BUCKETS * width)
  }

  /** Where the next unit adds its values to `sums`. */
  nextUnit(): number {
    const unit = this.units++
    return this.width * (unit < BUCKETS ? unit : mix32(unit) & (BUCKETS - 1))
  }

  /** Sums over all units. */
  totals(): Float64Array {
    const totals = new Float64Array(this.width)
    for (let bucket = 0; bucket < this.#used; bucket++) addTimes(totals, this.sums, bucket * this.width, 1)
    return totals
  }

  /** Sums over buckets drawn with replacement (Efron 1979), one row for each replicate; seeded. */
  replicates(): Float64Array[] {
    const used = this.#used
    const random = new Random(SEED, used)
    const counts = new Uint16Array(used)
    return Array.from({ length: used === 0 ? 0 : REPLICATES }, () => {
      counts.fill(0)
      for (let i = 0; i < used; i++) counts[random.below(used)]++
      const totals = new Float64Array(this.width)
      for (let bucket = 0; bucket < used; bucket++)
        if (counts[bucket] > 0) addTimes(totals, this.sums, bucket * this.width, counts[bucket])
      return totals
    })
  }

  get #used(): number {
    return Math.min(this.units, BUCKETS)
  }
}

function addTimes(totals: Float64Array, sums: Float64Array, at: number, times: number): void {
  for (let i = 0; i < totals.length; i++) totals[i] += times * sums[at + i]
}

/**
 * A statistic of sums, with the 2.5th and 97.5th percentile of what replicates make of it; null if it is not
 * finite for the sums themselves. Replicates for which it is not are left out.
 */
export function estimateOf<T>(
  totals: T,
  replicates: readonly T[],
  statistic: (sums: T) => number,
): Estimate | null {
  const value = statistic(totals)
  if (!Number.isFinite(value)) return null
  const drawn = Float64Array.from(replicates, statistic).filter(Number.isFinite).toSorted()
  if (drawn.length === 0) return { value, low: value, high: value }
  const at = (share: number) => drawn[Math.round(share * (drawn.length - 1))]
  return { value, low: at(0.025), high: at(0.975) }
}
