import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { widthOf } from '../../features/rowShape.ts'
import { ClickEncoder, OUT_OF_ORDER } from '../clicks/clickEncoder.ts'
import type { DroppedClicks } from '../clicks/droppedClicks.ts'
import { allocateRows, type ClickRows, clickPlan, copyRows, type RowPlan } from '../clicks/rowLayout.ts'
import { clickColumns, type RowsPlan } from '../clicks/rowsPlan.ts'
import { CHUNK_ROWS, type ColumnChunk, streamColumns } from '../parquet/columnStream.ts'
import type { ParquetFile } from '../parquet/parquetFile.ts'

/** Reads files as rows of the feature tables; a row that the policies leave out has a 1 in `clicks`. */
export class RowReader {
  readonly #plan: RowPlan
  readonly #connection: DuckDBConnection
  readonly #rowsPlan: RowsPlan
  readonly #encoder: ClickEncoder

  static async open(connection: DuckDBConnection, plan: RowsPlan): Promise<RowReader> {
    const rowPlan = clickPlan(widthOf([...plan.context, ...plan.pairs.features]))
    const rows = allocateRows(rowPlan, CHUNK_ROWS)
    return new RowReader(connection, plan, rowPlan, await ClickEncoder.open(connection, plan, rows, null))
  }

  private constructor(
    connection: DuckDBConnection,
    rowsPlan: RowsPlan,
    plan: RowPlan,
    encoder: ClickEncoder,
  ) {
    this.#connection = connection
    this.#rowsPlan = rowsPlan
    this.#plan = plan
    this.#encoder = encoder
  }

  /** How many rows the policies have left out of all files so far. */
  get dropped(): DroppedClicks {
    return this.#encoder.dropped
  }

  /** The rows of one file, in its order; end it before the next one. */
  rowsOf(file: ParquetFile, signal: AbortSignal | undefined): FileRows {
    const { expressions, vectorsOf } = clickColumns(this.#rowsPlan, file)
    const chunks = streamColumns(this.#connection, file, expressions, signal)
    const encode = async (chunk: ColumnChunk) => {
      const kept = await this.#encoder.take(file, chunk, vectorsOf(chunk))
      if (kept === OUT_OF_ORDER) throw new NearrankError('INTERNAL', 'rows to score are in no groups')
      return kept
    }
    return new FileRows(this.#plan, this.#encoder.rows, chunks, encode)
  }
}

/** Hands the rows of a file on in pieces of any size. */
export class FileRows {
  dropped = 0 // so far, by the policies
  readonly #plan: RowPlan
  readonly #rows: ClickRows // the chunk at hand
  readonly #chunks: AsyncGenerator<ColumnChunk>
  readonly #encode: (chunk: ColumnChunk) => Promise<Uint32Array | null>
  #next = 0
  #end = 0

  constructor(
    plan: RowPlan,
    rows: ClickRows,
    chunks: AsyncGenerator<ColumnChunk>,
    encode: (chunk: ColumnChunk) => Promise<Uint32Array | null>,
  ) {
    this.#plan = plan
    this.#rows = rows
    this.#chunks = chunks
    this.#encode = encode
  }

  /** Fills `target` from the start, and returns how many rows there were: 0 at the end. */
  async nextInto(target: ClickRows): Promise<number> {
    let filled = 0
    while (filled < target.clicks.length) {
      if (this.#next === this.#end && !(await this.#readChunk())) break
      const start = this.#next
      const end = Math.min(this.#end, start + target.clicks.length - filled)
      copyRows(this.#plan, target, filled, { from: this.#rows, start, end })
      filled += end - start
      this.#next = end
    }
    return filled
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined)
  }

  async #readChunk(): Promise<boolean> {
    const { value: chunk, done } = await this.#chunks.next()
    if (done) return false
    const kept = await this.#encode(chunk)
    if (kept) this.#markDropped(chunk.rows, kept)
    this.#next = 0
    this.#end = chunk.rows
    return true
  }

  /** What is left out stays where it is, so that rows and scores go together, as a pair that there is. */
  #markDropped(count: number, kept: Uint32Array): void {
    const { clicks, users, restaurants } = this.#rows
    clicks.fill(1, 0, count)
    for (const row of kept) clicks[row] = 0
    for (let i = 0; i < count; i++)
      if (clicks[i] === 1) {
        users[i] = 0
        restaurants[i] = 0
      }
    this.dropped += count - kept.length
  }
}
