import { GROUP_LOSSES, type Kernels } from '../../kernels/kernels.ts'
import type { Arena } from '../memory/arena.ts'
import type { WeightMeans } from '../settings/weightMeans.ts'
import type { TrainSettings } from '../types.ts'
import type { BatchRows } from './rowPass.ts'

/** Losses of groups, from the logits of a batch that is made of whole ones. On one thread. */
export class GroupPass {
  readonly #arena: Arena
  readonly #kernels: Kernels
  readonly #kind: number
  readonly #settings: TrainSettings
  readonly #weights: WeightMeans | null
  readonly #scratch: number
  readonly #stats: Float64Array
  readonly #words: Uint32Array // the whole memory

  /** Null: the rows are learned one by one. */
  static of(
    arena: Arena,
    { kernels, memory }: { kernels: Kernels; memory: WebAssembly.Memory },
    thread: number,
    settings: TrainSettings | null,
    weights: WeightMeans | null, // null: each row counts once
  ): GroupPass | null {
    if (!settings || settings.loss === 'logistic') return null
    return new GroupPass(arena, { kernels, memory }, thread, settings, weights)
  }

  private constructor(
    arena: Arena,
    { kernels, memory }: { kernels: Kernels; memory: WebAssembly.Memory },
    thread: number,
    settings: TrainSettings,
    weights: WeightMeans | null,
  ) {
    this.#arena = arena
    this.#kernels = kernels
    this.#settings = settings
    this.#weights = weights
    this.#kind = GROUP_LOSSES[settings.loss as keyof typeof GROUP_LOSSES]
    this.#scratch = arena.order!.scratch[thread]
    this.#stats = new Float64Array(memory.buffer, arena.slices.stats, arena.slices.count * 4)
    this.#words = new Uint32Array(memory.buffer)
  }

  /**
   * Leaves the gradients at the logits of the groups that begin in a slice, rows [first, first + rows) of the
   * batch, and their statistics as the slice's.
   */
  slice(slice: number, { slot, from, rows: batchRows }: BatchRows, first: number, rows: number): void {
    const { order, slices } = this.#arena
    const groups = slot.rows.groups / 4 + from
    const start = this.#groupStart(groups, first, batchRows)
    const end = this.#groupStart(groups, first + rows, batchRows)
    this.#stats.fill(0, 4 * slice, 4 * slice + 4)
    const { ndcgAt, pairwiseWeight } = this.#settings
    this.#kernels.groupLoss(
      this.#kind,
      slot.logits + 4 * (from + start),
      slot.rows.clicks + from + start,
      4 * (groups + start),
      end - start,
      order!.deltas + 4 * start,
      this.#scratch,
      1 / batchRows,
      ndcgAt,
      pairwiseWeight,
      slices.stats + 32 * slice,
      this.#weights ? slot.rows.weights + 4 * (from + start) : 0,
      this.#weights?.rows ?? 1,
      this.#weights?.clicks ?? 1,
    )
  }

  /** The first row from `row` on that begins a group. */
  #groupStart(groups: number, row: number, rows: number): number {
    let start = row
    if (start > 0)
      while (start < rows && this.#words[groups + start] === this.#words[groups + start - 1]) start++
    return start
  }
}
