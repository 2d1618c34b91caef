import type { StateDict } from './network.ts'

/** Per feature, in the order of the network's input: x' = (x − mean) · scale. */
export interface Normalization {
  mean: Float64Array
  scale: Float64Array
}

/** From the means and standard deviations of the columns; a constant column is only shifted. */
export function normalizationOf(means: number[], standardDeviations: number[]): Normalization {
  return {
    mean: Float64Array.from(means),
    scale: Float64Array.from(standardDeviations, (deviation) => (deviation > 0 ? 1 / deviation : 1)),
  }
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
