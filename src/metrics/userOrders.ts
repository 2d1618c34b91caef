import { mix32 } from '../random.ts'
import type { OrderRows } from './groupOrders.ts'
import { type OrderJudgement, OrderSums, type Ranking } from './orderSums.ts'

/**
 * Order measures of the rows of each user, which come in any order: they are kept, and sorted at the end. If
 * there are more than fit, those of half of the users go, by a hash of their numbers, as often as it takes.
 */
export class UserOrders {
  readonly #rankings: readonly Ranking[]
  readonly #rowsMax: number
  readonly #users: Uint32Array
  readonly #clicks: Uint8Array
  readonly #scores: Float32Array[]
  #rows = 0
  #share = 1

  /** What it takes of memory, the sorting included. */
  static bytes(rankings: number, { rows, users }: { rows: number; users: number }): number {
    const kept = rows * (4 + 1 + 4 * rankings)
    const sorted = rows * (4 + 1 + 4 * (rankings + 1)) // with the order, and with a column of zeros
    return kept + sorted + 8 * users
  }

  /** `rows`: how many are kept at most. */
  constructor(scored: readonly Ranking[], { rows }: { rows: number }) {
    this.#rankings = scored
    this.#rowsMax = rows
    this.#users = new Uint32Array(rows)
    this.#clicks = new Uint8Array(rows)
    this.#scores = scored.map(() => new Float32Array(rows))
  }

  add({ scores, clicks, count }: OrderRows, users: Uint32Array): void {
    for (let row = 0; row < count; row++) {
      if (!this.#isKept(users[row])) continue
      while (this.#rows === this.#rowsMax) this.#dropHalf()
      if (!this.#isKept(users[row])) continue
      const at = this.#rows++
      this.#users[at] = users[row]
      this.#clicks[at] = clicks[row]
      for (let i = 0; i < scores.length; i++) this.#scores[i][at] = scores[i][row]
    }
  }

  /** Sorts the rows by user, and measures; beside the scored rankings, `random` has all rows equal. */
  judgement(): OrderJudgement {
    return this.sums().judgement(this.share)
  }

  /** The share of the users whose rows are kept. */
  get share(): number {
    return this.#share
  }

  /** What `judgement` is made of; `withLoss` as of `OrderSums`. */
  sums(options: { withLoss?: boolean } = {}): OrderSums {
    const rows = this.#rows
    const { order, starts } = byUser(this.#users.subarray(0, rows))
    const scores = this.#scores.map((column) => gather(column, order, new Float32Array(rows)))
    scores.push(new Float32Array(rows))
    const clicks = gather(this.#clicks, order, new Uint8Array(rows))
    const sums = new OrderSums([...this.#rankings, 'random'], options)
    for (let user = 0; user + 1 < starts.length; user++)
      if (starts[user + 1] > starts[user]) sums.addUnit({ scores, clicks }, starts[user], starts[user + 1])
    return sums
  }

  #isKept(user: number): boolean {
    return this.#share === 1 || mix32(user) >>> 0 < this.#share * 2 ** 32
  }

  #dropHalf(): void {
    this.#share /= 2
    let kept = 0
    for (let row = 0; row < this.#rows; row++) {
      if (!this.#isKept(this.#users[row])) continue
      this.#users[kept] = this.#users[row]
      this.#clicks[kept] = this.#clicks[row]
      for (const column of this.#scores) column[kept] = column[row]
      kept++
    }
    this.#rows = kept
  }
}

/** The rows by user, those of each as they came, and where each user's begin: a counting sort. */
function byUser(users: Uint32Array): { order: Uint32Array; starts: Uint32Array } {
  let most = 0
  for (const user of users) if (user > most) most = user
  const starts = new Uint32Array(most + 2)
  for (const user of users) starts[user + 1]++
  for (let user = 0; user <= most; user++) starts[user + 1] += starts[user]
  const next = starts.slice(0, most + 1)
  const order = new Uint32Array(users.length)
  for (let row = 0; row < users.length; row++) order[next[users[row]]++] = row
  return { order, starts }
}

function gather<T extends Float32Array | Uint8Array>(from: T, order: Uint32Array, to: T): T {
  for (let i = 0; i < order.length; i++) to[i] = from[order[i]]
  return to
}
