import type { Kernels } from '../../kernels/kernels.ts'
import type { LayerLayout } from '../../model/layout.ts'
import type { Arena } from '../memory/arena.ts'
import { learningRateAt } from './learningRate.ts'
import { interleave, type Task } from './tasks.ts'
import type { TrainSettings } from '../types.ts'

/** Floats that one task updates. */
const PIECE = 4096

/** What a step of Adam needs beside the arrays; float32 in the kernel. */
interface StepSizes {
  step: number
  stepSize: number
  vScale: number
  decay: number
}

export interface AdamOptions {
  settings: TrainSettings
  steps: number // of the whole run, for the schedule
  step: () => number // the step to take, from 1
  report: (code: number) => void // called if NaN or infinity appears, see describeNotFinite
}

/** Adam over all parameters, in pieces. */
export function adamTasks(arena: Arena, kernels: Kernels, options: AdamOptions): Task[] {
  const { settings, steps, step, report } = options
  const { epsilon, weightDecay } = settings
  // The bias corrections must know the same β as the kernel, which has them in float32.
  const beta1 = Math.fround(settings.beta1)
  const beta2 = Math.fround(settings.beta2)
  const sizes: StepSizes = { step: 0, stepSize: 0, vScale: 0, decay: 1 }
  const update = () => {
    if (sizes.step === step()) return
    sizes.step = step()
    const rate = learningRateAt(settings, sizes.step, steps)
    sizes.stepSize = rate / (1 - beta1 ** sizes.step)
    sizes.vScale = 1 / Math.sqrt(1 - beta2 ** sizes.step)
    sizes.decay = 1 - rate * weightDecay
  }
  const { values, gradients, momentsM, momentsV } = arena.parameters
  const piece = (tensor: number, from: number, count: number, decays: boolean): Task => {
    const at = 4 * from
    return () => {
      update()
      const bad = kernels.adam(
        values + at,
        gradients + at,
        momentsM + at,
        momentsV + at,
        count,
        sizes.stepSize,
        sizes.vScale,
        beta1,
        beta2,
        epsilon,
        decays ? sizes.decay : 1,
      )
      if (bad !== 0) report(notFiniteCode(tensor, bad))
    }
  }
  const groups = arena.layout.layers.flatMap((at, i) => {
    const weights = at.inputs * at.outputs
    const pieces: Task[] = []
    for (let from = 0; from < weights; from += PIECE)
      pieces.push(piece(2 * i, at.offset + from, Math.min(PIECE, weights - from), true))
    return [pieces, [piece(2 * i + 1, at.offset + weights, at.outputs, false)]]
  })
  return interleave(groups)
}

/** Of the loss itself. */
export const LOSS_NOT_FINITE = 1

function notFiniteCode(tensor: number, kinds: number): number {
  return 2 + tensor * 8 + kinds
}

/** What a code in the control block says: "the gradient of model.1.weight". */
export function describeNotFinite(code: number, layers: LayerLayout[]): string {
  if (code === LOSS_NOT_FINITE) return 'the loss'
  const tensor = (code - 2) >> 3
  const kinds = (code - 2) & 7
  const name = `${layers[tensor >> 1].layer.name}.${tensor & 1 ? 'bias' : 'weight'}`
  if (kinds & 1) return `the gradient of ${name}`
  return kinds & 2 ? `a moment of ${name}` : name
}
