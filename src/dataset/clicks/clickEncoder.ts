import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { rowShape, type RowShape } from '../../features/rowShape.ts'
import { type ColumnChunk, fileRow } from '../parquet/columnStream.ts'
import { arrayOf, firstNull, wordsOf } from '../parquet/duckdb.ts'
import type { ParquetFile } from '../parquet/parquetFile.ts'
import { ColumnEncoders } from '../tables/columnEncoders.ts'
import { badValue } from '../tables/tableChecks.ts'
import { type DroppedClicks, sortOut } from './droppedClicks.ts'
import type { GroupRuns } from './groupRuns.ts'
import { firstWrongClick, wrongLabel } from './labels.ts'
import { PairPacker } from './packPairs.ts'
import type { ClickRows } from './rowLayout.ts'
import type { ClickVectors, RowsPlan } from './rowsPlan.ts'
import { firstWrongWeight, wrongWeight } from './weightPlan.ts'

export const OUT_OF_ORDER = 'out of order'

/** Makes rows of the feature tables, with their encoded context and pairs, of chunks of click files. */
export class ClickEncoder {
  readonly rows: ClickRows // of the last chunk
  readonly dropped: DroppedClicks = { noFeatures: 0, nulls: 0, badPlace: 0 }
  readonly #connection: DuckDBConnection
  readonly #plan: RowsPlan
  readonly #shape: RowShape // of context and pairs
  readonly #context: ColumnEncoders | null // into the rows; null: there is none
  readonly #pairs: PairPacker | null
  readonly #runs: GroupRuns | null

  /** `rows`: with room for a chunk. Reads of the tables what pairs need. */
  static async open(
    connection: DuckDBConnection,
    plan: RowsPlan,
    rows: ClickRows,
    runs: GroupRuns | null, // null: rows are in no groups, or are sorted by them later
  ): Promise<ClickEncoder> {
    const pairs = await PairPacker.open(plan.pairs, plan.tables, plan.context)
    return new ClickEncoder(connection, plan, rows, { pairs, runs })
  }

  private constructor(
    connection: DuckDBConnection,
    plan: RowsPlan,
    rows: ClickRows,
    { pairs, runs }: { pairs: PairPacker | null; runs: GroupRuns | null },
  ) {
    const { context } = rows
    this.rows = rows
    this.#connection = connection
    this.#plan = plan
    this.#shape = rowShape([...plan.context, ...plan.pairs.features])
    this.#context = context ? new ColumnEncoders(plan.context, context as Uint32Array, this.#shape) : null
    this.#pairs = pairs
    this.#runs = runs
  }

  /**
   * Encodes one chunk into `rows`. Returns which of them are kept, in their order (null: all), or
   * OUT_OF_ORDER if the rows of a group do not come one after the other.
   * @throws NearrankError INPUT for a row that may not be dropped.
   */
  async take(
    file: ParquetFile,
    chunk: ColumnChunk,
    vectors: ClickVectors,
  ): Promise<Uint32Array | null | typeof OUT_OF_ORDER> {
    const connection = this.#connection
    const plan = this.#plan
    const { rows } = this
    const { users, restaurants } = vectors
    rows.clicks.set(arrayOf(vectors.clicks) as Uint8Array)
    let bad = 0
    for (let i = 0; i < chunk.rows; i++) bad |= rows.clicks[i]
    const wrong = bad > 1 ? firstWrongClick(vectors.clicks) : -1
    if (wrong >= 0) throw await wrongLabel(connection, plan, file, fileRow(chunk, wrong))

    if (vectors.weights) await this.#takeWeights(file, chunk, vectors.weights)

    const badContext = this.#context?.encode(vectors.context, 0, chunk.rows, 0)
    if (badContext)
      throw await badValue(connection, file, { ...badContext, row: fileRow(chunk, badContext.row) })

    const missing =
      plan.user.index.lookupInto(wordsOf(users.keys), chunk.rows, rows.users) +
      plan.restaurant.index.lookupInto(wordsOf(restaurants.keys), chunk.rows, rows.restaurants)
    this.#pairs?.encode(rows, vectors, chunk.rows, this.#shape)
    const order = await this.#kept(file, chunk, vectors, missing)
    if (!vectors.groups) return order
    const keys = wordsOf(vectors.groups)
    const groups = rows.groups as Uint32Array
    if (!this.#runs) groups.set(keys)
    else if (!this.#runs.number(keys, groups, order ?? chunk.rows)) return OUT_OF_ORDER
    return order
  }

  async #takeWeights(file: ParquetFile, chunk: ColumnChunk, vector: DuckDBVector): Promise<void> {
    const weights = this.rows.weights as Float32Array
    weights.set(arrayOf(vector) as Float32Array)
    const wrong = firstWrongWeight(vector)
    if (wrong < 0) return
    const at = { row: fileRow(chunk, wrong), found: weights[wrong] }
    throw await wrongWeight(this.#connection, this.#plan.weights!, file, at)
  }

  /** The rows that are kept; null: all are. `missing`: how many have no features. */
  async #kept(
    file: ParquetFile,
    chunk: ColumnChunk,
    vectors: ClickVectors,
    missing: number,
  ): Promise<Uint32Array | null> {
    const { clicks, users, restaurants, groups, weights } = vectors
    const hasNulls = [clicks, users.keys, restaurants.keys, groups, weights].some(
      (vector) => vector && firstNull(vector) >= 0,
    )
    if (missing === 0 && !hasNulls) return null

    const chunkOfClicks = { ...chunk, rowCount: chunk.rows, file, vectors, rows: this.rows }
    const sorted = await sortOut(this.#connection, this.#plan, chunkOfClicks)
    for (const reason of ['noFeatures', 'nulls', 'badPlace'] as const)
      this.dropped[reason] += sorted.dropped[reason]
    return sorted.order
  }
}
