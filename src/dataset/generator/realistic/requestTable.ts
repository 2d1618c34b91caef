import { DuckDBTimestampValue, TIMESTAMP, VARCHAR } from '../../parquet/duckdbApi.ts'
import type { Random } from '../../../random.ts'
import type { ParquetTable } from '../../parquet/parquetWriter.ts'
import { fillRequestsInto, REQUEST_COLUMNS, requestChunkRows } from '../requests.ts'
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
  const restaurantIds = Uint32Array.from(world.restaurants.towns, (_, row) => restaurantId(row))
  const users = world.users.towns.length
  const day = DAYS.test.first + DAYS.test.count
  const visit = emptyVisit()
  return {
    rows,
    ...requestChunkRows(candidates),
    columns: [
      { name: 'user_id', type: VARCHAR },
      ...REQUEST_COLUMNS,
      { name: 'time', type: TIMESTAMP },
      { name: 'device', type: VARCHAR },
      { name: 'companion', type: VARCHAR },
    ],
    fillInto(vectors, _start, count) {
      const [, latitudes, longitudes, , , , , times, devices, companions] = vectors
      const drawUser = (i: number) => {
        drawVisitInto(visit, world, random, day)
        latitudes.setItem(i, visit.latitude)
        longitudes.setItem(i, visit.longitude)
        times.setItem(i, new DuckDBTimestampValue(visit.timeUs))
        devices.setItem(i, DEVICES[visit.device])
        companions.setItem(i, COMPANIONS[visit.companion])
        return userId(visit.user, users)
      }
      fillRequestsInto(vectors, count, { random, restaurantIds, candidates, drawUser })
      flush(vectors)
    },
  }
}
