import { NearrankError } from '../../errors.ts'
import type { Words } from '../../features/encodeRow.ts'
import type { RateFeature } from '../../features/featureSpec.ts'
import { mixed } from '../../features/pairs/combination.ts'
import { rateNumbers, sumOf } from '../../features/pairs/rate.ts'

/** The rows of one code: how many, and how many of them were clicked. */
export interface CodeCounts {
  rows: number
  clicks: number
}

/** From the counts of a code in all rows and in one fold, to those that a row of that fold may know. */
export type KnownCounts = (all: CodeCounts, fold: CodeCounts) => CodeCounts

/** Those of the other folds. None are left if a model's counts lack rows that it is said to know. */
export const outOfFold: KnownCounts = (all, fold) => {
  const rows = Math.max(0, all.rows - fold.rows)
  return { rows, clicks: Math.min(rows, Math.max(0, all.clicks - fold.clicks)) }
}

/** What a model has counted. */
export interface CountedBefore {
  counts: Pick<RateFeature, 'rows' | 'clicks'> // [buckets]
  rows: number // of those to come, the first so many are among these
}

/** A block of rows that are counted. */
export interface CountedRows {
  clicks: Uint8Array // [rows]
  groups: Uint32Array | undefined // [rows]: the number of each one's group; undefined: it has none
  firstRow: number // how many rows come before
}

/**
 * A rate of training rows: counted in all of them first, then given to each from the rows of other folds. A
 * row's fold is a hash of its number, or of its group's, so it is the same in both passes. Rows of a group
 * are of one fold: in another, the rate of a row would be higher for the click of its neighbour, which tells
 * that it is not the clicked one.
 */
export class FoldedRate {
  readonly pair: RateFeature
  readonly #stride: number // words of a row's context
  readonly #known: KnownCounts
  readonly #folds: { rows: Uint32Array; clicks: Uint32Array } // [folds, buckets]
  readonly #all: { rows: Uint32Array; clicks: Uint32Array } // [buckets]
  readonly #countedRows: number // the first so many are in the counts that these go on from
  #ownRows = 0 // rows that are among those of which their rate is
  #numbers: ReturnType<typeof rateNumbers> | undefined

  /** `before`: counts to go on from, and how many of the rows, the first ones, are in them already. */
  constructor(
    pair: RateFeature,
    stride: number,
    { known = outOfFold, before }: { known?: KnownCounts; before?: CountedBefore | undefined } = {},
  ) {
    const { folds, buckets } = pair
    const counts = (length: number) => ({ rows: new Uint32Array(length), clicks: new Uint32Array(length) })
    this.pair = pair
    this.#stride = stride
    this.#known = known
    this.#folds = counts(folds * buckets)
    this.#all = counts(buckets)
    this.#countedRows = before?.rows ?? 0
    if (before) {
      this.#all.rows.set(before.counts.rows)
      this.#all.clicks.set(before.counts.clicks)
    }
  }

  /** Counts a block of rows; the number of a row's code is at word `at` of its context. */
  count({ clicks, groups, firstRow }: CountedRows, { u32 }: Words, at: number): void {
    const { folds, buckets } = this.pair
    for (let i = 0, word = at; i < clicks.length; i++, word += this.#stride) {
      const bucket = u32[word]
      const cell = foldOf(groups ? groups[i] : firstRow + i, folds) * buckets + bucket
      this.#folds.rows[cell]++
      this.#folds.clicks[cell] += clicks[i]
      if (firstRow + i < this.#countedRows) continue
      this.#all.rows[bucket]++
      this.#all.clicks[bucket] += clicks[i]
    }
  }

  /** The rate with what was counted: what every row but those of training is encoded by. */
  counted(): RateFeature {
    const { rows, clicks } = this.#all
    return { ...this.pair, rows: Array.from(rows), clicks: Array.from(clicks) }
  }

  /** Writes the two numbers of each row of a block over the number of its code. */
  fill({ clicks, groups, firstRow }: CountedRows, { f32, u32 }: Words, at: number): void {
    const { folds, buckets, prior } = this.pair
    this.#numbers ??= rateNumbers({ rows: sumOf(this.#all.rows), clicks: sumOf(this.#all.clicks), prior })
    for (let i = 0, word = at; i < clicks.length; i++, word += this.#stride) {
      const bucket = u32[word]
      const cell = foldOf(groups ? groups[i] : firstRow + i, folds) * buckets + bucket
      const all = { rows: this.#all.rows[bucket], clicks: this.#all.clicks[bucket] }
      const known = this.#known(all, { rows: this.#folds.rows[cell], clicks: this.#folds.clicks[cell] })
      if (known.rows >= all.rows && all.rows > 0) this.#ownRows++
      const [logit, logRows] = this.#numbers(known.rows, known.clicks)
      f32[word] = logit
      f32[word + 1] = logRows
    }
  }

  /** @throws NearrankError INTERNAL if a row is among those of which its rate is: it would know its label. */
  check(): void {
    if (this.#ownRows > 0)
      throw new NearrankError(
        'INTERNAL',
        `the rate ${this.pair.name} of ${this.#ownRows} training rows was computed with their own labels`,
      )
  }
}

function foldOf(number: number, folds: number): number {
  return mixed(Math.floor(number / 2 ** 32), number >>> 0) % folds
}
