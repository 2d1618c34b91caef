import type { Kernels } from '../../kernels/kernels.ts'
import { gemmRows } from '../../model/layout.ts'
import { BLOCK_ROWS, blockStride, productOf, type Arena, type ChunkPlace } from '../memory/arena.ts'
import { outputBias } from './fold.ts'

/** Words of a slice's statistics, float64. */
export const SLICE_STATS = { loss: 0, delta: 1, correct: 2, digest: 3 } as const

/** The way of rows through the folded network, forward and backward, on one thread. */
export class RowPass {
  readonly #arena: Arena
  readonly #kernels: Kernels
  readonly #thread: number
  readonly #bias: () => number
  readonly #stats: Float64Array
  readonly #buffer: ArrayBufferLike

  constructor(arena: Arena, kernels: Kernels, memory: WebAssembly.Memory, thread: number) {
    this.#arena = arena
    this.#kernels = kernels
    this.#thread = thread
    this.#bias = outputBias(arena, memory)
    this.#stats = new Float64Array(memory.buffer, arena.sliceStats, Math.max(arena.slices, 1) * 4)
    this.#buffer = memory.buffer
  }

  /** Logits of rows [from, from + rows) of a chunk, into its `logits`. */
  score(chunk: ChunkPlace, from: number, rows: number): void {
    const bias = this.#bias()
    const { z4 } = this.#arena.scratch[this.#thread]
    for (let done = 0; done < rows; done += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - done)
      this.#forward(chunk, from + done, count, gemmRows(count))
      this.#kernels.logits(z4, bias, chunk.logits + 4 * (from + done), count)
    }
  }

  /** One slice of a batch, rows [from, from + rows) of a chunk: sums its gradients and statistics. `scale`: 1 / rows of the batch. */
  trainSlice(slice: number, chunk: ChunkPlace, from: number, rows: number, scale: number): void {
    const { sliceStats, sliceSums, sliceStride } = this.#arena
    const { z4, delta } = this.#arena.scratch[this.#thread]
    const stats = sliceStats + 32 * slice
    const sums = sliceSums + 4 * slice * sliceStride
    const bias = this.#bias()
    this.#stats.fill(0, 4 * slice, 4 * slice + 4)
    let digest = 0
    for (let done = 0; done < rows; done += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - done)
      const padded = gemmRows(count)
      digest += this.#forward(chunk, from + done, count, padded) >>> 0
      this.#kernels.loss(z4, bias, chunk.clicks + from + done, delta, count, padded, scale, stats)
      this.#backward(sums, padded, done === 0)
    }
    this.#stats[4 * slice + SLICE_STATS.digest] = digest
  }

  /** Gathers the rows and leaves z4, the mask and the activations in the scratch; returns the rows' digest. */
  #forward(chunk: ChunkPlace, from: number, rows: number, padded: number): number {
    const { layout, users, restaurants, ldx, outputWeights } = this.#arena
    const kernels = this.#kernels
    const { x, mask, z4, acts } = this.#arena.scratch[this.#thread]
    const digest = kernels.gather(
      x,
      ldx,
      chunk.users + 4 * from,
      chunk.restaurants + 4 * from,
      chunk.clicks + from,
      rows,
      padded,
      users.at,
      users.stride,
      users.features,
      restaurants.at,
      restaurants.stride,
      restaurants.features,
    )
    const { hidden } = layout
    if (hidden.length === 0) {
      kernels.dotRows(z4, x, ldx, outputWeights, padded, ldx)
      return digest
    }
    let input = x
    let ld = ldx
    for (const [i, segment] of hidden.entries()) {
      const { inputs, outputs } = segment
      const product = productOf(this.#arena, segment)
      const bias = product + 4 * inputs * outputs
      if (i === hidden.length - 1) {
        kernels.hidden(
          mask,
          blockStride(outputs),
          z4,
          input,
          ld,
          product,
          outputs,
          bias,
          outputWeights,
          padded,
          outputs,
          inputs,
        )
      } else {
        kernels.gemm(
          acts[i],
          blockStride(outputs),
          input,
          ld,
          1,
          product,
          outputs,
          bias,
          0,
          padded,
          outputs,
          inputs,
        )
        kernels.reluRows(acts[i], blockStride(outputs), padded, outputs)
        input = acts[i]
        ld = blockStride(outputs)
      }
    }
    return digest
  }

  /**
   * Adds the block's gradients of every segment's product to `sums`. For the last hidden segment that is Σ δ·x·maskᵀ, without the output
   * weights: they are the same for all rows and come in once a batch.
   */
  #backward(sums: number, padded: number, first: boolean): void {
    const { layout, ldx, sliceParts, zeros, backward } = this.#arena
    const kernels = this.#kernels
    const { x, mask, delta, acts, back } = this.#arena.scratch[this.#thread]
    const { hidden } = layout
    if (hidden.length === 0) {
      kernels.scaleRows(x, ldx, delta, padded, ldx)
      if (first) new Float32Array(this.#buffer, sums, ldx).fill(0)
      kernels.sumRows(sums, x, ldx, padded, ldx)
      return
    }
    let d = mask // gradient at the outputs of segment i, before its ReLU's mask is known to the segment below
    for (let i = hidden.length - 1; i >= 0; i--) {
      const { inputs, outputs } = hidden[i]
      const input = i === 0 ? x : acts[i - 1]
      const ld = i === 0 ? ldx : blockStride(inputs)
      const last = i === hidden.length - 1
      if (i > 0) {
        kernels.gemm(
          back[i - 1],
          blockStride(inputs),
          d,
          blockStride(outputs),
          1,
          backward.get(hidden[i])!,
          inputs,
          zeros,
          0,
          padded,
          inputs,
          outputs,
        )
        kernels.backRelu(back[i - 1], blockStride(inputs), input, ld, last ? delta : 0, padded, inputs)
      }
      if (last) kernels.scaleRows(input, ld, delta, padded, ld)
      const { offset, rows, width } = sliceParts[i]
      const to = sums + 4 * offset
      kernels.gemm(
        to,
        width,
        input,
        1,
        ld,
        d,
        blockStride(outputs),
        first ? zeros : to,
        first ? 0 : width,
        rows,
        width,
        padded,
      )
      if (i > 0) d = back[i - 1]
    }
  }
}
