import type { Kernels } from '../../kernels/kernels.ts'
import type { Arena, FoldedSegment } from '../memory/arena.ts'
import { asIs, fromColumn, fromRow, gemm, repeated, transposed } from './operands.ts'
import { interleave, panels, type Task } from './tasks.ts'

/**
 * From the gradients of every segment's product to those of its layers, last to first: dW_l = P_{l−1}ᵀ·dP_l,
 * db_l = the last row of dP_l, dP_{l−1} = dP_l·W_lᵀ. The first layer's gradient is dP_1 itself and is written
 * in place. Returns the phases, one after another.
 */
export function unfoldPhases(arena: Arena, kernels: Kernels): Task[][] {
  const phases: Task[][][] = []
  for (const folded of [...arena.folded.hidden, arena.folded.output]) {
    const last = folded.segment.layers.length - 1
    for (let l = last; l > 0; l--) {
      const groups = (phases[last - l] ??= [])
      groups.push(weightTasks(arena, kernels, folded, l), inputTasks(arena, kernels, folded, l), [
        biasTask(arena, kernels, folded, l),
      ])
    }
  }
  return phases.map(interleave)
}

/** dW_l = P_{l−1}ᵀ·dP_l */
function weightTasks(arena: Arena, kernels: Kernels, folded: FoldedSegment, l: number): Task[] {
  const { segment, products, gradients } = folded
  const { inputs, outputs, offset } = segment.layers[l]
  const dW = { at: arena.parameters.gradients + 4 * offset, ld: outputs }
  const init = repeated(arena.folded.zeros)
  return panels(inputs, (from, count) => {
    const a = transposed(fromColumn(products[l - 1], from))
    const operands = { c: fromRow(dW, from), a, b: gradients[l], init }
    return () => gemm(kernels, operands, count, outputs, segment.inputs + 1)
  })
}

/** dP_{l−1} = dP_l·W_lᵀ */
function inputTasks(arena: Arena, kernels: Kernels, folded: FoldedSegment, l: number): Task[] {
  const { segment, gradients, transposes } = folded
  const { inputs, outputs } = segment.layers[l]
  const a = asIs(gradients[l])
  const init = repeated(arena.folded.zeros)
  return panels(inputs, (from, count) => {
    const operands = { c: fromColumn(gradients[l - 1], from), a, b: fromColumn(transposes[l], from), init }
    return () => gemm(kernels, operands, segment.rows, count, outputs)
  })
}

/** db_l: the last row of dP_l */
function biasTask(arena: Arena, kernels: Kernels, { segment, gradients }: FoldedSegment, l: number): Task {
  const { inputs, outputs, offset } = segment.layers[l]
  const db = arena.parameters.gradients + 4 * (offset + inputs * outputs)
  const last = fromRow(gradients[l], segment.inputs)
  const { zeros } = arena.folded
  return () => {
    kernels.scaleRows(db, outputs, zeros, 1, outputs) // makes them 0
    kernels.addInto(db, last.at, outputs)
  }
}
