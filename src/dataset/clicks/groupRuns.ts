import { KeyNumbers } from './keyNumbers.ts'

/** Rows that a group has at most; a longer one is learned in parts of so many. */
export const GROUP_ROWS_MAX = 1024
/** Ranks of a group that its loss may look at. A rank takes a search through the group. */
export const NDCG_AT_MAX = 100
/** Runs of rows whose groups are remembered. */
const RUNS_MAX = 4 * 2 ** 20
/** What these take: 16 bytes each, and half of it once more while they grow. Sorting begins without them. */
export const GROUP_RUNS_BYTES = 24 * RUNS_MAX

/**
 * Numbers the groups of clicks that come in the order of the files: 0, 1, 2, … as long as the rows of each
 * come one after the other.
 */
export class GroupRuns {
  /** Groups that are longer than `GROUP_ROWS_MAX`. */
  split = 0
  readonly #runs = new KeyNumbers()
  #number = -1 // of the group at hand
  #rows = 0 // of the part of it that has this number
  #isSplit = false
  #low = 0
  #high = 0
  #isFileStart = true

  /** No group goes on in the next file: rows that do would be in two blocks. */
  startFile(): void {
    this.#isFileStart = true
  }

  /**
   * Writes the number of the group of each row to `groups`. `keys`: u64 [rows] as words, low ones first.
   * `taken`: how many rows there are, or which of them count, in their order.
   * @returns false if a group comes a second time, or if there are too many to tell.
   */
  number(keys: Uint32Array, groups: Uint32Array, taken: number | Uint32Array): boolean {
    const order = typeof taken === 'number' ? null : taken
    const count = typeof taken === 'number' ? taken : taken.length
    for (let i = 0; i < count; i++) {
      const row = order ? order[i] : i
      const [low, high] = [keys[2 * row], keys[2 * row + 1]]
      const goesOn = !this.#isFileStart && low === this.#low && high === this.#high
      if (!goesOn) {
        const seen = this.#runs.size
        if (seen === RUNS_MAX || this.#runs.numberOf(low, high) < seen) return false
        this.#isFileStart = false
        this.#isSplit = false
        this.#low = low
        this.#high = high
      } else if (this.#rows === GROUP_ROWS_MAX && !this.#isSplit) {
        this.#isSplit = true
        this.split++
      }
      if (!goesOn || this.#rows === GROUP_ROWS_MAX) {
        this.#number++
        this.#rows = 0
      }
      this.#rows++
      groups[row] = this.#number
    }
    return true
  }
}
