const BINS = 20

/**
 * Expected calibration error (Naeini et al. 2015) over 20 bins of equal width in probability:
 * the mean over the rows of |click rate − mean predicted probability| of the row's bin.
 */
export class Calibration {
  readonly #rows = new Float64Array(BINS)
  readonly #clicks = new Float64Array(BINS)
  readonly #probabilities = new Float64Array(BINS) // sums

  /** Adds `count` rows: `probabilities` from 0 on, `clicks` from `clickStart` on. */
  add(probabilities: Float64Array, clicks: Uint8Array, clickStart: number, count: number): void {
    addToBins(this.#rows, this.#clicks, this.#probabilities, probabilities, clicks, clickStart, count)
  }

  /** NaN without rows. */
  error(): number {
    let rows = 0
    let gap = 0
    for (let bin = 0; bin < BINS; bin++) {
      rows += this.#rows[bin]
      gap += Math.abs(this.#clicks[bin] - this.#probabilities[bin])
    }
    return gap / rows
  }
}

function addToBins(
  binRows: Float64Array,
  binClicks: Float64Array,
  binProbabilities: Float64Array,
  probabilities: Float64Array,
  clicks: Uint8Array,
  clickStart: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const probability = probabilities[i]
    const bin = probability < 1 ? (probability * BINS) | 0 : BINS - 1
    binRows[bin]++
    binClicks[bin] += clicks[clickStart + i]
    binProbabilities[bin] += probability
  }
}
