import type { Kernels } from '../../kernels/kernels.ts'
import { productGradientOf, productOf, type Arena } from '../memory/arena.ts'
import { SUM_COUNT, SUMS } from '../crew/control.ts'
import { panels, type Task } from './fold.ts'
import { SLICE_STATS } from './rowPass.ts'

/**
 * Adds up the slices, always in the same order, to the gradients of every segment's product, the output layer's included.
 * `slicesUsed()`: how many slices the batch had.
 */
export function reduceTasks(
  arena: Arena,
  kernels: Kernels,
  memory: WebAssembly.Memory,
  slicesUsed: () => number,
): Task[] {
  const { layout, sliceParts, sliceSums, sliceStride, outputGradients, outputWeights } = arena
  const tasks: Task[] = []
  const scatter = outputScatter(arena, memory)
  for (const [i, segment] of layout.hidden.entries()) {
    const { offset, rows, width } = sliceParts[i]
    const to = productGradientOf(arena, segment)
    const product = productOf(arena, segment)
    const last = i === layout.hidden.length - 1
    const reducePanel = (from: number, count: number) => {
      const parts = sliceSums + 4 * (offset + from)
      kernels.sumParts(to + 4 * from, parts, sliceStride, slicesUsed(), rows, count, width)
      if (!last) return
      kernels.outputGradient(
        outputGradients + 4 * from,
        to + 4 * from,
        product + 4 * from,
        outputWeights + 4 * from,
        width,
        segment.inputs + 1,
        count,
      )
      scatter(from, count)
    }
    tasks.push(...panels(width, reducePanel))
  }
  if (layout.hidden.length === 0)
    tasks.push(() => {
      kernels.sumParts(outputGradients, sliceSums, sliceStride, slicesUsed(), 1, arena.ldx, arena.ldx)
      scatter(0, layout.features)
    })
  tasks.push(statsTask(arena, memory, slicesUsed))
  return tasks
}

/** The output layer's gradient is column 0 of 8 in its product's. */
function outputScatter(arena: Arena, memory: WebAssembly.Memory): (from: number, count: number) => void {
  const { outputs, rows } = arena.layout.output
  const to = new Float32Array(memory.buffer, productGradientOf(arena, arena.layout.output), rows * outputs)
  const from = new Float32Array(memory.buffer, arena.outputGradients, rows)
  return (first, count) => {
    for (let k = first; k < first + count; k++) to[k * outputs] = from[k]
  }
}

/** Adds the slices' statistics to the epoch's sums; the summed delta is the gradient of the output's bias. */
function statsTask(arena: Arena, memory: WebAssembly.Memory, slicesUsed: () => number): Task {
  const stats = new Float64Array(memory.buffer, arena.sliceStats, arena.slices * 4)
  const sums = new Float64Array(memory.buffer, arena.sums, SUM_COUNT)
  const { inputs, outputs } = arena.layout.output
  const biasGradient = new Float32Array(
    memory.buffer,
    productGradientOf(arena, arena.layout.output) + 4 * inputs * outputs,
    1,
  )
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
