import type { DuckDBConnection, DuckDBListVector, DuckDBVector } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import type { ColumnChunk } from './columnStream.ts'
import { arrayOf, ROW_NUMBER, sqlPath } from './duckdb.ts'
import { type ParquetFile, unreadable } from './parquetFile.ts'
import { type RowRange, rowRanges } from './rowRanges.ts'

/** What the values of a row may take together. */
const ROW_BYTES_MAX = 32
/** Below, what a file's ranges take to plan is more than they save. */
const FILE_ROWS_MIN = 2 ** 16

/** Bytes of the types of which every value takes the same. */
const TYPE_BYTES: Readonly<Record<string, number>> = {
  BOOLEAN: 1,
  TINYINT: 1,
  UTINYINT: 1,
  SMALLINT: 2,
  USMALLINT: 2,
  INTEGER: 4,
  UINTEGER: 4,
  FLOAT: 4,
  BIGINT: 8,
  UBIGINT: 8,
  DOUBLE: 8,
  UHUGEINT: 16,
}

/** A range to read. */
interface PlannedRange {
  index: number // of the file
  expressions: readonly string[]
  range: RowRange
}

/** A range that is being read, or was. */
interface RangeRead {
  index: number
  chunk: ColumnChunk
  isLast: boolean // of its file
}

/**
 * Reads files in ranges of up to `RANGE_ROWS_MAX` rows, one on each connection at a time, ahead of who takes
 * them. Of a range each column comes as one list: DuckDB's chunks of 2,048 rows take longer to hand over
 * than to decode. With one thread, what DuckDB aggregates stays in the order of the rows.
 */
export class RangeReader {
  readonly #connections: readonly DuckDBConnection[]
  readonly #files: readonly ParquetFile[]
  readonly #expressionsOf: (file: number) => string[] | undefined
  #planned: AsyncGenerator<PlannedRange> | undefined
  #ahead: Promise<RangeRead | undefined>[] = []
  #begun = 0 // reads

  /** `expressionsOf`: what to read of a file; undefined: it must not be read in ranges. */
  constructor(
    connections: readonly DuckDBConnection[],
    files: readonly ParquetFile[],
    expressionsOf: (file: number) => string[] | undefined,
  ) {
    this.#connections = connections
    this.#files = files
    this.#expressionsOf = expressionsOf
  }

  /** Whether the rows of a file come this way; those of the files before have been taken. */
  async begin(index: number): Promise<boolean> {
    if (!this.mayRead(index)) return false
    if ((await this.#ahead[0])?.index === index) return true
    await this.close()
    this.#planned = this.#plan(index)
    for (const _ of this.#connections) this.#readAhead()
    return (await this.#ahead[0])?.index === index
  }

  /** The rows of a file that was begun. @throws NearrankError INPUT for a damaged file. */
  async *rows(): AsyncGenerator<ColumnChunk> {
    for (;;) {
      const read = await this.#ahead.shift()
      if (!read) throw new NearrankError('INTERNAL', 'a file that was begun has no more ranges')
      this.#readAhead()
      yield read.chunk
      if (read.isLast) return
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#ahead)
    this.#ahead = []
  }

  /** Whether it is worth a try, as far as that is known without reading anything. */
  mayRead(index: number): boolean {
    const file = this.#files[index]
    const isPlain = !file.part && !file.form.hasOwn
    return isPlain && file.rows >= FILE_ROWS_MIN && this.#expressionsOf(index) !== undefined
  }

  #readAhead(): void {
    // What DuckDB holds for a result is freed with it, and V8 does not know how much that is: packing 55 M
    // rows took 414 to 455 MiB, with this 246 to 279. Only a process that packs has the function.
    globalThis.gc?.({ type: 'minor' })
    const connection = this.#connections[this.#begun++ % this.#connections.length]
    const read = this.#planned!.next().then(async ({ value, done }) => {
      if (done) return undefined
      const { index, expressions, range } = value
      const file = this.#files[index]
      const chunk = await readRange(connection, file, expressions, range)
      return { index, chunk, isLast: range.end === file.rows }
    })
    read.catch(() => {}) // it is looked at when its turn comes
    this.#ahead.push(read)
  }

  /** The ranges of the files from the first on, up to one that cannot be read in ranges. */
  async *#plan(first: number): AsyncGenerator<PlannedRange> {
    for (let index = first; index < this.#files.length && this.mayRead(index); index++) {
      const expressions = this.#expressionsOf(index)!
      const ranges = await plannedRanges(this.#connections[0], this.#files[index], expressions)
      if (!ranges) return
      for (const range of ranges) yield { index, expressions, range }
    }
  }
}

/** The ranges of a file; undefined: a row or a row group is too long. */
async function plannedRanges(
  connection: DuckDBConnection,
  { path, name, from, rows }: ParquetFile,
  expressions: readonly string[],
): Promise<RowRange[] | undefined> {
  try {
    const described = await connection.run(`DESCRIBE SELECT ${expressions.join(', ')} FROM ${from}`)
    const bytes = (await described.getRows()).map(([, type]) => TYPE_BYTES[String(type)] ?? Number.NaN)
    const rowBytes = bytes.reduce((sum, value) => sum + value, 0)
    if (!(rowBytes <= ROW_BYTES_MAX)) return undefined
    const result = await connection.run(
      `SELECT any_value(row_group_num_rows) FROM parquet_metadata(${sqlPath(path)}) GROUP BY row_group_id ORDER BY row_group_id`,
    )
    const ranges = rowRanges((await result.getRows()).map(([value]) => Number(value)))
    return ranges?.at(-1)?.end === rows ? ranges : undefined
  } catch (error) {
    throw unreadable(name, error)
  }
}

async function readRange(
  connection: DuckDBConnection,
  { name, from }: ParquetFile,
  expressions: readonly string[],
  { start, end }: RowRange,
): Promise<ColumnChunk> {
  const lists = expressions.map((expression) => `list(${expression})`)
  const checks = [`first(${ROW_NUMBER})`, `last(${ROW_NUMBER})`, 'count(*)'].map((sql) => `${sql}::UINTEGER`)
  const sql = `SELECT ${[...lists, ...checks].join(', ')} FROM ${from} WHERE ${ROW_NUMBER} BETWEEN ${start} AND ${end - 1}`
  const result = await connection.run(sql).catch((error: unknown) => {
    throw unreadable(name, error)
  })
  const chunk = result.getChunk(0)
  const [first, last, rows] = checks.map((_, i) => numberIn(chunk.getColumnVector(lists.length + i)))
  if (rows !== end - start)
    throw new NearrankError(
      'INPUT',
      `Cannot read ${name}: its metadata promises ${end - start} rows from row ${start} on, ${rows} could be read; the file is damaged`,
    )
  if (first !== start || last !== end - 1)
    throw new NearrankError('INTERNAL', `${name}: rows ${first} to ${last} came for ${start} to ${end - 1}`)
  const columns = lists.map((_, i): DuckDBVector => listed(chunk.getColumnVector(i)))
  return { rowStart: start, rows, columns }
}

/** The values of the one list in a vector. */
function listed(vector: DuckDBVector): DuckDBVector {
  return (vector as DuckDBListVector).childVector
}

function numberIn(vector: DuckDBVector): number {
  return (arrayOf(vector) as Uint32Array)[0]
}
