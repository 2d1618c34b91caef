import { logLossesInto } from './logLoss.ts'

/** The log loss of rows that count differently, streamed. */
export class WeightedLogLoss {
  #losses = new Float64Array(0)
  #lossSum = 0
  #weightSum = 0

  /** Adds rows 0 … `count` − 1 of the arrays. */
  add(logits: Float32Array, clicks: Uint8Array, weights: Float32Array, count: number): void {
    if (this.#losses.length < count) this.#losses = new Float64Array(count)
    const losses = this.#losses
    logLossesInto(losses, logits, clicks, count)
    for (let row = 0; row < count; row++) {
      this.#lossSum += weights[row] * losses[row]
      this.#weightSum += weights[row]
    }
  }

  /** Null if no row counts anything. */
  mean(): number | null {
    return this.#weightSum > 0 ? this.#lossSum / this.#weightSum : null
  }
}
