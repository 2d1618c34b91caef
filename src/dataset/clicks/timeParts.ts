import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import type { TimePart } from '../parts.ts'
import { ROW_NUMBER, sqlName } from '../parquet/duckdb.ts'
import { columnNamed, type ParquetColumn, type ParquetFile, unreadable } from '../parquet/parquetFile.ts'
import { valueTypeOf } from '../tables/valueTypes.ts'

/** Which part of the files to take. */
export interface PartPlan {
  part: TimePart
  others: readonly TimePart[] // that the same files must have rows of, too
  onMissing: 'fail' | 'drop'
}

const DAY_MS = 86_400_000
const DATE_MS_MAX = 8.64e15
/**
 * What integers may count since 1970: that which makes all values of a file times from 2001 to 2286. No two
 * of them do.
 */
const INTEGER_UNITS = [
  { in2001: 1e9, perMs: 1e-3 },
  { in2001: 1e12, perMs: 1 },
  { in2001: 1e15, perMs: 1e3 },
  { in2001: 1e18, perMs: 1e6 },
]

/** The times in a file. */
interface FileTimes {
  column: ParquetColumn
  perMs: number // units of the column, if they are integers
  count: number // rows with one
  firstMs: number // since 1970; NaN: there is none
  lastMs: number
  firstNull: number // row; −1: none is null
}

/**
 * The same files, of each the rows of one part. Rows without a time are in no part, and count as left out of
 * the earliest one. Cost: two passes over the column.
 * @throws NearrankError INPUT if a column holds no times, or a null that may not be left out, or if there are
 * no rows of a part.
 */
export async function timeParts(
  connection: DuckDBConnection,
  files: readonly ParquetFile[],
  { part, others, onMissing }: PartPlan,
): Promise<ParquetFile[]> {
  const isEarliest = part.fromMs === null
  const parts: ParquetFile[] = []
  const times: FileTimes[] = []
  for (const file of files) {
    const own = await timesIn(connection, file, part.column)
    if (isEarliest && onMissing === 'fail' && own.firstNull >= 0)
      throw new NearrankError(
        'INPUT',
        `Cannot use ${file.name}: column ${part.column} must hold a time in every row, row ${own.firstNull} holds null; leave such clicks out with onMissing 'drop' (--on-missing drop)`,
      )
    const sql = partSql(own, part)
    const [rows] = await oneRow(connection, file, ['count(*)'], sql)
    const withoutTime = isEarliest ? file.rows - own.count : 0
    parts.push({ ...file, part: { sql, rows: Number(rows), withoutTime } })
    times.push(own)
  }
  checkRows(parts, times, { part, others })
  return parts
}

/** @throws NearrankError INPUT if there are no rows of the part, or surely none of another one. */
function checkRows(
  parts: readonly ParquetFile[],
  times: readonly FileTimes[],
  { part, others }: Pick<PartPlan, 'part' | 'others'>,
): void {
  const rows = parts.reduce((sum, file) => sum + file.part!.rows, 0)
  const known = times.filter(({ count }) => count > 0)
  const firstMs = known.reduce((first, time) => Math.min(first, time.firstMs), Number.POSITIVE_INFINITY)
  const lastMs = known.reduce((last, time) => Math.max(last, time.lastMs), Number.NEGATIVE_INFINITY)
  const empty = rows === 0 ? part : others.find(({ fromMs }) => fromMs !== null && fromMs > lastMs)
  if (!empty) return
  const files = parts.length === 1 ? parts[0].name : `${parts.length} files, ${parts[0].name} and others,`
  const found = known.length > 0 ? `goes from ${isoText(firstMs)} to ${isoText(lastMs)}` : 'holds no times'
  throw new NearrankError(
    'INPUT',
    `Cannot split the clicks in ${files} by ${part.column}: no row is ${rangeText(empty)}; ${part.column} ${found}. Choose other times (--validation-after, --test-after)`,
  )
}

async function timesIn(connection: DuckDBConnection, file: ParquetFile, name: string): Promise<FileTimes> {
  const column = columnNamed(file, name)
  const type = valueTypeOf(column)
  if (type !== 'date' && type !== 'time' && type !== 'integer')
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: column ${name} must hold times (dates, timestamps, or integers since 1970), found ${column.type}`,
    )
  const ends = [`min(${sqlName(name)})`, `max(${sqlName(name)})`]
  const isInteger = type === 'integer'
  const found = await oneRow(connection, file, [
    `count(${sqlName(name)})`,
    `coalesce(min(${ROW_NUMBER}) FILTER (${sqlName(name)} IS NULL), -1)`,
    ...ends.map((end) => (isInteger ? `(${end})::DOUBLE` : `epoch_ms(${end})::DOUBLE`)),
  ])
  const [count, firstNull, first, last] = found.map((value) => Number(value ?? Number.NaN))
  if (!isInteger || count === 0) return { column, perMs: 1, count, firstMs: first, lastMs: last, firstNull }
  const unit = INTEGER_UNITS.find(({ in2001 }) => first >= in2001 && last < 10 * in2001)
  if (!unit)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: integers in column ${name} must be times from 2001 to 2286 in seconds since 1970, or in milliseconds, microseconds or nanoseconds, found values from ${first} to ${last}; write the column as a timestamp`,
    )
  const { perMs } = unit
  return { column, perMs, count, firstMs: first / perMs, lastMs: last / perMs, firstNull }
}

/** True for a row of the part. Compares the column as it is, so that DuckDB skips row groups. */
function partSql({ column, perMs }: FileTimes, { fromMs, toMs }: TimePart): string {
  const name = sqlName(column.name)
  const cut = (ms: number) => cutSql(column, perMs, ms)
  return [
    ...(fromMs === null ? [] : [`${name} >= ${cut(fromMs)}`]),
    ...(toMs === null ? [] : [`${name} < ${cut(toMs)}`]),
  ].join(' AND ')
}

/** The first value of a column that is not before a time. */
function cutSql({ type }: ParquetColumn, perMs: number, ms: number): string {
  const iso = (at: number) => new Date(at).toISOString()
  switch (valueTypeOf({ type })) {
    case 'date':
      return `'${iso(Math.ceil(ms / DAY_MS) * DAY_MS).slice(0, 10)}'::DATE`
    case 'integer':
      return perMs < 1 ? `${Math.ceil(ms * perMs)}` : `${BigInt(ms) * BigInt(perMs)}`
    default:
      return `'${iso(type === 'TIMESTAMP_S' ? Math.ceil(ms / 1000) * 1000 : ms)}'::${type}`
  }
}

/** `from 2026-10-25T00:00:00Z on and before 2026-11-01T00:00:00Z` */
function rangeText({ fromMs, toMs }: TimePart): string {
  return [
    ...(fromMs === null ? [] : [`from ${isoText(fromMs)} on`]),
    ...(toMs === null ? [] : [`before ${isoText(toMs)}`]),
  ].join(' and ')
}

function isoText(ms: number): string {
  return new Date(Math.max(-DATE_MS_MAX, Math.min(DATE_MS_MAX, ms))).toISOString().replace('.000Z', 'Z')
}

async function oneRow(
  connection: DuckDBConnection,
  { from, name }: ParquetFile,
  expressions: readonly string[],
  condition = 'true',
): Promise<unknown[]> {
  try {
    const sql = `SELECT ${expressions.join(', ')} FROM ${from} WHERE ${condition}`
    return (await (await connection.run(sql)).getRows())[0]
  } catch (error) {
    throw unreadable(name, error)
  }
}
