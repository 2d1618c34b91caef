import type { DuckDBConnection, DuckDBDataChunk, DuckDBType, DuckDBVector } from '@duckdb/node-api'
import { DuckDBTableFunction } from './duckdbApi.ts'
import { NearrankError } from '../../errors.ts'
import { CHUNK_ROWS } from './columnStream.ts'
import { duckDbMessage, sqlName, sqlText, withDuckDb } from './duckdb.ts'
import { diskError, syncFile } from '../../files.ts'

export interface ParquetColumnSource {
  name: string
  type: DuckDBType // of the vector
  /**
   * SQL that makes the file's value from the columns as they were filled, if it is another one. Strings and
   * nulls made from codes this way take less than half the time of setting them one by one.
   */
  sql?: string
}

export interface ParquetTable {
  columns: ParquetColumnSource[]
  rows: number
  rowGroupRows?: number // default 122,880
  chunkRows?: number // rows asked for at a time, default and at most 2,048
  /**
   * Writes rows `start` … `start + count − 1` into the vectors and flushes them. Called in order, once for
   * each chunk.
   */
  fillInto(vectors: DuckDBVector[], start: number, count: number): void
}

const ROW_GROUP_ROWS = 122_880

/**
 * Writes a Parquet file (Snappy, row groups of 122,880 rows) from values made on the fly, in bounded memory:
 * 10 M rows/s of three integers, where an appender and a table in between make 7 M. On the disk when it
 * returns.
 */
export async function writeParquet(path: string, table: ParquetTable): Promise<void> {
  await withDuckDb({ threads: 1 }, async (connection) => {
    const rows = serveRows(connection, 'generated', table)
    const { rowGroupRows } = table
    try {
      const select = `SELECT ${sqlOf(table.columns)} FROM generated()`
      await connection.run(copySql(select, path, rowGroupRows))
    } catch (error) {
      throw rows.failure() ?? writeError(path, duckDbMessage(error))
    }
    rows.checkAll(path)
  })
  await syncFile(path)
}

/** SQL that writes what `select` gives; `more`: further options of the format. */
export function copySql(select: string, path: string, rowGroupRows = ROW_GROUP_ROWS, more = ''): string {
  return `COPY (${select}) TO ${sqlText(path)} (FORMAT parquet, ROW_GROUP_SIZE ${rowGroupRows}${more})`
}

/** Rows made on the fly, which statements of a connection can select from, once. */
export interface ServedRows {
  failure: () => Error | undefined // what `fillInto` has thrown
  checkAll: (path: string) => void // throws NearrankError INTERNAL unless all rows were taken
}

/** Registers a table function without parameters that gives the rows of `table`. */
export function serveRows(connection: DuckDBConnection, name: string, table: ParquetTable): ServedRows {
  const { columns, rows } = table
  let start = 0
  let failure: unknown
  const source = DuckDBTableFunction.create({
    name,
    bindFunction(info) {
      for (const { name: column, type } of columns) info.addResultColumn(column, type)
    },
    initFunction() {},
    mainFunction(_info, chunk: DuckDBDataChunk) {
      const count = Math.min(table.chunkRows ?? CHUNK_ROWS, rows - start)
      chunk.rowCount = count
      if (count === 0) return
      try {
        const vectors = columns.map((_, i) => chunk.getColumnVector(i))
        table.fillInto(vectors, start, count)
        start += count
      } catch (error) {
        failure = error
        throw error
      }
    },
  })
  connection.registerTableFunction(source)
  return {
    failure: () => (failure instanceof Error ? failure : undefined),
    checkAll(path) {
      if (start !== rows)
        throw new NearrankError('INTERNAL', `${path}: ${start} of ${rows} rows were requested`)
    },
  }
}

function sqlOf(columns: ParquetColumnSource[]): string {
  if (columns.every(({ sql }) => sql === undefined)) return '*'
  return columns.map(({ name, sql }) => `${sql ?? sqlName(name)} AS ${sqlName(name)}`).join(', ')
}

/** DuckDB tells why it could not write in words alone. */
export function writeError(path: string, message: string): NearrankError {
  if (message.startsWith('Out of Memory'))
    return new NearrankError('MEMORY', `Cannot write ${path}: ${message}`)
  const code = /No space left/i.test(message) ? 'ENOSPC' : ''
  return diskError(Object.assign(new Error(message), { code }), `write ${path}`)
}
