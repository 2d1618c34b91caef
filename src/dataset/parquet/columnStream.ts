import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { arrayOf, ROW_NUMBER } from './duckdb.ts'
import { type ParquetFile, rowsMeant, unreadable } from './parquetFile.ts'
import { firstDrawn, type RowSample, sampleSql } from './rowSample.ts'

export const CHUNK_ROWS = 2048 // DuckDB's vectors

/** Rows of a file in their order, at most `CHUNK_ROWS` of them. The vectors live as long as the chunk. */
export interface ColumnChunk {
  rowStart: number // how many rows came before
  rows: number
  columns: DuckDBVector[]
  fileRows?: Uint32Array // [rows], where each is in the file; absent: all rows come, from the first on
}

/** Where row `i` of a chunk is in its file. */
export function fileRow(
  { rowStart, fileRows }: Pick<ColumnChunk, 'rowStart' | 'fileRows'>,
  i: number,
): number {
  return fileRows ? fileRows[i] : rowStart + i
}

/**
 * Streams SQL expressions over the rows of a Parquet file, in file order, in memory that depends neither on
 * the size of the file nor on that of its row groups.
 *
 * A DuckDB stream that fails ends as if the data had. So every row's number is carried and checked, and the
 * last one is held against the file's metadata: a file with a row too few or out of place throws
 * NearrankError INPUT. Of a file only its part comes; `sample`: only these rows of it.
 */
export async function* streamColumns(
  connection: DuckDBConnection,
  file: ParquetFile,
  expressions: string[],
  signal?: AbortSignal,
  sample?: RowSample,
): AsyncGenerator<ColumnChunk> {
  const { part } = file
  const conditions = [...(part ? [part.sql] : []), ...(sample ? [sampleSql(sample)] : [])]
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''
  const sql = `SELECT ${expressions.join(', ')}, ${ROW_NUMBER}::UINTEGER FROM ${file.from}${where}`
  const isKnown = !part && (!sample || sample.group === null) // by their numbers, which rows have to come
  const wantedFrom = (row: number) => (isKnown && sample ? firstDrawn(sample, row, file.rows) : row)
  let rowStart = 0
  let wanted = wantedFrom(0) // the row that has to come next, or the first that may
  let fetched: ReturnType<typeof result.fetchChunk> | undefined
  const result = await connection.stream(sql).catch((error: unknown) => {
    throw unreadable(file.name, error)
  })
  try {
    fetched = result.fetchChunk()
    for (;;) {
      const chunk = await fetched.catch((error: unknown) => {
        throw unreadable(file.name, error)
      })
      fetched = undefined
      if (!chunk || chunk.rowCount === 0) break
      fetched = result.fetchChunk() // DuckDB decodes the next chunk while this one is used
      const columns = expressions.map((_, i) => chunk.getColumnVector(i))
      const numbers = arrayOf(chunk.getColumnVector(expressions.length)) as Uint32Array
      for (let i = 0; i < numbers.length; i++) {
        if (isKnown ? numbers[i] !== wanted : numbers[i] < wanted)
          throw new NearrankError('INTERNAL', `${file.name}: row ${numbers[i]} came instead of ${wanted}`)
        wanted = wantedFrom(numbers[i] + 1)
      }
      yield { rowStart, rows: chunk.rowCount, columns, ...(where && { fileRows: numbers }) }
      rowStart += chunk.rowCount
      if (signal?.aborted) throw new NearrankError('ABORTED', `Stopped while reading ${file.name}`)
    }
  } finally {
    await fetched?.catch(() => undefined)
  }
  const isWhole = isKnown
    ? wanted === file.rows
    : rowStart === (sample ? await countRows(connection, file, where) : rowsMeant(file))
  if (!isWhole) throw await whyShort(connection, file, expressions, wanted)
}

async function countRows(connection: DuckDBConnection, { from, name }: ParquetFile, where: string) {
  try {
    const result = await connection.run(`SELECT count(*) FROM ${from}${where}`)
    return Number((await result.getRows())[0][0])
  } catch (error) {
    throw unreadable(name, error)
  }
}

/** Reads once more in a way that reports errors. */
async function whyShort(
  connection: DuckDBConnection,
  file: ParquetFile,
  expressions: string[],
  rowsRead: number,
): Promise<NearrankError> {
  const counts = expressions.map((expression) => `count(${expression})`).join(', ')
  try {
    await connection.run(`SELECT ${counts} FROM ${file.from}`)
  } catch (error) {
    return unreadable(file.name, error)
  }
  return new NearrankError(
    'INPUT',
    `Cannot read ${file.name}: its metadata promises ${file.rows} rows, ${rowsRead} could be read; the file is damaged`,
  )
}
