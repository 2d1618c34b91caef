import { mix32 } from '../random.ts'

/** Clusters are users, and restaurants; by number they fall into so many groups at random. */
const GROUPS = 1024
const CLASSES = 2 // 0: no click, 1: click

/** Rows of a block: their class, and the group of their user and of their restaurant. */
export interface GroupedRows {
  clicks: Uint8Array
  users: Uint16Array
  restaurants: Uint16Array
  rows: number
}

/** What an estimate says of each class: the weight of a row, and the mean of its values. */
export interface ClassWeights {
  weights: readonly [number, number]
  means: readonly [number, number]
}

/** Writes the group of each of the first `rows` users or restaurants, given by their row of the table. */
export function groupsInto(to: Uint16Array, tableRows: Uint32Array, rows: number): void {
  for (let row = 0; row < rows; row++) to[row] = mix32(tableRows[row]) & (GROUPS - 1)
}

/**
 * Sums of a value of each row, by class and by groups of users and of restaurants: what a mean and its
 * standard error are made of. Memory: 32 KiB, for any number of rows.
 */
export class ClusteredSums {
  readonly #users = new Float64Array(GROUPS * CLASSES)
  readonly #restaurants = new Float64Array(GROUPS * CLASSES)
  readonly #squares = new Float64Array(CLASSES)

  /** Adds the values of a block's rows, from `first` on. */
  add(values: Float64Array, first: number, { clicks, users, restaurants, rows }: GroupedRows): void {
    for (let row = 0; row < rows; row++) {
      const value = values[first + row]
      const click = clicks[row]
      this.#users[CLASSES * users[row] + click] += value
      this.#restaurants[CLASSES * restaurants[row] + click] += value
      this.#squares[click] += value * value
    }
  }

  /** The sum over the rows of a class. */
  sum(click: 0 | 1): number {
    let sum = 0
    for (let at: number = click; at < this.#users.length; at += CLASSES) sum += this.#users[at]
    return sum
  }

  /**
   * The standard error of Σ weight · value over the rows, which are alike if they have the user or the
   * restaurant in common: the variance by users plus that by restaurants less that of single rows (Cameron,
   * Gelbach and Miller 2011), and never below the last. `counts`: the sums of 1 over the same rows. NaN for
   * fewer than two rows.
   */
  standardError({ weights, means }: ClassWeights, counts: ClusteredSums): number {
    const spread = ([0, 1] as const).map((click) => {
      const own = this.#squares[click] - 2 * means[click] * this.sum(click)
      return weights[click] ** 2 * (own + means[click] ** 2 * counts.sum(click))
    })
    const rows = counts.sum(0) + counts.sum(1)
    const alone = (Math.max(0, spread[0] + spread[1]) * rows) / (rows - 1)
    const byUser = groupVariance(this.#users, counts.#users, { weights, means })
    const byRestaurant = groupVariance(this.#restaurants, counts.#restaurants, { weights, means })
    return Math.sqrt(Math.max(alone, (byUser ?? alone) + (byRestaurant ?? alone) - alone))
  }
}

/** Undefined: all rows are of one group. */
function groupVariance(
  sums: Float64Array,
  counts: Float64Array,
  { weights, means }: ClassWeights,
): number | undefined {
  let groups = 0
  let squares = 0
  for (let at = 0; at < sums.length; at += CLASSES) {
    if (counts[at] + counts[at + 1] === 0) continue
    const none = weights[0] * (sums[at] - means[0] * counts[at])
    const click = weights[1] * (sums[at + 1] - means[1] * counts[at + 1])
    squares += (none + click) ** 2
    groups++
  }
  return groups > 1 ? (squares * groups) / (groups - 1) : undefined
}
