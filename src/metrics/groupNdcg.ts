/**
 * NDCG at a depth (Järvelin and Kekäläinen 2002) of rows that come group by group: binary gains, groups
 * without a click left out, mean over the others. Among equal scores the row that came first ranks first.
 */
export class GroupNdcg {
  readonly #discounts: Float64Array
  #group = -1
  #scores: number[] = []
  #clicks: number[] = []
  #sum = 0
  #groups = 0

  constructor(depth = 10) {
    this.#discounts = Float64Array.from({ length: depth }, (_, rank) => 1 / Math.log2(rank + 2))
  }

  /** Adds the first `count` rows; `groups` is the same for all rows of a group, and another for the next. */
  add(scores: Float32Array, clicks: Uint8Array, groups: Uint32Array, count: number): void {
    for (let row = 0; row < count; row++) {
      if (groups[row] !== this.#group) {
        this.#end()
        this.#group = groups[row]
      }
      this.#scores.push(scores[row])
      this.#clicks.push(clicks[row])
    }
  }

  /** Ends the last group; null if no group has a click. */
  mean(): number | null {
    this.#end()
    return this.#groups === 0 ? null : this.#sum / this.#groups
  }

  #end(): void {
    const [scores, clicks] = [this.#scores, this.#clicks]
    const clicked = clicks.reduce((sum, click) => sum + click, 0)
    if (clicked > 0) {
      let [gain, best] = [0, 0]
      for (const [row, click] of clicks.entries()) {
        if (click === 0) continue
        const rank = rankOf(scores, row)
        if (rank < this.#discounts.length) gain += this.#discounts[rank]
      }
      for (const discount of this.#discounts.subarray(0, clicked)) best += discount
      this.#sum += gain / best
      this.#groups++
    }
    this.#scores = []
    this.#clicks = []
  }
}

/** How many rows come before it. */
function rankOf(scores: number[], row: number): number {
  let before = 0
  for (const [other, score] of scores.entries())
    if (score > scores[row] || (score === scores[row] && other < row)) before++
  return before
}
