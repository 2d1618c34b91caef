import { NearrankError } from '../../errors.ts'
import { ClusteredSums, groupsInto, type GroupedRows } from '../../metrics/clusteredSums.ts'
import { logLossesInto } from '../../metrics/logLoss.ts'
import { Placements } from '../../metrics/placements.ts'
import type { MixedScores } from './scoreMixed.ts'

/** How much worse a model is on rows with some inputs of other rows, each with its standard error. */
export interface Worsening {
  logLossIncrease: number
  logLossError: number | null // null: of one row there is none
  aucDecrease: number | null // null: all rows are clicks, or none is
  aucError: number | null
}

/** Sums of the changes that each of some mixes makes to a row, over blocks of rows. */
export class ImportanceSums {
  readonly #names: string[]
  readonly #repeats: number
  readonly #blockRows: number
  readonly #losses: Float64Array // of the block's rows as they are
  readonly #placements: Float64Array // the same
  readonly #mixed: Float64Array // either of them, with a donor
  readonly #lossChanges: Float64Array // [mixes, blockRows]: means over the donors so far
  readonly #placementChanges: Float64Array
  readonly #placing: Placements
  readonly #grouped: GroupedRows
  readonly #ones: Float64Array
  readonly #counts = new ClusteredSums()
  readonly #sums: { loss: ClusteredSums; placement: ClusteredSums }[]

  /** `names`: of the mixes, for messages. */
  constructor(names: string[], { blockRows, repeats }: { blockRows: number; repeats: number }) {
    this.#names = names
    this.#repeats = repeats
    this.#blockRows = blockRows
    this.#losses = new Float64Array(blockRows)
    this.#placements = new Float64Array(blockRows)
    this.#mixed = new Float64Array(blockRows)
    this.#lossChanges = new Float64Array(names.length * blockRows)
    this.#placementChanges = new Float64Array(names.length * blockRows)
    this.#placing = new Placements(blockRows)
    this.#grouped = {
      clicks: new Uint8Array(blockRows),
      users: new Uint16Array(blockRows),
      restaurants: new Uint16Array(blockRows),
      rows: 0,
    }
    this.#ones = new Float64Array(blockRows).fill(1)
    this.#sums = names.map(() => ({ loss: new ClusteredSums(), placement: new ClusteredSums() }))
  }

  /** What a pass of so many mixes takes, at most. */
  static bytes(mixes: number, blockRows: number): number {
    return mixes * (2 * 8 * blockRows + 64 * 1024) + 64 * blockRows
  }

  /** Adds a block; its repeats must come one after the other. @throws NearrankError NOT_FINITE */
  add(scores: MixedScores): void {
    const { rows, repeat } = scores
    if (repeat === 0) this.#begin(scores)
    const { clicks } = this.#grouped
    const mixed = this.#mixed
    for (let mix = 0; mix < this.#names.length; mix++) {
      const logits = scores.logitsOf(mix + 1)
      const first = mix * this.#blockRows
      logLossesInto(mixed, logits, clicks, rows)
      this.#checkFinite(mix, rows)
      addDifferences(this.#lossChanges, first, mixed, this.#losses, rows, 1 / this.#repeats)
      this.#placing.placeInto(mixed, logits, clicks, rows)
      addDifferences(this.#placementChanges, first, this.#placements, mixed, rows, 1 / this.#repeats)
    }
    if (repeat === this.#repeats - 1) this.#end()
  }

  /** Of each mix. */
  result(): Worsening[] {
    const counts = [this.#counts.sum(0), this.#counts.sum(1)] as const
    const all = counts[0] + counts[1]
    return this.#sums.map(({ loss, placement }): Worsening => {
      const increase = (loss.sum(0) + loss.sum(1)) / all
      const even = { weights: [1 / all, 1 / all], means: [increase, increase] } as const
      const means = [placement.sum(0) / counts[0], placement.sum(1) / counts[1]] as const
      const byClass = { weights: [1 / counts[0], 1 / counts[1]], means } as const
      const hasBoth = counts[0] > 0 && counts[1] > 0
      return {
        logLossIncrease: increase,
        logLossError: all > 1 ? loss.standardError(even, this.#counts) : null,
        aucDecrease: hasBoth ? (means[0] + means[1]) / 2 : null,
        aucError: hasBoth ? placement.standardError(byClass, this.#counts) : null,
      }
    })
  }

  /** Keeps what is known of a block's rows without any donor. */
  #begin({ columns, rows, logitsOf }: MixedScores): void {
    const grouped = this.#grouped
    grouped.rows = rows
    grouped.clicks.set(columns.clicks.subarray(0, rows))
    groupsInto(grouped.users, columns.users, rows)
    groupsInto(grouped.restaurants, columns.restaurants, rows)
    const logits = logitsOf(0)
    logLossesInto(this.#losses, logits, grouped.clicks, rows)
    this.#placing.placeInto(this.#placements, logits, grouped.clicks, rows)
    this.#lossChanges.fill(0)
    this.#placementChanges.fill(0)
  }

  #end(): void {
    const grouped = this.#grouped
    for (const [mix, { loss, placement }] of this.#sums.entries()) {
      loss.add(this.#lossChanges, mix * this.#blockRows, grouped)
      placement.add(this.#placementChanges, mix * this.#blockRows, grouped)
    }
    this.#counts.add(this.#ones, 0, grouped)
  }

  #checkFinite(mix: number, rows: number): void {
    let sum = 0
    for (let row = 0; row < rows; row++) sum += this.#mixed[row]
    if (!Number.isFinite(sum))
      throw new NearrankError(
        'NOT_FINITE',
        `Cannot measure the importance of ${this.#names[mix]}: every logit must be a finite number, but with its values of another row one is not; check the weights and that feature's values`,
      )
  }
}

/** Adds (a − b) · share of each row to `to`, from `first` on. */
function addDifferences(
  to: Float64Array,
  first: number,
  a: Float64Array,
  b: Float64Array,
  rows: number,
  share: number,
): void {
  for (let row = 0; row < rows; row++) to[first + row] += (a[row] - b[row]) * share
}
