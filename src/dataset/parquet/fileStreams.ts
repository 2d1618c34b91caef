import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { type ColumnChunk, streamColumns } from './columnStream.ts'
import { arrayOf, ROW_NUMBER, sqlParquet } from './duckdb.ts'
import { type ParquetFile, unreadable } from './parquetFile.ts'
import { RangeReader } from './rangeReader.ts'
import type { RowSample } from './rowSample.ts'

/** Files that one statement reads: for small ones, starting it takes longer than reading them. */
const FILES_AT_ONCE = 64

/** What is read of a file. */
interface Reading {
  expressions: string[]
  sample: RowSample | undefined
}

/** A statement that reads the files from `start` on. */
interface Batch {
  end: number // exclusive
  next: ReturnType<Stream['fetchChunk']> // is being fetched
}

type Stream = Awaited<ReturnType<DuckDBConnection['stream']>>
type ColumnsRead = NonNullable<Awaited<ReturnType<Stream['fetchChunk']>>>

/**
 * The rows of files, one file after the other, as `streamColumns` streams them: in ranges where that is
 * possible and asked for, else neighbours that are alike by one statement. Nothing else may use the
 * connection until `close`.
 */
export class FileStreams {
  readonly #connection: DuckDBConnection
  readonly #files: readonly ParquetFile[]
  readonly #readingOf: (file: number) => Reading
  readonly #signal: AbortSignal | undefined
  readonly #ranges: RangeReader
  #batch: Batch | undefined
  #stream: Stream | undefined

  /** With `others`, ranges are read, and chunks have up to `RANGE_ROWS_MAX` rows. */
  constructor(
    [connection, ...others]: readonly DuckDBConnection[],
    files: readonly ParquetFile[],
    { readingOf, signal }: { readingOf: (file: number) => Reading; signal: AbortSignal | undefined },
  ) {
    this.#connection = connection
    this.#ranges = new RangeReader([connection, ...others], files, (index) => {
      const { expressions, sample } = readingOf(index)
      return sample || others.length === 0 ? undefined : expressions
    })
    this.#files = files
    this.#readingOf = readingOf
    this.#signal = signal
  }

  /** The rows of one file; those before it have been read. @throws NearrankError as `streamColumns`. */
  async *rowsOf(index: number): AsyncGenerator<ColumnChunk> {
    const file = this.#files[index]
    const reading = this.#readingOf(index)
    if (await this.#ranges.begin(index)) {
      for await (const chunk of this.#ranges.rows()) {
        yield chunk
        if (this.#signal?.aborted) throw stopped(file)
      }
      return
    }
    if (!this.#batch || index >= this.#batch.end) {
      await this.close()
      const end = this.#batchEnd(index, reading)
      if (end === index + 1) {
        yield* streamColumns(this.#connection, file, reading.expressions, this.#signal, reading.sample)
        return
      }
      await this.#begin(index, end, reading)
    }
    yield* this.#rowsInBatch(index, reading)
  }

  /** Ends what is being read. */
  async close(): Promise<void> {
    await this.#ranges.close()
    await this.#batch?.next.catch(() => undefined)
    this.#batch = undefined
    this.#stream = undefined
  }

  #batchEnd(start: number, { expressions, sample }: Reading): number {
    const first = this.#files[start]
    const isAlike = (index: number) => {
      const own = this.#readingOf(index)
      if (this.#ranges.mayRead(index) || own.expressions.join() !== expressions.join()) return false
      return areAlike(first, this.#files[index])
    }
    let end = start + 1
    if (sample || this.#ranges.mayRead(start) || !areAlike(first, first)) return end
    while (end < Math.min(this.#files.length, start + FILES_AT_ONCE) && isAlike(end)) end++
    return end
  }

  async #begin(start: number, end: number, { expressions }: Reading): Promise<void> {
    const files = this.#files.slice(start, end)
    const from = sqlParquet(
      files.map(({ path }) => path),
      files[0].form,
    )
    const sql = `SELECT ${expressions.join(', ')}, ${ROW_NUMBER}::UINTEGER FROM ${from}`
    try {
      this.#stream = await this.#connection.stream(sql)
    } catch (error) {
      throw await this.#whyBad(start, end, expressions, error)
    }
    this.#batch = { end, next: this.#stream.fetchChunk() }
  }

  /** A chunk never has rows of two files; row numbers tell where one ends. */
  async *#rowsInBatch(index: number, { expressions }: Reading): AsyncGenerator<ColumnChunk> {
    const { end } = this.#batch!
    const { rows } = this.#files[index]
    const bad = (cause?: unknown) => this.#whyBad(index, end, expressions, cause)
    for (let rowStart = 0; rowStart < rows; ) {
      const chunk = await this.#fetched(bad)
      if (!chunk) throw await bad()
      const numbers = arrayOf(chunk.getColumnVector(expressions.length)) as Uint32Array
      for (let i = 0; i < numbers.length; i++) if (numbers[i] !== rowStart + i) throw await bad()
      yield { rowStart, rows: chunk.rowCount, columns: expressions.map((_, i) => chunk.getColumnVector(i)) }
      rowStart += chunk.rowCount
      if (this.#signal?.aborted) throw stopped(this.#files[index])
    }
    if (index === end - 1 && (await this.#fetched(bad))) throw await bad()
  }

  /** What was fetched; undefined: that was all. The next is being fetched from then on. */
  async #fetched(bad: (cause: unknown) => Promise<NearrankError>): Promise<ColumnsRead | undefined> {
    const batch = this.#batch!
    const chunk = await batch.next.catch(async (error: unknown) => {
      throw await bad(error)
    })
    if (!chunk || chunk.rowCount === 0) return undefined
    batch.next = this.#stream!.fetchChunk() // DuckDB decodes the next chunk while this one is used
    batch.next.catch(() => {}) // it is looked at when its turn comes
    return chunk
  }

  /** Reads the files once more, each by itself: a statement over several does not say which is damaged. */
  async #whyBad(start: number, end: number, expressions: string[], cause: unknown): Promise<NearrankError> {
    await this.close()
    const files = this.#files.slice(start, end)
    for (const file of files)
      try {
        for await (const _ of streamColumns(this.#connection, file, expressions, this.#signal)) continue
      } catch (error) {
        if (error instanceof NearrankError) return error
        throw error
      }
    const { name } = files[0]
    return cause === undefined
      ? new NearrankError('INTERNAL', `${name}: its rows did not come as those of one file of several`)
      : unreadable(name, cause)
  }
}

function stopped({ name }: ParquetFile): NearrankError {
  return new NearrankError('ABORTED', `Stopped while reading ${name}`)
}

function areAlike(first: ParquetFile, file: ParquetFile): boolean {
  const isPlain = ({ form: { hasOwn, texts }, part }: ParquetFile) => !hasOwn && !part && texts.length === 0
  const keysOf = ({ form: { keys } }: ParquetFile) => keys.map(({ name, sql }) => `${name}=${sql}`).join('/')
  if (keysOf(file) !== keysOf(first)) return false
  if (!isPlain(first) || !isPlain(file) || file.columns.length !== first.columns.length) return false
  return file.columns.every(({ name, type, sql }, i) => {
    const other = first.columns[i]
    return other === file.columns[i] || (other.name === name && other.type === type && other.sql === sql)
  })
}
