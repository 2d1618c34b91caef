import { OrderSums, type Ranking } from './orderSums.ts'

const ROWS = 1024 // to begin with: groups that packing makes are no longer

/** The columns of rows that come in pieces. */
export interface OrderRows {
  scores: readonly Float32Array[] // of the scored rankings
  clicks: Uint8Array
  count: number // the first rows of each
}

/**
 * Order measures of rows that come group by group. Beside the rankings that scores make, `logged` is the
 * order in which the rows of a group come, and `random` has all rows equal.
 */
export class GroupOrders {
  readonly sums: OrderSums
  readonly #scored: number
  #scores: Float32Array[] // [ranking]: of the group at hand
  #clicks = new Uint8Array(ROWS)
  #rows = 0
  #group = -1

  /** `scored`: the rankings that have scores. */
  constructor(
    scored: readonly Ranking[],
    others: readonly ('logged' | 'random')[],
    options: { withLoss?: boolean } = {},
  ) {
    this.sums = new OrderSums([...scored, ...others], options)
    this.#scored = scored.length
    this.#scores = [
      ...scored.map(() => new Float32Array(ROWS)),
      ...others.map((other) => othersScores(other, ROWS)),
    ]
  }

  /** Adds rows; `groups` is the same for all rows of a group, and another for the next. */
  add({ scores, clicks, count }: OrderRows, groups: Uint32Array): void {
    for (let start = 0, end = 0; start < count; start = end) {
      const group = groups[start]
      if (group !== this.#group) this.end()
      this.#group = group
      while (end < count && groups[end] === group) end++
      this.#take(scores, clicks, start, end)
    }
  }

  /** Ends the last group. */
  end(): void {
    if (this.#rows > 0) this.sums.addUnit({ scores: this.#scores, clicks: this.#clicks }, 0, this.#rows)
    this.#rows = 0
  }

  #take(scores: readonly Float32Array[], clicks: Uint8Array, start: number, end: number): void {
    const rows = this.#rows + end - start
    while (rows > this.#clicks.length) this.#grow()
    for (let i = 0; i < this.#scored; i++) copy(this.#scores[i], this.#rows, scores[i], start, end)
    copy(this.#clicks, this.#rows, clicks, start, end)
    this.#rows = rows
  }

  #grow(): void {
    const size = 2 * this.#clicks.length
    this.#clicks = grown(this.#clicks, new Uint8Array(size))
    const others = this.sums.rankings.slice(this.#scored) as ('logged' | 'random')[]
    this.#scores = [
      ...this.#scores.slice(0, this.#scored).map((old) => grown(old, new Float32Array(size))),
      ...others.map((other) => othersScores(other, size)),
    ]
  }
}

function othersScores(ranking: 'logged' | 'random', rows: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => (ranking === 'logged' ? -row : 0))
}

function grown<T extends Float32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}

// Groups are short: a loop costs less than views of both.
function copy<T extends Float32Array | Uint8Array>(to: T, at: number, from: T, start: number, end: number) {
  for (let row = start; row < end; row++) to[at + row - start] = from[row]
}
