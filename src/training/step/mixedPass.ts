import { type Arena, BLOCK_ROWS, type RingSlot } from '../memory/arena.ts'
import type { RowPass } from './rowPass.ts'

/** Scores rows as they are, and again with some inputs of other rows, on one thread. */
export class MixedPass {
  readonly #rowPass: RowPass
  readonly #chunkRows: number
  readonly #stride: number // floats from row to row of the block
  readonly #x: Float32Array // [BLOCK_ROWS, stride]: what the network sees
  readonly #own: Float32Array // the same, of the rows themselves
  readonly #donors: Float32Array // the same, of the rows that give inputs

  constructor({ ring, scratch }: Arena, rowPass: RowPass, floats: Float32Array, thread: number) {
    const { at, ld } = scratch[thread].x
    this.#rowPass = rowPass
    this.#chunkRows = ring.chunkRows
    this.#stride = ld
    this.#x = floats.subarray(at / 4, at / 4 + BLOCK_ROWS * ld)
    this.#own = new Float32Array(BLOCK_ROWS * ld)
    this.#donors = new Float32Array(BLOCK_ROWS * ld)
  }

  /**
   * Logits of rows [from, from + rows) of `own`, into its `logits`: first as they are, then for each of
   * `mixes` with those inputs of the row of `donors` at the same place.
   */
  score(
    { own, donors }: { own: RingSlot; donors: RingSlot },
    from: number,
    rows: number,
    mixes: readonly Uint32Array[],
  ): void {
    const x = this.#x
    const stride = this.#stride
    for (let row = from; row < from + rows; row += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, from + rows - row)
      this.#rowPass.gather(donors, row, count)
      this.#donors.set(x)
      this.#rowPass.gather(own, row, count)
      this.#own.set(x)
      let at = own.logits + 4 * row
      this.#rowPass.logits(at, count)
      for (const inputs of mixes) {
        at += 4 * this.#chunkRows
        copyColumns(x, this.#donors, inputs, count, stride)
        this.#rowPass.logits(at, count)
        copyColumns(x, this.#own, inputs, count, stride)
      }
    }
  }
}

function copyColumns(
  to: Float32Array,
  from: Float32Array,
  columns: Uint32Array,
  rows: number,
  stride: number,
): void {
  for (let row = 0, first = 0; row < rows; row++, first += stride)
    for (let k = 0; k < columns.length; k++) to[first + columns[k]] = from[first + columns[k]]
}
