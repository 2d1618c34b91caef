import type { FeatureSpec, PairFeature } from '../../features/featureSpec.ts'
import { embeddingsOf, FIRST_CODE, numbersOf } from '../../features/rowShape.ts'
import { scaleOf } from '../../features/scaledNumber.ts'
import { keepWithin } from '../../geo/greatCircle.ts'
import { tensorData } from '../../model/inputWriter.ts'
import { embeddingTensor, type StateDict } from '../../model/network.ts'
import type { FeaturePlace } from './featurePlaces.ts'
import type { ExplainedRequest, ExplainedTables, RowTable } from './types.ts'

const SAMPLE_MAX = 2048 // rows of an average
const CHUNK_ROWS = 4096
const NEAREST_MIN = 64
const REACH_MIN_M = 100
const FARTHEST_M = 21_000_000 // more than half the way round the earth

/** A row of an average; how far a restaurant is from the user, else NaN. */
export interface SampledRow {
  row: number
  distanceM: number
}

/** Rows spread over a table, at most 2,048. */
export function sampleRows({ rows, width, count }: RowTable): SampledRow[] {
  const stride = strideFor(count)
  const sample: SampledRow[] = []
  for (let row = 0; row < count; row += stride)
    if (!Number.isNaN(rows[row * width])) sample.push({ row, distanceM: Number.NaN })
  return sample
}

/** The same of the restaurants within reach; of at least the 64 nearest, so that none is its own average. */
export function sampleNear(request: ExplainedRequest, tables: ExplainedTables): SampledRow[] {
  let maxDistM = request.maxDistM
  let near = rowsWithin(request, maxDistM, tables)
  while (near.length < NEAREST_MIN && maxDistM < FARTHEST_M) {
    maxDistM = Math.max(2 * maxDistM, REACH_MIN_M)
    near = rowsWithin(request, maxDistM, tables)
  }
  if (maxDistM > request.maxDistM)
    near = near.toSorted((a, b) => a.distanceM - b.distanceM).slice(0, NEAREST_MIN)
  const stride = strideFor(near.length)
  return near.filter((_, i) => i % stride === 0)
}

function rowsWithin(
  { latitude, longitude }: ExplainedRequest,
  maxDistM: number,
  { restaurants, vectors }: ExplainedTables,
): SampledRow[] {
  const rows = new Uint32Array(CHUNK_ROWS)
  const distancesM = new Float64Array(CHUNK_ROWS)
  const near: SampledRow[] = []
  for (let start = 0; start < restaurants.count; start += CHUNK_ROWS) {
    const length = Math.min(CHUNK_ROWS, restaurants.count - start)
    for (let i = 0; i < length; i++) rows[i] = start + i
    const kept = keepWithin(rows, distancesM, rows, length, vectors, { latitude, longitude, maxDistM })
    for (let i = 0; i < kept; i++) near.push({ row: rows[i], distanceM: distancesM[i] })
  }
  return near
}

/** A power of two: as a table grows, the same rows stay in the sample until it is twice as long. */
function strideFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count / SAMPLE_MAX)))
}

/**
 * Writes the mean of `columns` over `sample` to `x`; without any row they stay as they are. `write`: puts the
 * inputs of a row there.
 */
export function meanInto(
  x: Float64Array,
  columns: readonly number[],
  sample: readonly SampledRow[],
  write: (scratch: Float64Array, row: SampledRow) => void,
): void {
  if (sample.length === 0) return
  const scratch = new Float64Array(x.length)
  const sums = new Float64Array(columns.length)
  for (const row of sample) {
    write(scratch, row)
    for (const [i, column] of columns.entries()) sums[i] += scratch[column]
  }
  for (const [i, column] of columns.entries()) x[column] = sums[i] / sample.length
}

/**
 * The average context, by the inputs that have one: of a number the mean that takes the place of missing
 * ones, of an embedding the mean of all its values, each counted once.
 */
export function contextMeans(
  places: readonly FeaturePlace[],
  weights: StateDict,
): { column: number; mean: number }[] {
  return places.flatMap(({ source, feature, columns }) => {
    if (source !== 'context') return []
    const numbers = meanNumbers(feature)
    const embeddings = embeddingsOf(feature).flatMap(({ name, dim }) => {
      if (dim === 0) return [] // there is no table: only pairs use the codes
      const table = tensorData(weights, embeddingTensor({ name: `context.${name}` }))
      return Array.from({ length: dim }, (_, k) => meanOfValues(table, dim, k))
    })
    const own = columns.slice(numbersOf(feature))
    return [
      ...numbers.map((mean, i) => ({ column: columns[i], mean })),
      ...embeddings.map((mean, k) => ({ column: own[k], mean })),
    ]
  })
}

/** The numbers of a feature at its mean, none missing; empty: nothing tells a mean. */
function meanNumbers(feature: FeatureSpec | PairFeature): number[] {
  if (!('missing' in feature) || feature.missing === undefined || numbersOf(feature) === 0) return []
  const { missing } = feature
  const means = 'values' in missing ? missing.values : [missing.value]
  const scaled = (feature.kind === 'number' && scaleOf(feature)) || ((mean: number) => mean)
  return [...means.map(scaled), ...(missing.flag ? [0] : [])]
}

/** The mean of number `k` of the embedding rows that belong to values; of all rows if there is none. */
function meanOfValues(table: Float32Array, dim: number, k: number): number {
  const first = table.length > FIRST_CODE * dim ? FIRST_CODE * dim : 0
  let sum = 0
  for (let at = first + k; at < table.length; at += dim) sum += table[at]
  return (sum * dim) / (table.length - first)
}
