import type { DuckDBVector } from '@duckdb/node-api'
import { FIRST_CODE } from '../../features/rowShape.ts'
import { wordsOf } from '../parquet/duckdb.ts'
import { IdIndex, NO_ROW } from './idIndex.ts'

/** DuckDB keeps a text of up to so many bytes in its vector: 16 bytes, its length first, zeros behind. */
const INLINE_BYTES = 12
const TEXT_WORDS = 4

/**
 * The codes of a category's short values, found by the bytes that DuckDB has of them. To make a string of
 * each and look that up took twice as long for a whole table, and the strings are garbage.
 */
export class TextCodes {
  readonly #codes: Uint32Array // of each value in the index
  readonly #index: IdIndex
  #found = new Uint32Array(0)

  constructor(values: readonly string[]) {
    const codes: number[] = []
    const keys = new Uint32Array(values.length * TEXT_WORDS)
    const bytes = new Uint8Array(keys.buffer)
    for (const [i, value] of values.entries()) {
      if (!isItsBytes(value) || Buffer.byteLength(value) > INLINE_BYTES) continue
      const word = codes.length * TEXT_WORDS
      keys[word] = Buffer.from(bytes.buffer, 4 * word + 4, INLINE_BYTES).write(value)
      codes.push(FIRST_CODE + i)
    }
    this.#codes = Uint32Array.from(codes)
    this.#index = new IdIndex(keys.subarray(0, codes.length * TEXT_WORDS), TEXT_WORDS)
  }

  /**
   * The codes of the texts of a vector from `start` to before `end`; NO_ROW for those that are not among the
   * short values, and of nulls what happens to be there. Valid until the next call.
   */
  codesOf(vector: DuckDBVector, start: number, end: number): Uint32Array {
    const count = end - start
    if (this.#found.length < count) this.#found = new Uint32Array(count)
    const found = this.#found
    const keys = wordsOf(vector).subarray(TEXT_WORDS * start, TEXT_WORDS * end)
    this.#index.lookupInto(keys, count, found)
    for (let i = 0; i < count; i++) if (found[i] !== NO_ROW) found[i] = this.#codes[found[i]]
    return found
  }
}

/** Whether its bytes decode to it: decoding drops a mark at the start, and replaces lone halves. */
function isItsBytes(value: string): boolean {
  return value.isWellFormed() && !value.startsWith('\uFEFF')
}
