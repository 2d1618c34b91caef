import { basename, resolve } from 'node:path'
import { NearrankError } from '../errors.ts'
import { shown } from '../shown.ts'
import { type FeatureId, ID_CHARS_MAX, parseId } from '../ids.ts'
import { sqlName, sqlParquet, withDuckDb } from './parquet/duckdb.ts'
import { columnNamed, readParquetFile, unreadable } from './parquet/parquetFile.ts'

/** One row of a requests file. */
export interface RankingRequest {
  userId: FeatureId
  latitude: number // degrees
  longitude: number
  candidateRestaurantIds: FeatureId[]
  size: number
  maxDist: number // metres
  sortDist: boolean
}

export interface ReadRequestsOptions {
  limit?: number // rows, default and at most 100,000
  offset?: number // rows, default 0
}

const LIMIT_MAX = 100_000
const CANDIDATES_MAX = 1_000_000
/** What a request must have, and what the others are when they are missing. */
const WHOLE_DECIMAL = /^DECIMAL\(\d+,0\)(\[\])?$/ // would be read as a rounded number
const REQUIRED = ['user_id', 'latitude', 'longitude', 'candidate_restaurant_ids']
const DEFAULTS: Record<string, string> = { size: '20', max_dist: '5000', sort_dist: 'false' }

/** Rows `offset` … `offset + limit − 1` of a Parquet file of requests. @throws NearrankError INPUT */
export async function readRequests(
  path: string,
  options: ReadRequestsOptions = {},
): Promise<RankingRequest[]> {
  const name = basename(path)
  const offset = options.offset ?? 0
  const limit = Math.min(options.limit ?? LIMIT_MAX, LIMIT_MAX)
  return withDuckDb({}, async (connection) => {
    const file = await readParquetFile(connection, resolve(path), name)
    const columns = REQUIRED.map((column) => {
      const { type } = columnNamed(file, column)
      return sqlName(column) + (WHOLE_DECIMAL.test(type) ? type.replace(WHOLE_DECIMAL, '::HUGEINT$1') : '')
    })
    for (const [column, value] of Object.entries(DEFAULTS)) {
      const given = file.columns.some((candidate) => candidate.name === column)
      columns.push(given ? `coalesce(${sqlName(column)}, ${value})` : value)
    }
    columns[1] += '::DOUBLE'
    columns[2] += '::DOUBLE'
    columns[4] += '::DOUBLE'
    columns[5] += '::DOUBLE'
    columns[6] += '::BOOLEAN'
    const where = `file_row_number >= ${offset} AND file_row_number < ${offset + limit}`
    const sql = `SELECT ${columns.join(', ')} FROM ${sqlParquet(file.path)} WHERE ${where} ORDER BY file_row_number`
    const result = await connection.run(sql).catch((error: unknown) => {
      throw unreadable(name, error)
    })
    const rows = await result.getRowsJS()
    return rows.map((row, i) => toRequest(row, (problem) => wrongRow(name, offset + i, problem)))
  })
}

function toRequest(row: readonly unknown[], wrong: (problem: string) => NearrankError): RankingRequest {
  const [user, latitude, longitude, candidates, size, maxDist, sortDist] = row
  if (!Array.isArray(candidates) || candidates.length > CANDIDATES_MAX)
    throw wrong(`candidate_restaurant_ids must be a list of at most ${CANDIDATES_MAX} ids`)
  if (!isWithin(latitude, 90) || !isWithin(longitude, 180))
    throw wrong(`latitude and longitude must be degrees, found ${String(latitude)}, ${String(longitude)}`)
  if (!Number.isInteger(size) || (size as number) < 1)
    throw wrong(`size must be at least 1, found ${String(size)}`)
  if (!isWithin(maxDist, Number.MAX_VALUE) || maxDist < 0)
    throw wrong(`max_dist must be metres, found ${String(maxDist)}`)
  return {
    userId: toId(user, wrong),
    latitude,
    longitude,
    candidateRestaurantIds: candidates.map((id) => toId(id, wrong)),
    size: size as number,
    maxDist,
    sortDist: sortDist === true,
  }
}

function isWithin(value: unknown, bound: number): value is number {
  return typeof value === 'number' && Math.abs(value) <= bound
}

/** An id of any kind: the file does not tell whose ids they are. */
function toId(value: unknown, wrong: (problem: string) => NearrankError): FeatureId {
  const id =
    typeof value === 'string'
      ? parseId(value, 'string')
      : (parseId(value, 'integer') ?? parseId(value, 'unsigned'))
  if (id !== undefined) return id
  throw wrong(
    `ids must be integers of 64 bits or strings of 1 to ${ID_CHARS_MAX} characters, found ${shown(value)}`,
  )
}

function wrongRow(name: string, row: number, problem: string): NearrankError {
  return new NearrankError('INPUT', `Cannot use ${name}: ${problem}, in row ${row}`)
}
