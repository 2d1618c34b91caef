import { BIGINT, BOOLEAN, DOUBLE, DuckDBListValue, LIST } from '@duckdb/node-api'
import type { Random } from '../../random.ts'
import { arrayOf } from '../parquet/duckdb.ts'
import { fillPlacesInto, flush } from './tables.ts'
import type { ParquetTable } from '../parquet/parquetWriter.ts'

const CHUNK_VALUES = 131_072 // candidates held as bigints at a time

/** Requests as the load test sends them. */
export function requestTable(
  rows: number,
  random: Random,
  users: number,
  restaurants: number,
  candidates: number,
): ParquetTable {
  // shuffled from its start, again and again
  const restaurantIds = Uint32Array.from({ length: restaurants }, (_, i) => i)
  const chunkRows = Math.max(1, Math.min(2048, Math.floor(CHUNK_VALUES / candidates)))
  return {
    rows,
    chunkRows,
    rowGroupRows: 16 * chunkRows, // 16 MB of candidates
    columns: [
      { name: 'user_id', type: BIGINT },
      { name: 'latitude', type: DOUBLE },
      { name: 'longitude', type: DOUBLE },
      { name: 'candidate_restaurant_ids', type: LIST(BIGINT) },
      { name: 'size', type: BIGINT },
      { name: 'max_dist', type: BIGINT },
      { name: 'sort_dist', type: BOOLEAN },
    ],
    fillInto(vectors, _start, count) {
      const [userIds, latitudes, longitudes, lists, sizes, distances, sorted] = vectors
      for (let i = 0; i < count; i++) {
        userIds.setItem(i, BigInt(random.below(users)))
        lists.setItem(i, new DuckDBListValue(drawDistinct(restaurantIds, candidates, random)))
        sizes.setItem(i, BigInt(100 * (1 + random.below(10))))
        distances.setItem(i, BigInt(1000 * (5 + random.below(6))))
        sorted.setItem(i, random.below(2) === 1)
      }
      fillPlacesInto(random, arrayOf(latitudes), arrayOf(longitudes), count)
      flush(vectors)
    },
  }
}

/** The first steps of a Fisher–Yates shuffle: whatever order `ids` is in, every choice is as likely. */
function drawDistinct(ids: Uint32Array, count: number, random: Random): bigint[] {
  const drawn: bigint[] = []
  for (let i = 0; i < count; i++) {
    const j = i + random.below(ids.length - i)
    const id = ids[j]
    ids[j] = ids[i]
    ids[i] = id
    drawn.push(BigInt(id))
  }
  return drawn
}
