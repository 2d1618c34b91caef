import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBListValue,
  DuckDBTimestampValue,
  LIST,
  TIMESTAMP,
  VARCHAR,
} from '@duckdb/node-api'
import type { Random } from '../../../random.ts'
import type { ParquetTable } from '../../parquet/parquetWriter.ts'
import { drawDistinct, drawLimits, requestChunkRows } from '../requests.ts'
import { flush } from '../tables.ts'
import { DAYS } from './calendar.ts'
import { COMPANIONS, DEVICES } from './effects.ts'
import { restaurantId } from './restaurants.ts'
import { userId } from './users.ts'
import { drawVisitInto, emptyVisit } from './visits.ts'
import type { World } from './world.ts'

/** Requests of the day after the last click, as the load test sends them, and what else is known of each. */
export function requestTable(rows: number, random: Random, world: World, candidates: number): ParquetTable {
  // shuffled from its start, again and again
  const restaurants = Uint32Array.from(world.restaurants.towns, (_, row) => restaurantId(row))
  const users = world.users.towns.length
  const day = DAYS.test.first + DAYS.test.count
  const visit = emptyVisit()
  return {
    rows,
    ...requestChunkRows(candidates),
    columns: [
      { name: 'user_id', type: VARCHAR },
      { name: 'latitude', type: DOUBLE },
      { name: 'longitude', type: DOUBLE },
      { name: 'candidate_restaurant_ids', type: LIST(BIGINT) },
      { name: 'size', type: BIGINT },
      { name: 'max_dist', type: BIGINT },
      { name: 'sort_dist', type: BOOLEAN },
      { name: 'time', type: TIMESTAMP },
      { name: 'device', type: VARCHAR },
      { name: 'companion', type: VARCHAR },
    ],
    fillInto(vectors, _start, count) {
      const [userIds, latitudes, longitudes, lists, sizes, distances, sorted, times, devices, companions] =
        vectors
      for (let i = 0; i < count; i++) {
        drawVisitInto(visit, world, random, day)
        userIds.setItem(i, userId(visit.user, users))
        latitudes.setItem(i, visit.latitude)
        longitudes.setItem(i, visit.longitude)
        lists.setItem(i, new DuckDBListValue(drawDistinct(restaurants, candidates, random)))
        const { size, maxDist, sortDist } = drawLimits(random)
        sizes.setItem(i, size)
        distances.setItem(i, maxDist)
        sorted.setItem(i, sortDist)
        times.setItem(i, new DuckDBTimestampValue(visit.timeUs))
        devices.setItem(i, DEVICES[visit.device])
        companions.setItem(i, COMPANIONS[visit.companion])
      }
      flush(vectors)
    },
  }
}
