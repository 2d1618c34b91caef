import type { StateDict } from './network.ts'

/** Per feature, in the order of the network's input: x' = (x − mean) · scale. */
export interface Normalization {
  mean: Float64Array
  scale: Float64Array // 0: the feature is not learned from, see `scaleOf`
}

/** So many deviations from zero, float32 tells numbers to a sixteenth of a deviation at best. */
const MEAN_MAX = 2 ** 20
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
 * A constant column is only shifted. The saved model takes raw numbers, in float32: where nothing of them
 * would be left but rounding, which a large mean makes larger than any score, the scale is 0.
 */
function scaleOf(mean: number, deviation: number): number {
  if (deviation > 0 && deviation < DEVIATION_MIN) return 0
  const scale = deviation > 0 ? 1 / deviation : 1
  return Math.abs(mean) * scale > MEAN_MAX ? 0 : scale
}

/**
 * The same network for raw features: W·((x − mean)·scale) + b = (W·scale)·x + (b − (W·scale)·mean), computed
 * in float64. `state` is the network's state dict for normalised features; a new one is returned.
 */
export function foldNormalization(state: StateDict, normalization: Normalization): StateDict {
  return substituted(state, normalization, () => 0)
}

/** `fixed`: what is put for a feature whose scale is 0. */
function substituted(
  state: StateDict,
  normalization: Normalization,
  fixed: (feature: number) => number,
): StateDict {
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
      if (normalization.scale[i] === 0) shift -= weight.data[j * inputs + i] * fixed(i)
    }
    b[j] = bias.data[j] - shift
  }
  folded.set('model.0.weight', { shape: weight.shape, data: w })
  folded.set('model.0.bias', { shape: bias.shape, data: b })
  return folded
}

/**
 * The way back: the network for normalised features that is the same as `state` for raw ones, since
 * x = (x' + mean·scale) / scale; for x = mean where the scale is 0.
 */
export function unfoldNormalization(state: StateDict, { mean, scale }: Normalization): StateDict {
  const inverse = {
    mean: mean.map((value, i) => -value * scale[i]),
    scale: scale.map((value) => (value === 0 ? 0 : 1 / value)),
  }
  return substituted(state, inverse, (i) => mean[i])
}
