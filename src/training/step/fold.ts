import type { Kernels } from '../../kernels/kernels.ts'
import { numberInputs } from '../../model/network.ts'
import { type Arena, type FoldedSegment, productOf } from '../memory/arena.ts'
import type { EmbeddingArea } from '../memory/embeddingArea.ts'
import { asIs, fromColumn, fromRow, gemm, type Matrix, repeated, transpose } from './operands.ts'
import { interleave, panels, type Task } from './tasks.ts'

/**
 * The parameters as a row of data sees them: every segment multiplied out to one matrix, and what the way
 * back needs transposed. A running product is [inputs + 1, outputs]: its last row is what becomes of the
 * biases. Returns the phases, one after another.
 */
export function foldPhases(arena: Arena, kernels: Kernels, memory: WebAssembly.Memory): Task[][] {
  const { hidden, output } = arena.folded
  const phases: Task[][][] = []
  const at = (phase: number) => (phases[phase] ??= [])
  for (const folded of [...hidden, output])
    for (let l = 1; l < folded.segment.layers.length; l++) {
      at(l - 1).push(multiplyTasks(arena, kernels, folded, l))
      if (folded.transposes.length > 0) at(l - 1).push(transposeTasks(arena, kernels, folded, l))
    }
  at(output.segment.layers.length - 1).push([outputTask(arena, memory)])
  for (const folded of hidden) {
    const { backward, segment } = folded
    if (backward === null) continue
    const phase = Math.max(segment.layers.length - 1, output.segment.layers.length)
    at(phase).push([backwardTask(arena, kernels, folded, backward)])
  }
  if (arena.embedded) {
    // With a hidden layer: the way back to the inputs that are embeddings.
    const [first] = hidden
    const phase = Math.max((first?.segment.layers.length ?? 1) - 1, output.segment.layers.length)
    if (first) at(phase).push([embeddingTask(arena, kernels, first, arena.embedded)])
  }
  return phases.filter((groups) => groups.length > 0).map(interleave)
}

/** products[l] = products[l − 1]·W_l, plus its bias in the last row. */
function multiplyTasks(
  arena: Arena,
  kernels: Kernels,
  { segment, products }: FoldedSegment,
  l: number,
): Task[] {
  const { inputs, outputs } = segment.layers[l]
  const weight = weightOf(arena, segment.layers[l])
  const bias = fromRow(weight, inputs)
  const biasRow = fromRow(products[l], segment.inputs)
  return panels(outputs, (from, count) => {
    const operands = {
      c: fromColumn(products[l], from),
      a: asIs(products[l - 1]),
      b: fromColumn(weight, from),
      init: repeated(arena.folded.zeros),
    }
    const [biasFrom, biasTo] = [fromColumn(bias, from).at, fromColumn(biasRow, from).at]
    return () => {
      gemm(kernels, operands, segment.rows, count, inputs)
      kernels.addInto(biasTo, biasFrom, count)
    }
  })
}

function transposeTasks(
  arena: Arena,
  kernels: Kernels,
  { segment, transposes }: FoldedSegment,
  l: number,
): Task[] {
  const { inputs, outputs } = segment.layers[l]
  const weight = weightOf(arena, segment.layers[l])
  return panels(inputs, (from, count) => {
    const to = fromColumn(transposes[l], from)
    const rows = fromRow(weight, from)
    return () => transpose(kernels, to, rows, count, outputs)
  })
}

/**
 * The way back through a hidden segment is its product transposed; through the last one, scaled by the output
 * weights too.
 */
function backwardTask(arena: Arena, kernels: Kernels, folded: FoldedSegment, to: Matrix): Task {
  const { inputs, outputs } = folded.segment
  const { hidden, outputWeights } = arena.folded
  const isLast = folded === hidden[hidden.length - 1]
  const product = productOf(folded)
  return () => {
    transpose(kernels, to, product, inputs, outputs)
    if (isLast) kernels.scaleRows(to.at, to.ld, outputWeights, outputs, inputs)
  }
}

/** The same for the embeddings alone: the rows of the first segment's product that they meet, transposed. */
function embeddingTask(
  { folded, layout }: Arena,
  kernels: Kernels,
  first: FoldedSegment,
  { backward }: EmbeddingArea,
): Task {
  const { outputs } = first.segment
  const numbers = numberInputs(layout.network)
  const inputs = layout.features - numbers
  const rows = fromRow(productOf(first), numbers)
  const isLast = folded.hidden.length === 1
  return () => {
    transpose(kernels, backward, rows, inputs, outputs)
    if (isLast) kernels.scaleRows(backward.at, backward.ld, folded.outputWeights, outputs, inputs)
  }
}

/** The output's weights as a vector: column 0 of its product. */
function outputTask({ folded }: Arena, memory: WebAssembly.Memory): Task {
  const { inputs, outputs, rows } = folded.output.segment
  const product = new Float32Array(memory.buffer, productOf(folded.output).at, rows * outputs)
  const weights = new Float32Array(memory.buffer, folded.outputWeights, inputs)
  return () => {
    for (let k = 0; k < inputs; k++) weights[k] = product[k * outputs]
  }
}

/** The output's bias: the last row of its product. */
export function outputBias({ folded }: Arena, memory: WebAssembly.Memory): () => number {
  const row = fromRow(productOf(folded.output), folded.output.segment.inputs)
  const bias = new Float32Array(memory.buffer, row.at, 1)
  return () => bias[0]
}

/** A layer's weight [inputs + 1, outputs], its bias being the last row. */
function weightOf({ parameters }: Arena, { offset, outputs }: { offset: number; outputs: number }): Matrix {
  return { at: parameters.values + 4 * offset, ld: outputs }
}
