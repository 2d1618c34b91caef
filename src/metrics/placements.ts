const ROWS_MAX = 2 ** 16 // an index beside a key of 32 bits: together exact in a float64

/**
 * Places each row among those of the other class: for a click the share of the other rows that score lower,
 * for another row the share of clicks that score higher; equal scores count half. The mean over the clicks,
 * and that over the others, is the AUC (DeLong, DeLong and Clarke-Pearson 1988).
 */
export class Placements {
  readonly #logits: Float32Array
  readonly #bits: Uint32Array // of #logits
  readonly #sorted: Float64Array

  /** `rows`: how many a call places at most, up to 65,536. */
  constructor(rows: number) {
    const size = Math.min(rows, ROWS_MAX)
    this.#logits = new Float32Array(size)
    this.#bits = new Uint32Array(this.#logits.buffer)
    this.#sorted = new Float64Array(size)
  }

  /**
   * Writes the placements of the first `rows` rows to `to`; 0.5 each where all rows are of one class. Logits
   * must be finite. Cost: a sort, 140 ns a row of 32,768.
   */
  placeInto(to: Float64Array, logits: Float32Array, clicks: Uint8Array, rows: number): void {
    const sorted = this.#sorted.subarray(0, rows)
    for (let row = 0; row < rows; row++) {
      this.#logits[row] = logits[row] + 0 // no −0
      const bits = this.#bits[row]
      sorted[row] = ((bits ^ ((bits | 0) < 0 ? 0xffffffff : 0x80000000)) >>> 0) * ROWS_MAX + row
    }
    sorted.sort()
    let clickCount = 0
    for (let row = 0; row < rows; row++) clickCount += clicks[row]
    const otherCount = rows - clickCount
    if (clickCount === 0 || otherCount === 0) {
      to.fill(0.5, 0, rows)
      return
    }
    let clicksBelow = 0
    let othersBelow = 0
    for (let start = 0, end = 0; start < rows; start = end) {
      const key = Math.floor(sorted[start] / ROWS_MAX)
      let equalClicks = 0
      for (; end < rows && Math.floor(sorted[end] / ROWS_MAX) === key; end++)
        equalClicks += clicks[sorted[end] % ROWS_MAX]
      const equalOthers = end - start - equalClicks
      const ofClick = (othersBelow + equalOthers / 2) / otherCount
      const ofOther = 1 - (clicksBelow + equalClicks / 2) / clickCount
      for (let i = start; i < end; i++) {
        const row = sorted[i] % ROWS_MAX
        to[row] = clicks[row] === 1 ? ofClick : ofOther
      }
      clicksBelow += equalClicks
      othersBelow += equalOthers
    }
  }
}
