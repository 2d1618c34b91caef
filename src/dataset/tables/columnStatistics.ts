/**
 * Means and standard deviations (of the population) of columns, block
 * after block (Chan, Golub & LeVeque 1979).
 */
export class ColumnStatistics {
  readonly mean: Float64Array // [columns]
  readonly #squares: Float64Array // [columns], sums of squared distances to the mean
  readonly #skipped: number // words of a row behind its columns
  #rows = 0

  /** `stride`: words from row to row. */
  constructor(columns: number, stride = columns) {
    this.#skipped = stride - columns
    this.mean = new Float64Array(columns)
    this.#squares = new Float64Array(columns)
  }

  /** `block`: [rows, stride]. The same blocks give the same bits. */
  add(block: Float32Array, rows: number): void {
    const columns = this.mean.length
    if (rows === 0) return
    const before = this.#rows
    this.#rows += rows
    const sums = new Float64Array(columns)
    for (let row = 0, at = 0; row < rows; row++, at += this.#skipped)
      for (let k = 0; k < columns; k++) sums[k] += block[at++]
    for (let k = 0; k < columns; k++) sums[k] /= rows
    const squares = new Float64Array(columns)
    for (let row = 0, at = 0; row < rows; row++, at += this.#skipped)
      for (let k = 0; k < columns; k++) {
        const distance = block[at++] - sums[k]
        squares[k] += distance * distance
      }
    for (let k = 0; k < columns; k++) {
      const shift = sums[k] - this.mean[k]
      this.mean[k] += (shift * rows) / this.#rows
      this.#squares[k] += squares[k] + (shift * shift * before * rows) / this.#rows
    }
  }

  standardDeviation(): Float64Array {
    return this.#squares.map((sum) => Math.sqrt(sum / Math.max(1, this.#rows)))
  }
}
