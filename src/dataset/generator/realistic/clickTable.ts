import type { DuckDBVector } from '@duckdb/node-api'
import { BIGINT, DOUBLE, INTEGER, TIMESTAMP, TINYINT } from '../../parquet/duckdbApi.ts'
import type { Random } from '../../../random.ts'
import { arrayOf, sqlText, wordsOf } from '../../parquet/duckdb.ts'
import type { ParquetTable } from '../../parquet/parquetWriter.ts'
import type { ClickSums } from '../clicks.ts'
import { flush } from '../tables.ts'
import type { ShownOrder } from '../options.ts'
import type { CeilingMeter } from './ceilings.ts'
import { TERMS, termsInto } from './clickModel.ts'
import { COMPANIONS, DEVICES, SHOWN } from './effects.ts'
import { restaurantId } from './restaurants.ts'
import { drawShownInto, orderByPopularity } from './shownList.ts'
import { userIdDigits } from './users.ts'
import { drawVisitInto, emptyVisit, type Visit } from './visits.ts'
import type { World } from './world.ts'

/** Where a file's requests stand among those of its split. */
export interface ClickFile {
  rows: number
  firstRequest: number
  firstId: number // of request_id
  requests: number // of the whole split
  days: { first: number; count: number }
  shown: ShownOrder
}

const CHUNK_ROWS = 102 * SHOWN // whole requests, at most 2,048 rows

/** Clicks in whole requests, which come in the order of their days. */
export function clickTable(
  file: ClickFile,
  world: World,
  random: Random,
  meter: CeilingMeter | null,
): { table: ParquetTable; sums: ClickSums } {
  const sums: ClickSums = { clicks: 0, bestAccuracy: 0, bestLogLoss: 0 }
  const visit = emptyVisit()
  const shown = new Uint32Array(SHOWN)
  const terms = new Float64Array(TERMS)
  const table: ParquetTable = {
    rows: file.rows,
    chunkRows: CHUNK_ROWS,
    columns: [
      { name: 'request_id', type: BIGINT },
      { name: 'user_id', type: INTEGER, sql: userIdSql(world.users.towns.length) },
      { name: 'restaurant_id', type: BIGINT },
      { name: 'time', type: TIMESTAMP },
      { name: 'device', type: TINYINT, sql: choiceSql('device', DEVICES) },
      { name: 'companion', type: TINYINT, sql: choiceSql('companion', COMPANIONS) },
      { name: 'position', type: TINYINT },
      { name: 'latitude', type: DOUBLE },
      { name: 'longitude', type: DOUBLE },
      { name: 'click', type: TINYINT },
    ],
    fillInto(vectors, start, count) {
      const columns = columnsOf(vectors)
      for (let at = 0; at < count; at += SHOWN) {
        const end = Math.min(at + SHOWN, count) // the last request may be cut off
        const request = (start + at) / SHOWN
        const day = Math.floor(((file.firstRequest + request) / file.requests) * file.days.count)
        drawVisitInto(visit, world, random, file.days.first + day)
        drawShownInto(shown, visit, world, random)
        if (file.shown === 'popular') orderByPopularity(shown, world, random)
        fillVisitInto(columns, at, end, visit, BigInt(file.firstId + request))
        for (let position = 0; position < end - at; position++) {
          const restaurant = shown[position]
          const logit = termsInto(terms, world, visit, restaurant, position)
          const click = random.float() * (1 + Math.exp(-logit)) < 1 ? 1 : 0
          columns.restaurants[2 * (at + position)] = restaurantId(restaurant)
          columns.restaurants[2 * (at + position) + 1] = 0
          columns.positions[at + position] = position + 1
          columns.clicks[at + position] = click
          sums.clicks += click
          meter?.add(terms, logit, restaurant, click)
        }
        meter?.endRequest()
      }
      flush(vectors)
    },
  }
  return { table, sums }
}

/** The columns of a chunk; restaurants are 64-bit integers as pairs of words. */
function columnsOf(vectors: DuckDBVector[]) {
  return {
    requests: arrayOf(vectors[0]) as BigInt64Array,
    users: arrayOf(vectors[1]) as Int32Array,
    restaurants: wordsOf(vectors[2]),
    times: arrayOf(vectors[3]) as BigInt64Array,
    devices: arrayOf(vectors[4]) as Int8Array,
    companions: arrayOf(vectors[5]) as Int8Array,
    positions: arrayOf(vectors[6]) as Int8Array,
    latitudes: arrayOf(vectors[7]) as Float64Array,
    longitudes: arrayOf(vectors[8]) as Float64Array,
    clicks: arrayOf(vectors[9]) as Int8Array,
  }
}

/** What the rows of a request have in common, into rows `start` … `end` − 1. */
function fillVisitInto(
  columns: ReturnType<typeof columnsOf>,
  start: number,
  end: number,
  visit: Visit,
  request: bigint,
): void {
  columns.requests.fill(request, start, end)
  columns.users.fill(visit.user, start, end)
  columns.times.fill(visit.timeUs, start, end)
  columns.devices.fill(visit.device, start, end)
  columns.companions.fill(visit.companion, start, end)
  columns.latitudes.fill(visit.latitude, start, end)
  columns.longitudes.fill(visit.longitude, start, end)
}

/** Choice number k of a list, in SQL. */
function choiceSql(column: string, choices: readonly (string | null)[]): string {
  const texts = choices.map((choice) => (choice === null ? 'NULL' : sqlText(choice)))
  return `[${texts.join(', ')}][${column} + 1]`
}

function userIdSql(users: number): string {
  return `'u' || lpad(user_id::VARCHAR, ${userIdDigits(users)}, '0')`
}
