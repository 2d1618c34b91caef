import { basename, resolve } from 'node:path'
import { NearrankError } from '../errors.ts'
import type { FeatureSpec } from '../features/featureSpec.ts'
import { type RawRow, rowProblem } from '../features/rawRow.ts'
import type { RawValue } from '../features/values.ts'
import { shown } from '../shown.ts'
import { type FeatureId, ID_CHARS_MAX, parseId } from '../ids.ts'
import { ROW_NUMBER, sqlName, withDuckDb } from './parquet/duckdb.ts'
import { columnNamed, type ParquetFile, readParquetFile, unreadable } from './parquet/parquetFile.ts'
import { checkColumns } from './tables/featureColumns.ts'
import { withPlaces } from './tables/placeColumns.ts'
import { type JsonColumn, jsonColumn } from './tables/jsonValues.ts'

/** One row of a requests file. */
export interface RankingRequest {
  userId: FeatureId
  latitude: number // degrees
  longitude: number
  candidateRestaurantIds: FeatureId[] | null // null: every restaurant within reach
  size: number
  maxDist: number // metres
  sortDist: boolean
  context?: RawRow // without what is missing; absent: nothing is told
}

/** A feature that a request may tell in a column of its name. */
export interface ContextFeature extends Pick<FeatureSpec, 'name' | 'kind'> {
  columns?: readonly [latitude: string, longitude: string] // of a place that is in two of them
}

export interface ReadRequestsOptions {
  limit?: number // rows, default and at most 100,000
  offset?: number // rows, default 0
  context?: readonly ContextFeature[] // those without a column are not told; default none
}

const LIMIT_MAX = 100_000
const CANDIDATES_MAX = 1_000_000
/** What a request must have, and what the others are when they are missing. */
const WHOLE_DECIMAL = /^DECIMAL\(\d+,0\)(\[\])?$/ // would be read as a rounded number
const REQUIRED = ['user_id', 'latitude', 'longitude']
const DEFAULTS: Record<string, string> = {
  candidate_restaurant_ids: 'NULL',
  size: '20',
  max_dist: '5000',
  sort_dist: 'false',
}

/**
 * Rows `offset` … `offset + limit − 1` of a Parquet file of requests.
 * @throws NearrankError INPUT naming file, column and row.
 */
export async function readRequests(
  path: string,
  options: ReadRequestsOptions = {},
): Promise<RankingRequest[]> {
  const name = basename(path)
  const offset = options.offset ?? 0
  const limit = Math.min(options.limit ?? LIMIT_MAX, LIMIT_MAX)
  return withDuckDb({}, async (connection) => {
    const file = await readParquetFile(connection, resolve(path), name)
    const own = ownColumns(file)
    const context = contextColumns(file, options.context ?? [])
    const columns = [...own, ...context.map(({ column }) => column.sql)]
    const where = `${ROW_NUMBER} >= ${offset} AND ${ROW_NUMBER} < ${offset + limit}`
    const sql = `SELECT ${columns.join(', ')} FROM ${file.from} WHERE ${where} ORDER BY ${ROW_NUMBER}`
    const result = await connection.run(sql).catch((error: unknown) => {
      throw unreadable(name, error)
    })
    const rows = await result.getRowsJS()
    return rows.map((row, i) => {
      const wrong = (problem: string) => wrongRow(name, offset + i, problem)
      const request = toRequest(row, wrong)
      const told = contextOf(row.slice(own.length) as RawValue[], context, wrong)
      if (told) request.context = told
      return request
    })
  })
}

/** SQL of what every request has, in the order in which `toRequest` takes it. */
function ownColumns(file: ParquetFile): string[] {
  const whole = (column: string) => {
    const { type } = columnNamed(file, column)
    return sqlName(column) + (WHOLE_DECIMAL.test(type) ? type.replace(WHOLE_DECIMAL, '::HUGEINT$1') : '')
  }
  const columns = REQUIRED.map(whole)
  for (const [column, value] of Object.entries(DEFAULTS)) {
    const given = file.columns.some((candidate) => candidate.name === column)
    columns.push(given ? `coalesce(${whole(column)}, ${value})` : value)
  }
  columns[1] += '::DOUBLE'
  columns[2] += '::DOUBLE'
  columns[4] += '::DOUBLE'
  columns[5] += '::DOUBLE'
  columns[6] += '::BOOLEAN'
  return columns
}

export interface ContextColumn {
  name: string
  column: JsonColumn
}

/** The columns that tell something of the context. @throws NearrankError INPUT for one of another type. */
export function contextColumns(read: ParquetFile, features: readonly ContextFeature[]): ContextColumn[] {
  const has = (file: ParquetFile, name: string) => file.columns.some((column) => column.name === name)
  const places = features.filter(({ columns }) => columns?.every((name) => has(read, name)))
  const file = withPlaces(read, places, null)
  const told = features.filter(({ name }) => has(file, name))
  checkColumns(file, told)
  return told.map((feature) => ({
    name: feature.name,
    column: jsonColumn(columnNamed(file, feature.name), feature),
  }))
}

/** What a row tells; undefined: nothing. */
export function contextOf(
  values: readonly RawValue[],
  columns: readonly ContextColumn[],
  wrong: (problem: string) => NearrankError,
): RawRow | undefined {
  const told = columns
    .map(({ name, column }, i) => [name, column.valueOf(values[i])] as const)
    .filter(([, value]) => value !== null)
  if (told.length === 0) return undefined
  const context = Object.fromEntries(told)
  const problem = rowProblem(context, new Set(Object.keys(context)))
  if (problem !== undefined) throw wrong(problem)
  return context
}

function toRequest(row: readonly unknown[], wrong: (problem: string) => NearrankError): RankingRequest {
  const [user, latitude, longitude, candidates, size, maxDist, sortDist] = row
  if (candidates !== null && (!Array.isArray(candidates) || candidates.length > CANDIDATES_MAX)) {
    const found = Array.isArray(candidates) ? `${candidates.length} ids` : shown(candidates)
    throw wrong(`candidate_restaurant_ids must be a list of at most ${CANDIDATES_MAX} ids, found ${found}`)
  }
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
    candidateRestaurantIds: candidates === null ? null : candidates.map((id: unknown) => toId(id, wrong)),
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
