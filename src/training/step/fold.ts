import type { Kernels } from '../../kernels/kernels.ts'
import type { Segment } from '../../model/layout.ts'
import { productOf, type Arena } from '../memory/arena.ts'

/** Work of one phase: independent of one another, in any order, on any thread. */
export type Task = () => void

/**
 * One phase from groups of tasks, each group in the order of what it touches, merged in proportion: the first half of the phase is the first
 * half of every group. Threads begin with their own part of a phase, so what one has written it mostly reads again.
 */
export function interleave(groups: Task[][]): Task[] {
  return groups
    .flatMap((tasks) => tasks.map((task, i) => ({ task, position: (i + 0.5) / tasks.length })))
    .toSorted((a, b) => a.position - b.position)
    .map(({ task }) => task)
}

/** Columns or rows of a small matrix product that one task computes. */
const PANEL = 32

/**
 * The parameters as a row of data sees them: every segment multiplied out to one matrix, and what the way back needs transposed.
 * A running product is [inputs + 1, outputs]: its last row is what becomes of the biases.
 * Returns the phases, one after another.
 */
export function foldPhases(arena: Arena, kernels: Kernels, memory: WebAssembly.Memory): Task[][] {
  const { layout } = arena
  const training = arena.shape.purpose === 'train'
  const segments = [...layout.hidden, layout.output]
  const phases: Task[][][] = []
  const at = (phase: number) => (phases[phase] ??= [])

  for (const segment of segments) {
    const products = arena.products.get(segment)!
    for (let l = 1; l < segment.layers.length; l++) {
      at(l - 1).push(multiplyTasks(arena, kernels, segment, products, l))
      if (!training) continue
      const { inputs, outputs, offset } = segment.layers[l]
      const weight = arena.parameters + 4 * offset
      const transposed = arena.transposes.get(segment)![l]
      at(l - 1).push(
        panels(inputs, (from, count) =>
          kernels.transpose(
            transposed + 4 * from,
            inputs,
            weight + 4 * from * outputs,
            outputs,
            count,
            outputs,
          ),
        ),
      )
    }
  }
  at(layout.output.layers.length - 1).push([outputTask(arena, memory)])
  if (training) for (const [i, segment] of layout.hidden.entries()) if (i > 0) pushBackward(segment)
  return phases.filter((groups) => groups.length > 0).map(interleave)

  // The way back through a hidden segment is its product transposed; through the last one, scaled by the output weights too.
  function pushBackward(segment: Segment): void {
    const last = segment === layout.hidden[layout.hidden.length - 1]
    const product = productOf(arena, segment)
    const to = arena.backward.get(segment)!
    const { inputs, outputs } = segment
    at(Math.max(segment.layers.length - 1, layout.output.layers.length)).push([
      () => {
        kernels.transpose(to, inputs, product, outputs, inputs, outputs)
        if (last) kernels.scaleRows(to, inputs, arena.outputWeights, outputs, inputs)
      },
    ])
  }
}

/** products[l] = products[l − 1]·W_l, plus its bias in the last row. */
function multiplyTasks(
  arena: Arena,
  kernels: Kernels,
  segment: Segment,
  products: number[],
  l: number,
): Task[] {
  const { inputs, outputs, offset } = segment.layers[l]
  const weight = arena.parameters + 4 * offset
  return panels(outputs, (from, count) => {
    const to = products[l] + 4 * from
    kernels.gemm(
      to,
      outputs,
      products[l - 1],
      inputs,
      1,
      weight + 4 * from,
      outputs,
      arena.zeros,
      0,
      segment.rows,
      count,
      inputs,
    )
    kernels.addInto(to + 4 * segment.inputs * outputs, weight + 4 * (inputs * outputs + from), count)
  })
}

/** The output's weights as a vector: column 0 of its product. */
function outputTask(arena: Arena, memory: WebAssembly.Memory): Task {
  const { inputs, outputs, rows } = arena.layout.output
  const product = new Float32Array(memory.buffer, productOf(arena, arena.layout.output), rows * outputs)
  const weights = new Float32Array(memory.buffer, arena.outputWeights, inputs)
  return () => {
    for (let k = 0; k < inputs; k++) weights[k] = product[k * outputs]
  }
}

/** The output's bias: the last row of its product. */
export function outputBias(arena: Arena, memory: WebAssembly.Memory): () => number {
  const { inputs, outputs } = arena.layout.output
  const bias = new Float32Array(
    memory.buffer,
    productOf(arena, arena.layout.output) + 4 * inputs * outputs,
    1,
  )
  return () => bias[0]
}

/**
 * From the gradients of every segment's product to those of its layers, last to first: dW_l = P_{l−1}ᵀ·dP_l, db_l = the last row of dP_l,
 * dP_{l−1} = dP_l·W_lᵀ. The first layer's gradient is dP_1 itself and is written in place.
 */
export function unfoldPhases(arena: Arena, kernels: Kernels): Task[][] {
  const phases: Task[][][] = []
  const at = (phase: number) => (phases[phase] ??= [])
  for (const segment of [...arena.layout.hidden, arena.layout.output]) {
    const products = arena.products.get(segment)!
    const gradients = arena.productGradients.get(segment)!
    for (let l = segment.layers.length - 1; l > 0; l--) {
      const { inputs, outputs, offset } = segment.layers[l]
      const dW = arena.gradients + 4 * offset
      const dP = gradients[l]
      const transposed = arena.transposes.get(segment)![l]
      const phase = segment.layers.length - 1 - l
      const inner = segment.inputs + 1
      at(phase).push(
        panels(inputs, (from, count) =>
          kernels.gemm(
            dW + 4 * from * outputs,
            outputs,
            products[l - 1] + 4 * from,
            1,
            inputs,
            dP,
            outputs,
            arena.zeros,
            0,
            count,
            outputs,
            inner,
          ),
        ),
      )
      at(phase).push(
        panels(inputs, (from, count) =>
          kernels.gemm(
            gradients[l - 1] + 4 * from,
            inputs,
            dP,
            outputs,
            1,
            transposed + 4 * from,
            inputs,
            arena.zeros,
            0,
            segment.rows,
            count,
            outputs,
          ),
        ),
      )
      at(phase).push([
        () => {
          kernels.scaleRows(dW + 4 * inputs * outputs, outputs, arena.zeros, 1, outputs)
          kernels.addInto(dW + 4 * inputs * outputs, dP + 4 * segment.inputs * outputs, outputs)
        },
      ])
    }
  }
  return phases.map(interleave)
}

/** Cuts 0 … total into panels; total is a multiple of 8, so that each has at least 8. */
export function panels(total: number, run: (from: number, count: number) => void): Task[] {
  const tasks: Task[] = []
  for (let from = 0; from < total; from += PANEL) {
    const count = Math.min(PANEL, total - from)
    tasks.push(() => run(from, count))
  }
  return tasks
}
