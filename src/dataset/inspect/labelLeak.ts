import { ROW_NUMBER, sqlName } from '../parquet/duckdb.ts'
import { valueTypeOf } from '../tables/valueTypes.ts'
import type { Source } from './openSources.ts'
import type { Reader } from './reader.ts'
import { sampleSql } from './sampling.ts'
import type { ColumnSummary } from './summarizeColumns.ts'

/** What a column of the clicks tells of their label, by itself. */
export interface LabelLeak {
  auc: number | null // null: too few rows to say
  filledClicks: number // share of the clicks in which it is not missing
  filledNoClicks: number
}

const ROWS_MAX = 200_000
const VALUES_MAX = 200 // numbers of more distinct values are told apart by as many quantiles
const LABELS_MIN = 10 // of each kind, to measure on

/**
 * How well the values of a column alone tell clicks from the rest: the click rate of each value, learned on
 * one half of the rows, ranks those of the other half, so that values that occur once tell nothing.
 * undefined: the column cannot be read.
 */
export async function labelLeak(
  reader: Reader,
  source: Source,
  { column, distinct, measured }: ColumnSummary,
  label: string, // SQL
): Promise<LabelLeak | undefined> {
  const name = sqlName(column.name)
  const isNumber = ['integer', 'fraction', 'time', 'date'].includes(valueTypeOf(column))
  const key = isNumber && distinct > VALUES_MAX ? `ntile(${VALUES_MAX}) OVER (ORDER BY ${name})` : name
  const isMissing =
    measured.type === 'fraction' ? `(${name} IS NULL OR isnan(${name}::DOUBLE))` : `${name} IS NULL`
  const rows = await reader.ask(
    `WITH labelled AS (SELECT ${name}, ${ROW_NUMBER}, ${label} AS label FROM ${source.from} WHERE ${sampleSql(source, ROWS_MAX)}), ` +
      `sampled AS (SELECT CASE WHEN ${isMissing} THEN 0 ELSE hash(${key}) END AS key, label, NOT ${isMissing} AS filled, ` +
      `hash(${ROW_NUMBER} + 1) % 2 = 0 AS learned FROM labelled WHERE label IS NOT NULL), ` +
      `counts AS (SELECT key, count(*) FILTER (WHERE learned) AS rows, ` +
      `count(*) FILTER (WHERE learned AND label = 1) AS clicks, ` +
      `count(*) FILTER (WHERE NOT learned AND label = 1) AS ones, ` +
      `count(*) FILTER (WHERE NOT learned AND label = 0) AS zeros FROM sampled GROUP BY key), ` +
      `rates AS (SELECT (clicks + (SELECT avg(label) FROM sampled)) / (rows + 1) AS rate, ` +
      `sum(ones)::DOUBLE AS ones, sum(zeros)::DOUBLE AS zeros FROM counts GROUP BY rate), ` +
      `ranked AS (SELECT ones, zeros, sum(zeros) OVER (ORDER BY rate ROWS UNBOUNDED PRECEDING) - zeros AS below FROM rates) ` +
      `SELECT sum(ones), sum(zeros), sum(ones * (below + zeros / 2)), ` +
      `(SELECT avg(filled::INTEGER) FROM sampled WHERE label = 1), ` +
      `(SELECT avg(filled::INTEGER) FROM sampled WHERE label = 0) FROM ranked`,
  )
  if (typeof rows === 'string') return undefined
  const [ones, zeros, pairs, filledClicks, filledNoClicks] = rows[0].map(Number)
  const isEnough = ones >= LABELS_MIN && zeros >= LABELS_MIN
  return { auc: isEnough ? pairs / (ones * zeros) : null, filledClicks, filledNoClicks }
}
