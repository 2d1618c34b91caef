import { ROW_NUMBER } from '../parquet/duckdb.ts'
import type { Source } from './openSources.ts'

/**
 * SQL for a condition that about `rowsMax` rows of a source meet, the same ones every time, whatever the
 * order of the rows: files may be sorted by anything.
 */
export function sampleSql({ rows }: Source, rowsMax: number): string {
  const every = Math.ceil(rows / rowsMax)
  return every > 1 ? `hash(${ROW_NUMBER}) % ${every} = 0` : 'true'
}
