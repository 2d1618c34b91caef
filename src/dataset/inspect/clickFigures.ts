import { sqlName } from '../parquet/duckdb.ts'
import type { ParquetColumn } from '../parquet/parquetFile.ts'
import { valueTypeOf } from '../tables/valueTypes.ts'

/** How often a label is what. */
export interface LabelFigures {
  clicks: number
  noClicks: number
  others: number // rows; nulls are among them
  example: string | null // of another value that is not null
}

/** Whether training takes the column as a label, if its values are labels. */
export function mayBeLabel(column: ParquetColumn): boolean {
  return ['integer', 'fraction', 'boolean'].includes(valueTypeOf(column))
}

/** SQL for 1, 0, or null for anything else, texts of these numbers included. */
export function labelSql(column: ParquetColumn): string {
  const name = sqlName(column.name)
  const type = valueTypeOf(column)
  if (type === 'boolean') return `${name}::INTEGER`
  const number = type === 'integer' || type === 'fraction' ? name : `TRY_CAST(${name}::VARCHAR AS DOUBLE)`
  return `CASE WHEN ${number} = 1 THEN 1 WHEN ${number} = 0 THEN 0 END`
}

/** Aggregates over clicks, of which `labelFigures` takes the values. */
export function labelFiguresSql(column: ParquetColumn): string[] {
  const label = labelSql(column)
  const name = sqlName(column.name)
  return [
    'count(*)',
    `count(${label})`,
    `sum(${label})`,
    `min(CASE WHEN ${label} IS NULL THEN left(${name}::VARCHAR, 100) END)`,
  ]
}

export function labelFigures([rows, labelled, clicks, example]: readonly unknown[]): LabelFigures {
  return {
    clicks: Number(clicks),
    noClicks: Number(labelled) - Number(clicks),
    others: Number(rows) - Number(labelled),
    example: typeof example === 'string' ? example : null,
  }
}
