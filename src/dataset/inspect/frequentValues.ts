import { sqlName } from '../parquet/duckdb.ts'
import { valueTypeOf } from '../tables/valueTypes.ts'
import type { Source } from './openSources.ts'
import type { Reader } from './reader.ts'
import type { FrequentValue } from './report.ts'
import { sampleSql } from './sampling.ts'
import type { ColumnSummary } from './summarizeColumns.ts'

const ROWS_MAX = 500_000
const CHARACTERS_MAX = 100
const VALUES = 3
const VOCABULARY_MAX = 1000 // of it, so many are told apart

const FEW = 100 // distinct values; so few are counted, since a sketch is often off by one

export interface FrequentValues {
  frequent: FrequentValue[] // of numbers and times: none
  vocabulary: string[] // the most frequent values, of numbers and times: none
  distinct: number // values, of lists: items
}

/**
 * The most frequent texts, booleans or list items of a column, and how many there are: exact up to half a
 * million rows, from so many of them beyond. undefined: a summary says all there is to say.
 */
export async function frequentValues(
  reader: Reader,
  source: Source,
  { column, distinct }: ColumnSummary,
): Promise<FrequentValues | undefined> {
  const type = valueTypeOf(column)
  const isListed = type === 'text' || type === 'boolean' || type === 'texts'
  if (!isListed && (distinct > FEW || type === 'numbers' || type === 'other')) return undefined
  const name = sqlName(column.name)
  const value = type === 'texts' ? `list_distinct(${name}::VARCHAR[])` : `${name}::VARCHAR`
  const item = type === 'texts' ? 'unnest(value)' : 'value'
  const rows = await reader.ask(
    `WITH sampled AS (SELECT ${value} AS value FROM ${source.from} WHERE ${sampleSql(source, ROWS_MAX)}), ` +
      `items AS (SELECT ${item} AS item FROM sampled), ` +
      `counts AS (SELECT left(item, ${CHARACTERS_MAX}) AS item, count(*) AS rows FROM items ` +
      `WHERE item IS NOT NULL GROUP BY ALL) ` +
      `SELECT item, rows, count(*) OVER (), (SELECT count(*) FROM sampled) FROM counts ` +
      `ORDER BY rows DESC, item LIMIT ${VOCABULARY_MAX}`,
  )
  if (typeof rows === 'string') return undefined
  const counted = Number(rows[0]?.[2] ?? 0)
  const listed = isListed ? rows : []
  return {
    frequent: listed.slice(0, VALUES).map(([text, count, , sampled]) => ({
      value: String(text),
      share: Number(count) / Number(sampled),
    })),
    vocabulary: listed.map(([text]) => String(text)),
    distinct: source.rows > ROWS_MAX && type !== 'texts' ? Math.max(counted, distinct) : counted,
  }
}
