import type { DuckDBConnection } from '@duckdb/node-api'
import type { ColumnFacts, DeclaredFeature } from '../../features/declared.ts'
import {
  type FeatureStatistics,
  minCountFor,
  QUANTILES,
  type ValueCount,
  VOCABULARY_MAX,
} from '../../features/fit.ts'
import { FLOAT32_BOUND } from '../../features/featureValues.ts'
import { rawOf } from './columnEncoders.ts'
import { sqlName } from '../parquet/duckdb.ts'
import { columnNamed, type ParquetColumn, type RowsSource, unreadable } from '../parquet/parquetFile.ts'
import { isNumeric, valueSql, valueTypeOf } from './valueTypes.ts'

const DAY_MS = 86_400_000

/** What one pass over the rows tells of a column. */
export interface MeasuredColumn extends ColumnFacts {
  mean: number // of numbers; days since 1970 of times
}

/** What features are inferred from, for each of the columns, in their order; one pass over the rows. */
export async function measureColumns(
  connection: DuckDBConnection,
  from: RowsSource,
  columns: readonly ParquetColumn[],
): Promise<MeasuredColumn[]> {
  const row = await oneRow(connection, from, columns.flatMap(measuresSql))
  return columns.map((column, i) =>
    measuredColumn(column, from.rows, row.slice(MEASURES * i, MEASURES * (i + 1))),
  )
}

/**
 * As `measureColumns`, for columns that are features whatever they hold: of numbers of which none is missing,
 * nothing else is asked, which takes an eighth of the time; those that are `assumedWhole` are not read.
 */
export async function measureChosen(
  connection: DuckDBConnection,
  from: RowsSource,
  columns: readonly ParquetColumn[],
  assumedWhole: (column: string) => boolean,
): Promise<MeasuredColumn[]> {
  const known = new Map<string, MeasuredColumn>()
  const add = (column: ParquetColumn, mean: number) =>
    known.set(column.name, measuredColumn(column, from.rows, [from.rows, 2, mean, null, null]))
  const [assumed, numbers] = [true, false].map((isAssumed) =>
    columns.filter((column) => isNumeric(column) && assumedWhole(column.name) === isAssumed),
  )
  for (const column of assumed) add(column, 0) // nothing is put in the place of a missing one
  // A sum tells of NaN and infinity.
  const sql = numbers.flatMap(({ name }) => [`count(${sqlName(name)})`, `sum(${sqlName(name)}::DOUBLE)`])
  const row = await oneRow(connection, from, sql)
  for (const [i, column] of numbers.entries()) {
    const [count, sum] = [Number(row[2 * i]), Number(row[2 * i + 1])]
    if (count === from.rows && Number.isFinite(sum)) add(column, sum / count)
  }
  const others = columns.filter(({ name }) => !known.has(name))
  for (const measured of await measureColumns(connection, from, others)) known.set(measured.name, measured)
  return columns.map(({ name }) => known.get(name)!)
}

/** Of `rows` rows, from the values of `measuresSql`. */
export function measuredColumn(
  column: ParquetColumn,
  rows: number,
  [present, distinct, mean, shortest, longest]: readonly unknown[],
): MeasuredColumn {
  const measured = {
    name: column.name,
    type: valueTypeOf(column),
    rows,
    missing: rows - Number(present),
    distinct: Number(distinct),
    mean: Number(mean ?? 0),
  }
  if (shortest === null) return measured
  return { ...measured, lengths: { min: Number(shortest), max: Number(longest) } }
}

/** How many values `measuresSql` asks for. */
export const MEASURES = 5

/** How many are there, how many are distinct, their mean, the lengths of lists. */
export function measuresSql(column: ParquetColumn): string[] {
  const name = sqlName(column.name)
  const isFloat = column.type === 'FLOAT' || column.type === 'DOUBLE'
  const present = isFloat ? `count(CASE WHEN NOT isnan(${name}) THEN 1 END)` : `count(${name})`
  const differs = `CASE WHEN min(${name}) = max(${name}) THEN 1 ELSE 2 END`
  switch (valueTypeOf(column)) {
    case 'integer':
      return [present, differs, `avg(${name})`, 'NULL', 'NULL']
    case 'fraction': {
      const finite = isFloat ? `CASE WHEN isfinite(${name}) THEN ${name} END` : name
      return [present, differs, `avg((${finite})::DOUBLE)`, 'NULL', 'NULL']
    }
    case 'boolean':
      return [present, differs, `avg(${name}::INTEGER)`, 'NULL', 'NULL']
    case 'time':
    case 'date':
      return [present, differs, `avg(epoch_ms(${name})) / ${DAY_MS}.0`, 'NULL', 'NULL']
    case 'text':
      // The sketch alone takes two values for one in 2 % of the cases.
      return [
        present,
        `CASE WHEN ${differs} = 1 THEN 1 ELSE greatest(2, approx_count_distinct(${name}::VARCHAR)) END`,
        'NULL',
        'NULL',
        'NULL',
      ]
    case 'texts':
    case 'numbers':
      return [present, '2', 'NULL', `min(len(${name}))`, `max(len(${name}))`]
    case 'other':
      return [present, '2', 'NULL', 'NULL', 'NULL']
  }
}

/** What a feature is fitted to. */
export async function featureStatistics(
  connection: DuckDBConnection,
  from: RowsSource,
  declared: DeclaredFeature,
  measured: MeasuredColumn,
): Promise<FeatureStatistics> {
  const { rows, missing, mean, lengths } = measured
  const column = columnNamed(from, declared.name)
  const longest = lengths?.max ?? 1
  if (declared.kind === 'category' || declared.kind === 'categories') {
    const isHashed = declared.buckets !== undefined
    const counts = isHashed ? [] : await valueCounts(connection, from, column, declared)
    return { rows, missing, means: [], longest, quantiles: [], counts }
  }
  if (declared.kind !== 'vector') {
    const quantiles = declared.scale === 'rank' ? await quantilesOf(connection, from, column) : []
    // Integers as times are milliseconds; what takes the place of a missing one is in days.
    const isMilliseconds = declared.kind === 'time' && valueTypeOf(column) === 'integer'
    const means = [isMilliseconds ? mean / DAY_MS : mean]
    return { rows, missing, means, longest, quantiles, counts: [] }
  }
  const value = valueSql(column, 'vector')
  // What training refuses is not to make the mean that takes the place of a missing vector refused before it.
  const usable = (item: string) => `CASE WHEN abs(${item}) < ${FLOAT32_BOUND} THEN ${item} END`
  const items = Array.from({ length: lengths?.max ?? 0 }, (_, i) => `avg(${usable(`(${value})[${i + 1}]`)})`)
  const means = await oneRow(connection, from, items)
  const numbers = means.map((item) => Number(item ?? 0))
  return { rows, missing, means: numbers, longest, quantiles: [], counts: [] }
}

/** Of the values that are neither missing nor infinite, evenly spaced in rank, the ends included. */
async function quantilesOf(
  connection: DuckDBConnection,
  from: RowsSource,
  column: ParquetColumn,
): Promise<number[]> {
  const value = valueSql(column, 'number')
  const shares = Array.from({ length: QUANTILES }, (_, i) => i / (QUANTILES - 1)).join(', ')
  const sql = `quantile_disc(CASE WHEN isfinite(${value}) THEN ${value} END, [${shares}])`
  const [found] = await oneRow(connection, from, [sql])
  const list = rawOf(found)
  return Array.isArray(list) ? list.map(Number) : []
}

/** The most frequent values, ties in the order of their bytes; those too rare to have a code are left out. */
export async function valueCounts(
  connection: DuckDBConnection,
  from: RowsSource,
  column: ParquetColumn,
  { kind, minCount, maxSize }: DeclaredFeature,
): Promise<ValueCount[]> {
  if (kind !== 'category' && kind !== 'categories') return []
  const value = valueSql(column, kind)
  const values = kind === 'category' ? value : `unnest(list_distinct(${value}))`
  const sql =
    `SELECT value, count(*) AS rows FROM (SELECT ${values} AS value FROM ${from.sql}) ` +
    `WHERE value IS NOT NULL GROUP BY value HAVING count(*) >= ${minCount ?? minCountFor(from.rows)} ` +
    `ORDER BY rows DESC, value LIMIT ${maxSize ?? VOCABULARY_MAX}`
  try {
    const rows = await (await connection.run(sql)).getRows()
    // Decoding drops a byte order mark at the start: what differed by it alone is one value.
    const counts = new Map<string, number>()
    for (const [text, count] of rows)
      counts.set(String(text), (counts.get(String(text)) ?? 0) + Number(count))
    return [...counts].toSorted(([, a], [, b]) => b - a)
  } catch (error) {
    throw unreadable(from.name, error)
  }
}

async function oneRow(
  connection: DuckDBConnection,
  from: RowsSource,
  expressions: readonly string[],
): Promise<unknown[]> {
  if (expressions.length === 0) return []
  try {
    const result = await connection.run(`SELECT ${expressions.join(', ')} FROM ${from.sql}`)
    return (await result.getRows())[0]
  } catch (error) {
    throw unreadable(from.name, error)
  }
}
