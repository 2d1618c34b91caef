import type { DuckDBVector } from '@duckdb/node-api'
import { BIGINT, DOUBLE, FLOAT } from '../parquet/duckdbApi.ts'
import { Random } from '../../random.ts'
import { arrayOf } from '../parquet/duckdb.ts'
import { CLUSTERS, RESTAURANT_FEATURES, SCORE_FEATURES, USER_FEATURES } from './plan.ts'
import type { ParquetTable } from '../parquet/parquetWriter.ts'

/** Greater Bangkok. */
const LATITUDES = [13.581327544528989, 14.171447685944495]
const LONGITUDES = [100.30471258549801, 100.85824174657563]
const CENTRE_SPREAD = 2
const ROW_SPREAD = 0.1

/** Names of the features of either table. */
export function featureNames(count: number): string[] {
  return Array.from({ length: count }, (_, k) => `f${String(k).padStart(2, '0')}`)
}

/**
 * A feature table: rows scattered around 10 centres, and for restaurants a place. The features that decide
 * clicks are left in `scoring` too, [rows, 10], as they stand in the file.
 */
export function featureTable(
  stage: 'users' | 'restaurants',
  rows: number,
  random: Random,
  scoring: Float32Array,
): ParquetTable {
  const features = stage === 'users' ? USER_FEATURES : RESTAURANT_FEATURES
  const centres = Float64Array.from({ length: CLUSTERS * features }, () => CENTRE_SPREAD * random.normal())
  const places = stage === 'users' ? [] : ['latitude', 'longitude']
  return {
    rows,
    columns: [
      { name: stage === 'users' ? 'user_id' : 'restaurant_id', type: BIGINT },
      ...featureNames(features).map((name) => ({ name, type: FLOAT })),
      ...places.map((name) => ({ name, type: DOUBLE })),
    ],
    fillInto(vectors, start, count) {
      const ids = arrayOf(vectors[0]) as BigInt64Array
      const values = vectors.slice(1, 1 + features).map((vector) => arrayOf(vector) as Float32Array)
      for (let i = 0; i < count; i++) {
        ids[i] = BigInt(start + i)
        const centre = random.below(CLUSTERS) * features
        for (let k = 0; k < features; k++) {
          const value = Math.fround(centres[centre + k] + ROW_SPREAD * random.normal())
          values[k][i] = value
          if (k < SCORE_FEATURES) scoring[(start + i) * SCORE_FEATURES + k] = value
        }
      }
      if (places.length > 0) {
        fillPlacesInto(random, arrayOf(vectors[1 + features]), arrayOf(vectors[2 + features]), count)
      }
      flush(vectors)
    },
  }
}

/** Uniform in latitude and longitude. */
export function fillPlacesInto(
  random: Random,
  latitudes: ArrayBufferView<ArrayBuffer>,
  longitudes: ArrayBufferView<ArrayBuffer>,
  count: number,
): void {
  const axes = [
    [latitudes as Float64Array, LATITUDES],
    [longitudes as Float64Array, LONGITUDES],
  ] as const
  for (let i = 0; i < count; i++)
    for (const [values, [lowest, highest]] of axes) values[i] = lowest + random.float() * (highest - lowest)
}

export function flush(vectors: DuckDBVector[]): void {
  for (const vector of vectors) vector.flush()
}
