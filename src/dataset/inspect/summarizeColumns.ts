import { FLOAT32_BOUND } from '../../features/featureValues.ts'
import { sqlName } from '../parquet/duckdb.ts'
import type { ParquetColumn } from '../parquet/parquetFile.ts'
import { type MeasuredColumn, measuredColumn, MEASURES, measuresSql } from '../tables/tableStatistics.ts'
import { valueTypeOf } from '../tables/valueTypes.ts'
import type { Source } from './openSources.ts'
import type { Reader } from './reader.ts'
import { EXACT_ROWS_MAX } from './report.ts'

/** A column as one pass over its file tells it. */
export interface ColumnSummary {
  column: ParquetColumn
  measured: MeasuredColumn // what training infers a feature from
  distinct: number // about; of a list's column: of whole lists
  low: number | string | null // of finite numbers and times
  high: number | string | null
  nan: number // rows
  infinite: number // rows; numbers that a float32 cannot hold are among them, and nulls within a list
}

/** A column that cannot be read, and why. */
export interface UnreadableColumn {
  column: ParquetColumn
  problem: string
}

export interface Summaries {
  columns: (ColumnSummary | UnreadableColumn)[]
  extra: unknown[] | undefined // undefined: they cannot be computed
}

const COLUMNS_AT_ONCE = 32 // of one statement: bounds its memory, and how long it is planned
const OWN = 5 // distinct values, and what ownSql asks for

/**
 * Summaries of columns, and the values of further aggregates: each column is read once. If a statement
 * fails, its columns are tried one by one.
 */
export async function summarizeColumns(
  reader: Reader,
  source: Source,
  columns: readonly ParquetColumn[],
  { extra = [], onRows }: { extra?: readonly string[]; onRows?: (rowsDone: number) => void } = {},
): Promise<Summaries> {
  const summaries: Summaries['columns'] = []
  let values: unknown[] | undefined
  const statements = Math.max(1, Math.ceil(columns.length / COLUMNS_AT_ONCE))
  for (let i = 0; i < statements; i++) {
    const group = columns.slice(COLUMNS_AT_ONCE * i, COLUMNS_AT_ONCE * (i + 1))
    const more = i === 0 ? extra : []
    const onShare = (share: number) => onRows?.(Math.round((source.rows * (i + share)) / statements))
    const row = await oneRow(
      reader,
      source,
      [...more, ...group.flatMap((column) => expressionsOf(source, column))],
      onShare,
    )
    if (typeof row !== 'string') {
      if (i === 0) values = row.slice(0, more.length)
      summaries.push(...group.map((column, k) => summaryOf(source, column, row, more.length + k * WIDTH)))
      continue
    }
    if (more.length > 0) {
      const alone = await oneRow(reader, source, more)
      if (typeof alone !== 'string') values = alone
    }
    for (const column of group) {
      const own = await oneRow(reader, source, expressionsOf(source, column))
      summaries.push(typeof own === 'string' ? { column, problem: own } : summaryOf(source, column, own, 0))
    }
  }
  onRows?.(source.rows)
  return { columns: summaries, extra: values }
}

const WIDTH = MEASURES + OWN

async function oneRow(
  reader: Reader,
  { from }: Source,
  expressions: readonly string[],
  onShare?: (share: number) => void,
): Promise<unknown[] | string> {
  const rows = await reader.ask(`SELECT ${expressions.join(', ')} FROM ${from}`, onShare)
  return typeof rows === 'string' ? rows : rows[0]
}

function expressionsOf({ rows }: Source, column: ParquetColumn): string[] {
  const name = sqlName(column.name)
  const distinct = rows > EXACT_ROWS_MAX ? `approx_count_distinct(${name})` : `count(DISTINCT ${name})`
  return [...measuresSql(column), distinct, ...ownSql(column)]
}

/**
 * The least and the greatest value, both within bounds; how many values there are, and how many within
 * bounds. Without FILTER, which would be evaluated once for each of them.
 */
function ownSql(column: ParquetColumn): string[] {
  const name = sqlName(column.name)
  const within = (bounds: string) => `CASE WHEN ${bounds} THEN ${name} END`
  const count = `count(${name})`
  switch (valueTypeOf(column)) {
    case 'integer':
      return [`min(${name})::DOUBLE`, `max(${name})::DOUBLE`, count, count]
    case 'fraction': {
      // NaN is above every bound.
      const bound = column.type === 'DOUBLE' ? String(FLOAT32_BOUND) : `'inf'::${column.type}`
      const value = isFloat(column) ? within(`abs(${name}) < ${bound}`) : name
      return [`min(${value})::DOUBLE`, `max(${value})::DOUBLE`, count, `count(${value})`]
    }
    case 'time':
    case 'date': {
      const value = within(`isfinite(${name})`)
      return [`min(${value})::VARCHAR`, `max(${value})::VARCHAR`, count, `count(${value})`]
    }
    case 'numbers': {
      const list = `${name}::DOUBLE[]`
      const isFinite = `list_max(${list}) < ${FLOAT32_BOUND} AND list_min(${list}) > -${FLOAT32_BOUND}`
      const isWhole = `len(${name}) = 0 OR (len(${name}) = list_count(${name}) AND ${isFinite})`
      return ['NULL', 'NULL', count, `count(${within(isWhole)})`]
    }
    case 'text':
    case 'boolean':
    case 'texts':
    case 'other':
      return ['NULL', 'NULL', count, count]
  }
}

function isFloat({ type }: ParquetColumn): boolean {
  return type === 'FLOAT' || type === 'DOUBLE'
}

function summaryOf(
  source: Source,
  column: ParquetColumn,
  row: readonly unknown[],
  at: number,
): ColumnSummary {
  const [distinct, low, high, values, within] = row.slice(at + MEASURES, at + WIDTH)
  const value = (one: unknown) => (typeof one === 'number' || typeof one === 'string' ? one : null)
  const measured = measuredColumn(column, source.rows, row.slice(at, at + MEASURES))
  const nan = Number(values) - (source.rows - measured.missing)
  return {
    column,
    measured,
    distinct: Math.min(Number(distinct), Number(values)), // the sketch may say more than there are
    low: value(low),
    high: value(high),
    nan,
    infinite: Number(values) - nan - Number(within),
  }
}
