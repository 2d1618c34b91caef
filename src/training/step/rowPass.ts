import type { Kernels } from '../../kernels/kernels.ts'
import { gemmRows } from '../../model/layout.ts'
import type { WeightMeans } from '../settings/weightMeans.ts'
import { type Arena, BLOCK_ROWS, productOf, type RingSlot, type Scratch } from '../memory/arena.ts'
import { outputBias } from './fold.ts'
import { InputPass } from './inputPass.ts'
import {
  asIs,
  fromRow,
  gemm,
  gemmOnes,
  type GemmOperands,
  hidden,
  type HiddenOperands,
  type Matrix,
  repeated,
  transposed,
} from './operands.ts'

/** The rows [from, from + rows) of a slot that one step learns from. */
export interface BatchRows {
  slot: RingSlot
  from: number
  rows: number
}

/** Words of a slice's statistics, float64. */
export const SLICE_STATS = { loss: 0, delta: 1, correct: 2, digest: 3 } as const

/** The way through one hidden segment, planned for one thread. */
interface SegmentPass {
  input: Matrix // [BLOCK_ROWS, inputs and a 1]
  inputs: number
  outputs: number
  rows: number // of the product, bias row included
  forward: GemmOperands | null // null: the last one, which `last` goes through
  back: GemmOperands | null // from its outputs' gradient to its inputs'; null: the first one
  first: GemmOperands[] // by slice: its product's gradient, of the first block
  further: GemmOperands[] // by slice: added to what is there
}

/** The way of rows through the folded network, forward and backward, on one thread. */
export class RowPass {
  readonly #arena: Arena
  readonly #kernels: Kernels
  readonly #weights: WeightMeans | null
  readonly #scratch: Scratch
  readonly #segments: SegmentPass[]
  readonly #last: HiddenOperands | null // null: there is no hidden layer
  readonly #bias: () => number
  readonly #stats: Float64Array
  readonly #floats: Float32Array // the whole memory
  // by slice: gradients of the output weights, if there is no hidden layer
  readonly #linearSums: Float32Array[]
  readonly #inputs: InputPass | null // null: there is nothing but the tables' numbers

  /** `weights`: of rows that come with weights; null: each row counts once. */
  constructor(
    arena: Arena,
    kernels: Kernels,
    memory: WebAssembly.Memory,
    thread: number,
    weights: WeightMeans | null = null,
  ) {
    const { slices } = arena
    this.#arena = arena
    this.#kernels = kernels
    this.#weights = weights
    this.#scratch = arena.scratch[thread]
    this.#segments = planSegments(arena, this.#scratch)
    this.#last = planLast(arena, this.#scratch)
    this.#bias = outputBias(arena, memory)
    this.#stats = new Float64Array(memory.buffer, slices.stats, Math.max(slices.count, 1) * 4)
    this.#floats = new Float32Array(memory.buffer)
    const hasOthers = arena.context !== null || arena.layout.embeddings.length > 0
    this.#inputs = hasOthers ? new InputPass(arena, kernels, thread) : null
    this.#linearSums = slices.sums.map(([{ at, ld }]) => new Float32Array(memory.buffer, at, ld))
  }

  /** Logits of rows [from, from + rows) of a slot, into its `logits`. */
  score(slot: RingSlot, from: number, rows: number): void {
    for (let done = 0; done < rows; done += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - done)
      this.gather(slot, from + done, count)
      this.logits(slot.logits + 4 * (from + done), count)
    }
  }

  /** Logits at `at` of a block of rows, the inputs of which are in the scratch. */
  logits(at: number, rows: number): void {
    this.#forward(gemmRows(rows))
    this.#inputs?.addToLogits(rows)
    this.#kernels.logits(this.#scratch.z4, this.#bias(), at, rows)
  }

  /**
   * One slice of a batch, rows [first, first + rows) of it: sums its gradients and statistics, and leaves for
   * each row what its embeddings learn from it. `hasDeltas`: what the rows' logits are to learn is there
   * already, with the statistics, from `GroupPass`.
   */
  trainSlice(slice: number, batch: BatchRows, first: number, rows: number, hasDeltas = false): void {
    const { slot, from } = batch
    if (!hasDeltas) this.#stats.fill(0, 4 * slice, 4 * slice + 4)
    let digest = 0
    for (let done = 0; done < rows; done += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - done)
      const padded = gemmRows(count)
      const row = first + done // of the batch
      digest += this.gather(slot, from + row, count, row) >>> 0
      if (this.#weights) digest += this.#digestWeights(slot, from + row, count) >>> 0
      this.#forward(padded)
      this.#inputs?.addToLogits(count)
      if (hasDeltas) this.#takeDeltas(row, count, padded)
      else this.#loss(slice, batch, row, count)
      this.#backward(slice, padded, done === 0)
      this.#inputs?.backward(row, padded)
    }
    this.#stats[4 * slice + SLICE_STATS.digest] = digest
  }

  /** Of a block of rows from row `row` of the batch on. */
  #loss(slice: number, { slot, from, rows }: BatchRows, row: number, count: number): void {
    const { z4, delta } = this.#scratch
    const clicks = slot.rows.clicks + from + row
    const stats = this.#arena.slices.stats + 32 * slice
    const [bias, padded, scale] = [this.#bias(), gemmRows(count), 1 / rows]
    if (this.#weights) {
      const weights = slot.rows.weights + 4 * (from + row)
      const { rows: mean } = this.#weights
      this.#kernels.weightedLoss(z4, bias, clicks, delta, count, padded, scale, stats, weights, mean)
    } else this.#kernels.loss(z4, bias, clicks, delta, count, padded, scale, stats)
  }

  #digestWeights(slot: RingSlot, from: number, rows: number): number {
    const { users, restaurants, clicks, weights } = slot.rows
    const at = 4 * from
    return this.#kernels.digestWeights(users + at, restaurants + at, clicks + from, weights + at, rows)
  }

  #takeDeltas(row: number, count: number, padded: number): void {
    const to = this.#scratch.delta / 4
    const from = this.#arena.order!.deltas / 4 + row
    this.#floats.copyWithin(to, from, from + count)
    this.#floats.fill(0, to + count, to + padded)
  }

  /**
   * Leaves the inputs of a block of rows in the scratch, and returns the rows' digest. `batchRow`: the first
   * of them in the batch that learns from them; absent: they are only scored.
   */
  gather(slot: RingSlot, from: number, rows: number, batchRow?: number): number {
    const clickDigest = this.#gather(slot, from, rows, gemmRows(rows))
    return this.#inputs?.gather(slot, from, rows, batchRow) ?? clickDigest
  }

  /** Leaves z4, the mask and the activations of the gathered rows in the scratch. */
  #forward(padded: number): void {
    const kernels = this.#kernels
    const { x, z4 } = this.#scratch
    const last = this.#last
    if (last === null) {
      kernels.dotRows(z4, x.at, x.ld, this.#arena.folded.outputWeights, padded, x.ld)
      return
    }
    for (const { forward, inputs, outputs } of this.#segments) {
      if (forward === null) hidden(kernels, last, padded, outputs, inputs)
      else {
        gemm(kernels, forward, padded, outputs, inputs)
        kernels.reluRows(forward.c.at, forward.c.ld, padded, outputs)
      }
    }
  }

  #gather(slot: RingSlot, from: number, rows: number, padded: number): number {
    const { x } = this.#scratch
    const { users, restaurants } = this.#arena.tables
    const columns = slot.rows
    return this.#kernels.gather(
      x.at,
      x.ld,
      columns.users + 4 * from,
      columns.restaurants + 4 * from,
      columns.clicks + from,
      rows,
      padded,
      users.at,
      users.stride,
      users.numbers,
      restaurants.at,
      restaurants.stride,
      restaurants.numbers,
    )
  }

  /**
   * Adds the block's gradients of every segment's product to the slice's sums. For the last hidden segment
   * that is Σ δ·x·maskᵀ, without the output weights: they are the same for all rows and come in once a batch.
   */
  #backward(slice: number, padded: number, isFirst: boolean): void {
    const kernels = this.#kernels
    const { x, delta } = this.#scratch
    const segments = this.#segments
    if (segments.length === 0) {
      kernels.scaleRows(x.at, x.ld, delta, padded, x.ld)
      if (isFirst) this.#linearSums[slice].fill(0)
      kernels.sumRows(this.#arena.slices.sums[slice][0].at, x.at, x.ld, padded, x.ld)
      return
    }
    for (let i = segments.length - 1; i >= 0; i--) {
      const { input, inputs, outputs, rows, back, first, further } = segments[i]
      const isLast = i === segments.length - 1
      if (back !== null) {
        gemm(kernels, back, padded, inputs, outputs)
        kernels.backRelu(back.c.at, back.c.ld, input.at, input.ld, isLast ? delta : 0, padded, inputs)
      }
      if (isLast) kernels.scaleRows(input.at, input.ld, delta, padded, input.ld)
      const operands = isFirst ? first[slice] : further[slice]
      if (isLast) gemmOnes(kernels, operands, rows, outputs, padded)
      else gemm(kernels, operands, rows, outputs, padded)
    }
  }
}

function planSegments({ folded, slices }: Arena, { x, mask, acts, back }: Scratch): SegmentPass[] {
  const count = folded.hidden.length
  return folded.hidden.map((one, i): SegmentPass => {
    const { inputs, outputs, rows } = one.segment
    const product = productOf(one)
    const input = i === 0 ? x : acts[i - 1]
    const isLast = i === count - 1
    // gradient at its outputs, before its ReLU's mask is known to the segment below
    const d = isLast ? mask : back[i]
    const sums = slices.sums.map((parts) => ({ c: parts[i], a: transposed(input), b: d, init: parts[i] }))
    return {
      input,
      inputs,
      outputs,
      rows,
      forward: isLast
        ? null
        : { c: acts[i], a: asIs(input), b: product, init: repeated(fromRow(product, inputs).at) },
      back: one.backward && { c: back[i - 1], a: asIs(d), b: one.backward, init: repeated(folded.zeros) },
      first: sums.map((operands) => ({ ...operands, init: repeated(folded.zeros) })),
      further: sums,
    }
  })
}

function planLast({ folded }: Arena, { x, mask, z4, acts }: Scratch): HiddenOperands | null {
  const one = folded.hidden.at(-1)
  if (one === undefined) return null
  const w = productOf(one)
  const bias = fromRow(w, one.segment.inputs).at
  return { mask, z4, x: acts.at(-1) ?? x, w, bias, wOut: folded.outputWeights }
}
