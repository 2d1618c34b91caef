import type { DuckDBVector } from '@duckdb/node-api'
import { BIGINT, FLOAT, INTEGER, UBIGINT, VARCHAR } from '../parquet/duckdbApi.ts'
import { arrayOf } from '../parquet/duckdb.ts'
import { type ParquetColumnSource, writeParquet } from '../parquet/parquetWriter.ts'
import { type FeatureTable, readIds, readKeys, type Tables } from '../tables/readTables.ts'
import { checkAborted } from './checkAborted.ts'
import type { Spool } from './spool.ts'

/** Words of a line in the spool: user and restaurant as rows of their tables, rank, score and metres. */
export const LINE_WORDS = { user: 0, restaurant: 1, rank: 2, score: 3, distanceM: 4 } as const
export const LINE_WIDTH = 5

/** Writes the ids of some rows of a table to a vector. */
type IdsInto = (vector: DuckDBVector, lines: Uint32Array, word: number, count: number) => void

/** Writes ranked lists as Parquet, a line for each restaurant of a list. */
export class ListWriter {
  readonly #columns: ParquetColumnSource[]
  readonly #users: IdsInto
  readonly #restaurants: IdsInto

  /** `names`: of the columns with the ids. Reads all ids. */
  static async open(tables: Tables, names: { userId: string; restaurantId: string }): Promise<ListWriter> {
    const [users, restaurants] = [await idsOf(tables.users), await idsOf(tables.restaurants)]
    return new ListWriter(tables, names, users, restaurants)
  }

  private constructor(
    tables: Tables,
    { userId, restaurantId }: { userId: string; restaurantId: string },
    users: IdsInto,
    restaurants: IdsInto,
  ) {
    this.#columns = [
      { name: userId, type: typeOf(tables.users) },
      { name: 'rank', type: INTEGER },
      { name: restaurantId, type: typeOf(tables.restaurants) },
      { name: 'score', type: FLOAT },
      { name: 'distance_m', type: FLOAT, sql: `CASE WHEN NOT isnan(distance_m) THEN distance_m END` },
    ]
    this.#users = users
    this.#restaurants = restaurants
  }

  /** Writes `lines` lines of the spool, on the disk when this returns. @throws NearrankError DISK */
  async write(path: string, spool: Spool, lines: number, signal: AbortSignal | undefined): Promise<void> {
    await writeParquet(path, {
      columns: this.#columns,
      rows: lines,
      fillInto: ([users, ranks, restaurants, scores, distances], _start, count) => {
        checkAborted(signal)
        const words = new Uint32Array(count * LINE_WIDTH)
        spool.nextInto(words)
        this.#users(users, words, LINE_WORDS.user, count)
        this.#restaurants(restaurants, words, LINE_WORDS.restaurant, count)
        const floats = new Float32Array(words.buffer)
        copyColumn(arrayOf(ranks) as Int32Array, words, LINE_WORDS.rank, count)
        copyColumn(arrayOf(scores) as Float32Array, floats, LINE_WORDS.score, count)
        copyColumn(arrayOf(distances) as Float32Array, floats, LINE_WORDS.distanceM, count)
        for (const vector of [ranks, scores, distances]) vector.flush()
      },
    })
  }
}

function typeOf({ idKey }: FeatureTable) {
  return idKey === 'MD5' ? VARCHAR : idKey === 'UBIGINT' ? UBIGINT : BIGINT
}

async function idsOf(table: FeatureTable): Promise<IdsInto> {
  if (table.idKey === 'MD5') {
    const ids = await readIds(table)
    return (vector, lines, word, count) => {
      for (let i = 0; i < count; i++) vector.setItem(i, String(ids.idAt(lines[i * LINE_WIDTH + word])))
      vector.flush()
    }
  }
  const keys = await readKeys(table) // the ids themselves, [rows, 2]
  return (vector, lines, word, count) => {
    const { buffer, byteOffset } = arrayOf(vector)
    const to = new Uint32Array(buffer, byteOffset, 2 * count)
    for (let i = 0; i < count; i++) {
      const row = lines[i * LINE_WIDTH + word]
      to[2 * i] = keys[2 * row]
      to[2 * i + 1] = keys[2 * row + 1]
    }
    vector.flush()
  }
}

function copyColumn(
  to: Int32Array | Float32Array,
  from: Uint32Array | Float32Array,
  word: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) to[i] = from[i * LINE_WIDTH + word]
}
