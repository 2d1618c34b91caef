import type { StateDict } from './network.ts'

/** Per feature, in the order of the network's input: x' = (x − mean) · scale. */
export interface Normalization {
  mean: Float64Array
  scale: Float64Array
}

/** At so many deviations from zero, float32 tells numbers to a sixteenth of a deviation at best. */
export const MEAN_MAX = 2 ** 20
/** A weight for raw numbers of a smaller deviation may be past what float32 holds. */
const DEVIATION_MIN = 2 ** -100

/** From the means and standard deviations of the columns. */
export function normalizationOf(means: number[], standardDeviations: number[]): Normalization {
  return {
    mean: Float64Array.from(means),
    scale: Float64Array.from(standardDeviations, (deviation, i) => scaleOf(means[i], deviation)),
  }
}

/**
 * A constant column is only shifted. The saved model takes raw numbers, in float32, and their rounding counts
 * by the weight: so the scale is not so large that a mean, times it, makes more of rounding than of numbers.
 */
function scaleOf(mean: number, deviation: number): number {
  const size = Math.abs(mean)
  if (deviation === 0) return size > MEAN_MAX ? 1 / size : 1
  const scale = 1 / Math.max(deviation, DEVIATION_MIN)
  return size * scale > MEAN_MAX ? MEAN_MAX / size : scale
}

/**
 * The same network for raw features: W·((x − mean)·scale) + b = (W·scale)·x + (b − (W·scale)·mean), computed
 * in float64. `state` is the network's state dict for normalised features; a new one is returned.
 */
export function foldNormalization(state: StateDict, normalization: Normalization): StateDict {
  const folded: StateDict = new Map(state)
  const weight = state.get('model.0.weight')!
  const bias = state.get('model.0.bias')!
  const [outputs, inputs] = weight.shape
  const w = new Float32Array(weight.data.length)
  const b = new Float32Array(outputs)
  for (let j = 0; j < outputs; j++) {
    let shift = 0
    for (let i = 0; i < inputs; i++) {
      const scaled = weight.data[j * inputs + i] * normalization.scale[i]
      w[j * inputs + i] = scaled
      shift += w[j * inputs + i] * normalization.mean[i]
    }
    b[j] = bias.data[j] - shift
  }
  folded.set('model.0.weight', { shape: weight.shape, data: w })
  folded.set('model.0.bias', { shape: bias.shape, data: b })
  return folded
}

/**
 * The way back: the network for normalised features that is the same as `state` for raw ones, since
 * x = (x' + mean·scale) / scale.
 */
export function unfoldNormalization(state: StateDict, { mean, scale }: Normalization): StateDict {
  const inverse = { mean: mean.map((value, i) => -value * scale[i]), scale: scale.map((value) => 1 / value) }
  return foldNormalization(state, inverse)
}
