import type { Kernels } from '../../kernels/kernels.ts'
import { SUM_COUNT, SUMS } from '../crew/protocol.ts'
import { type Arena, type FoldedSegment, productGradientOf, productOf } from '../memory/arena.ts'
import { fromColumn, fromRow } from './operands.ts'
import { SLICE_STATS } from './rowPass.ts'
import { panels, type Task } from './tasks.ts'

/**
 * Adds up the slices, always in the same order, to the gradients of every segment's product, the output
 * layer's included. `slicesUsed()`: how many slices the batch had.
 */
export function reduceTasks(
  arena: Arena,
  kernels: Kernels,
  memory: WebAssembly.Memory,
  slicesUsed: () => number,
): Task[] {
  const { hidden } = arena.folded
  const scatter = outputScatter(arena, memory)
  const tasks =
    hidden.length > 0
      ? hidden.flatMap((folded, i) => hiddenTasks(arena, kernels, { folded, i, slicesUsed, scatter }))
      : [linearTask(arena, kernels, slicesUsed, scatter)]
  return [...tasks, statsTask(arena, memory, slicesUsed)]
}

type Scatter = (from: number, count: number) => void

/** The gradient of one hidden segment's product; with the last one's, that of the output weights. */
function hiddenTasks(
  { slices, folded: { hidden, outputGradients, outputWeights } }: Arena,
  kernels: Kernels,
  of: { folded: FoldedSegment; i: number; slicesUsed: () => number; scatter: Scatter },
): Task[] {
  const { folded, i, slicesUsed, scatter } = of
  const { rows, inputs, outputs } = folded.segment
  const isLast = i === hidden.length - 1
  return panels(outputs, (from, count) => {
    const to = fromColumn(productGradientOf(folded), from).at
    const product = fromColumn(productOf(folded), from).at
    const sums = fromColumn(slices.sums[0][i], from).at
    const [dw, w] = [outputGradients + 4 * from, outputWeights + 4 * from]
    return () => {
      kernels.sumSlices(to, sums, slices.stride, slicesUsed(), rows, count, outputs)
      if (!isLast) return
      kernels.outputGradient(dw, to, product, w, outputs, inputs + 1, count)
      scatter(from, count)
    }
  })
}

/** Without a hidden layer there is one row: the gradient of the output weights. */
function linearTask(arena: Arena, kernels: Kernels, slicesUsed: () => number, scatter: Scatter): Task {
  const { slices, folded, layout } = arena
  const [{ at, ld }] = slices.sums[0]
  return () => {
    kernels.sumSlices(folded.outputGradients, at, slices.stride, slicesUsed(), 1, ld, ld)
    scatter(0, layout.features)
  }
}

/** The output layer's gradient is column 0 of 8 in its product's. */
function outputScatter({ folded }: Arena, memory: WebAssembly.Memory): Scatter {
  const { outputs, rows } = folded.output.segment
  const to = new Float32Array(memory.buffer, productGradientOf(folded.output).at, rows * outputs)
  const from = new Float32Array(memory.buffer, folded.outputGradients, rows)
  return (first, count) => {
    for (let k = first; k < first + count; k++) to[k * outputs] = from[k]
  }
}

/** Adds the slices' statistics to the epoch's sums; the summed delta is the gradient of the output's bias. */
function statsTask(arena: Arena, memory: WebAssembly.Memory, slicesUsed: () => number): Task {
  const { slices, control, folded } = arena
  const stats = new Float64Array(memory.buffer, slices.stats, slices.count * 4)
  const sums = new Float64Array(memory.buffer, control.sums, SUM_COUNT)
  const biasRow = fromRow(productGradientOf(folded.output), folded.output.segment.inputs)
  const biasGradient = new Float32Array(memory.buffer, biasRow.at, 1)
  return () => {
    let loss = 0
    let delta = 0
    for (let slice = 0; slice < slicesUsed(); slice++) {
      loss += stats[4 * slice + SLICE_STATS.loss]
      delta += stats[4 * slice + SLICE_STATS.delta]
      sums[SUMS.correct] += stats[4 * slice + SLICE_STATS.correct]
      sums[SUMS.digest] = (sums[SUMS.digest] + stats[4 * slice + SLICE_STATS.digest]) % 2 ** 32
    }
    sums[SUMS.loss] += loss
    sums[SUMS.batchLoss] = loss
    biasGradient[0] = delta
  }
}
