import { FLOAT } from '../parquet/duckdbApi.ts'
import { syncFile } from '../../files.ts'
import { arrayOf, duckDbMessage, sqlName, sqlParquet, withDuckDb } from '../parquet/duckdb.ts'
import { columnNamed, type ParquetFile, unreadable } from '../parquet/parquetFile.ts'
import { copySql, serveRows, writeError } from '../parquet/parquetWriter.ts'
import { checkAborted } from './checkAborted.ts'
import type { Spool } from './spool.ts'

/** The column that a file of scores has beside those of its source. */
export const SCORE_COLUMN = 'score'

/**
 * For numbers alone: those of many values get no dictionary, and trying takes time in every row if it is not
 * given up early.
 */
const NUMBERS_FORM = ', DICTIONARY_SIZE_LIMIT 4096'

export interface ScoresToWrite {
  file: ParquetFile
  columns: readonly string[] // to copy, in this order
  scores: Spool // float32, one for each row of the file; NaN: the row is left out
  hasDropped: boolean // some are NaN
  memoryBytes: number // for DuckDB
  signal: AbortSignal | undefined
}

/**
 * Writes columns of a file, as they are, with the score of each row.
 * The file is on the disk when this returns.
 * @throws NearrankError INPUT if the file cannot be read, DISK, MEMORY.
 */
export async function writeScores(path: string, what: ScoresToWrite): Promise<void> {
  const { file, columns, scores, hasDropped, memoryBytes, signal } = what
  const names = columns.map((column) => `source.${sqlName(column)}`).join(', ')
  const rows = `${sqlParquet([file.path], { ...file.form, texts: [] })} source` // bytes stay bytes
  const select =
    `SELECT ${names}, scored.${SCORE_COLUMN} FROM ${rows} POSITIONAL JOIN scores() scored` +
    (hasDropped ? ` WHERE NOT isnan(scored.${SCORE_COLUMN})` : '')
  // One thread: rows come in their order, which is what a positional join goes by.
  await withDuckDb({ threads: 1, memoryBytes }, async (connection) => {
    const served = serveRows(connection, 'scores', {
      columns: [{ name: SCORE_COLUMN, type: FLOAT }],
      rows: file.rows,
      fillInto([vector], _start, count) {
        checkAborted(signal)
        scores.nextInto((arrayOf(vector) as Float32Array).subarray(0, count))
        vector.flush()
      },
    })
    try {
      await connection.run(copySql(select, path, undefined, areNumbers(what) ? NUMBERS_FORM : ''))
    } catch (error) {
      const failure = served.failure()
      if (failure) throw failure
      const message = duckDbMessage(error)
      const isWriting = message.includes(path) || /No space left|Out of Memory/i.test(message)
      throw isWriting ? writeError(path, message) : unreadable(file.name, error)
    }
    served.checkAll(path)
  })
  await syncFile(path)
}

function areNumbers({ file, columns }: ScoresToWrite): boolean {
  const isNumber = /^(?:U?(?:TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE)$/
  return columns.every((name) => isNumber.test(columnNamed(file, name).type))
}
