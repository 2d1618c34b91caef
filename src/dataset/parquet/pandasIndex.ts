import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlPath } from './duckdb.ts'

/** What pandas wrote of a table's row index. */
export interface PandasIndex {
  columns: string[] // that hold it, such as __index_level_0__
  unwritten: string[] // names of those that are a plain range, of which no column was written
}

/** By the metadata of a Parquet file; nothing if pandas has not written it. */
export async function pandasIndex(connection: DuckDBConnection, path: string): Promise<PandasIndex> {
  const index: PandasIndex = { columns: [], unwritten: [] }
  const sql = `SELECT decode(value) FROM parquet_kv_metadata(${sqlPath(path)}) WHERE decode(key) = 'pandas'`
  const [row] = await (await connection.run(sql)).getRows()
  for (const entry of indexColumns(row?.[0])) {
    if (typeof entry === 'string') index.columns.push(entry)
    else if (isNamed(entry)) index.unwritten.push(entry.name)
  }
  return index
}

function indexColumns(text: unknown): unknown[] {
  try {
    const { index_columns: found } = JSON.parse(String(text)) as { index_columns?: unknown }
    return Array.isArray(found) ? found : []
  } catch {
    return []
  }
}

function isNamed(entry: unknown): entry is { name: string } {
  return typeof (entry as { name?: unknown } | null)?.name === 'string'
}

/** What is to be said if a column of that name is wanted, as the end of a sentence. */
export function unwrittenIndex(name: string): string {
  return `it has no column ${name}, which was pandas' row index and a plain range, so pandas wrote no column of it; write the table after reset_index()`
}
