import type { DeclaredFeature } from './declared.ts'
import type { FeatureSpec, MissingNumber } from './featureSpec.ts'
import { FIRST_CODE } from './rowShape.ts'

/** What a feature is fitted to: of all rows of the training data. */
export interface FeatureStatistics {
  rows: number
  missing: number
  means: readonly number[] // of what is not missing: a number, days, or each number of a vector
  longest: number // list
  quantiles: readonly number[] // of a number whose scale is its rank: QUANTILES, evenly spaced
  counts: readonly ValueCount[] // of each value, most frequent first, ties in the order of the text
}

/** In how many rows a value of a category is. */
export type ValueCount = readonly [value: string, rows: number]

export const QUANTILES = 65
export const VOCABULARY_MAX = 1_000_000
const BIG_ROWS = 100_000
const BIG_MIN_COUNT = 10
const BUCKETS = 65_536
const VALUES_MAX = 16
const CELL_SIZES_M = [500, 2000, 10_000]
const CELL_BUCKETS = 4096
const DIM_MAX = 16
const DIM_STEP = 4 // numbers that the kernels take at a time

/** What a declared feature becomes by the data that it is trained on; the same data gives the same. */
export function fitFeature(declared: DeclaredFeature, statistics: FeatureStatistics): FeatureSpec {
  const { name, kind } = declared
  const { missing, means, longest } = statistics
  const isReplaced = missing > 0 || declared.mayBeMissing === true
  const maxValues = declared.maxValues ?? Math.min(VALUES_MAX, Math.max(1, longest))
  const [mean = 0] = means
  const flagged: MissingNumber = { value: Math.fround(mean), flag: missing > 0 }
  switch (kind) {
    case 'number':
      return {
        name,
        kind,
        ...(declared.clip && { clip: declared.clip }),
        ...(declared.scale && { scale: declared.scale }),
        ...(declared.scale === 'rank' && {
          knots: statistics.quantiles.length > 0 ? statistics.quantiles : [0, 0],
        }),
        ...(isReplaced && { missing: { ...flagged, value: Math.fround(declared.missing ?? mean) } }),
      }
    case 'category':
      return {
        name,
        kind,
        ...(declared.isId && { id: true }),
        ...(declared.isPosition && { position: true }),
        ...vocabulary(declared, statistics),
      }
    case 'categories':
      return { name, kind, ...vocabulary(declared, statistics), maxValues }
    case 'text': {
      const buckets = declared.buckets ?? BUCKETS
      return {
        name,
        kind,
        buckets,
        dim: declared.dim ?? dimFor(buckets),
        maxValues: declared.maxValues ?? VALUES_MAX,
      }
    }
    case 'vector': {
      const values = means.map(Math.fround)
      return {
        name,
        kind,
        length: means.length,
        ...(isReplaced && { missing: { values, flag: missing > 0 } }),
      }
    }
    case 'time':
      return {
        name,
        kind,
        parts: declared.parts ?? ['days', 'hour', 'weekday', 'month'],
        ...(declared.zone !== undefined && { zone: declared.zone }),
        dim: declared.dim ?? DIM_STEP,
        missing: flagged,
      }
    case 'cell':
      return {
        name,
        kind,
        ...(declared.isOwnPlace && { place: true }),
        ...(declared.columns && { columns: declared.columns }),
        sizesM: declared.sizesM ?? CELL_SIZES_M,
        buckets: declared.buckets ?? CELL_BUCKETS,
        dim: declared.dim ?? DIM_STEP,
      }
  }
}

/** In how many rows a value must be to have a code of its own: 10 from 100,000 rows on, else 1. */
export function minCountFor(rows: number): number {
  return rows >= BIG_ROWS ? BIG_MIN_COUNT : 1
}

function vocabulary(
  { minCount, maxSize = VOCABULARY_MAX, dim, buckets }: DeclaredFeature,
  { rows, counts }: FeatureStatistics,
): { values: string[]; buckets?: number; dim: number } {
  if (buckets !== undefined) return { values: [], buckets, dim: dim ?? dimFor(FIRST_CODE + buckets) }
  const least = minCount ?? minCountFor(rows)
  const values = counts.filter(([, count]) => count >= least).map(([value]) => value)
  const kept = values.slice(0, maxSize)
  return { values: kept, dim: dim ?? dimFor(FIRST_CODE + kept.length) }
}

/** The fourth root of the number of codes, up to a multiple of 4, at most 16. */
export function dimFor(codes: number): number {
  return Math.min(DIM_MAX, DIM_STEP * Math.ceil(codes ** 0.25 / DIM_STEP))
}
