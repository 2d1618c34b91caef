import { NearrankError } from '../../errors.ts'
import type { Kernels } from '../kernels.ts'
import { naiveEmbedding } from './embedding.ts'
import { naiveGather } from './gather.ts'
import { naiveGroupLoss } from './groupLoss.ts'
import { naiveProducts } from './products.ts'
import { naiveRows } from './rows.ts'
import { naiveScore } from './score.ts'
import { naiveTraining } from './training.ts'
import { viewsOf } from './views.ts'

/**
 * The judge of the kernels: each of them once more over the same memory, as plain loops over numbers. Sums
 * are float64 and rounded to float32 only where they are stored, so a kernel may differ from its twin by
 * rounding and by nothing else. About a hundred times slower. `peak` throws INTERNAL: there is no machine
 * limit to measure here.
 */
export function naiveKernels(memory: { readonly buffer: ArrayBufferLike } | ArrayBufferLike): Kernels {
  const views = viewsOf('buffer' in memory ? memory.buffer : memory)
  const training = naiveTraining(views)
  return {
    ...naiveProducts(views),
    ...naiveRows(views),
    ...training,
    ...naiveGroupLoss(views),
    ...naiveGather(views),
    ...naiveEmbedding(views, training.adam),
    ...naiveScore(views),
    peak: () => {
      throw new NearrankError(
        'INTERNAL',
        'Cannot measure the peak with the naive kernels: bind a compiled build',
      )
    },
  }
}
