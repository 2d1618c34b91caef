import type { DuckDBValue, DuckDBVector } from '@duckdb/node-api'
import { BIGINT, BOOLEAN, DOUBLE, DuckDBListValue, LIST } from '../parquet/duckdbApi.ts'
import type { Random } from '../../random.ts'
import { arrayOf } from '../parquet/duckdb.ts'
import { fillPlacesInto, flush } from './tables.ts'
import type { ParquetTable } from '../parquet/parquetWriter.ts'

const CHUNK_VALUES = 131_072 // candidates held as bigints at a time

/** The columns of requests after `user_id`. */
export const REQUEST_COLUMNS: ParquetTable['columns'] = [
  { name: 'latitude', type: DOUBLE },
  { name: 'longitude', type: DOUBLE },
  { name: 'candidate_restaurant_ids', type: LIST(BIGINT) },
  { name: 'size', type: BIGINT },
  { name: 'max_dist', type: BIGINT },
  { name: 'sort_dist', type: BOOLEAN },
]

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
  return {
    rows,
    ...requestChunkRows(candidates),
    columns: [{ name: 'user_id', type: BIGINT }, ...REQUEST_COLUMNS],
    fillInto(vectors, _start, count) {
      const [, latitudes, longitudes] = vectors
      fillRequestsInto(vectors, count, {
        random,
        restaurantIds,
        candidates,
        drawUser: () => BigInt(random.below(users)),
      })
      fillPlacesInto(random, arrayOf(latitudes), arrayOf(longitudes), count)
      flush(vectors)
    },
  }
}

/** Fills the first `count` rows but for places: who asks, which candidates, and what for. */
export function fillRequestsInto(
  vectors: DuckDBVector[],
  count: number,
  options: {
    random: Random
    restaurantIds: Uint32Array // left in another order
    candidates: number
    drawUser: (row: number) => DuckDBValue // of `user_id`
  },
): void {
  const { random, restaurantIds, candidates, drawUser } = options
  const [userIds, , , lists, sizes, distances, sorted] = vectors
  for (let i = 0; i < count; i++) {
    userIds.setItem(i, drawUser(i))
    lists.setItem(i, new DuckDBListValue(drawDistinct(restaurantIds, candidates, random)))
    const { size, maxDist, sortDist } = drawLimits(random)
    sizes.setItem(i, size)
    distances.setItem(i, maxDist)
    sorted.setItem(i, sortDist)
  }
}

/** Chunks and row groups of requests with so many candidates. */
export function requestChunkRows(candidates: number): { chunkRows: number; rowGroupRows: number } {
  const chunkRows = Math.max(1, Math.min(2048, Math.floor(CHUNK_VALUES / candidates)))
  return { chunkRows, rowGroupRows: 16 * chunkRows } // 16 MB of candidates
}

/** What a request asks for. */
function drawLimits(random: Random): { size: bigint; maxDist: bigint; sortDist: boolean } {
  const size = BigInt(100 * (1 + random.below(10)))
  const maxDist = BigInt(1000 * (5 + random.below(6)))
  return { size, maxDist, sortDist: random.below(2) === 1 }
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
