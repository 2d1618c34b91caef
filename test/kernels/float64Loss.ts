import { linearLayers, type Network, type StateDict } from '../../src/model/network.ts'
import type { Random } from '../../src/random.ts'

/** A state dict in float64, so that a weight can be moved by less than float32 can tell. */
export type Weights = Map<string, Float64Array>

/** PyTorch's own start: uniform in ±1/√inputs, rounded to float32. */
export function initialState(network: Network, random: Random): StateDict {
  const state: StateDict = new Map()
  for (const { name, inputs, outputs } of linearLayers(network)) {
    const draw = () => (2 * random.float() - 1) / Math.sqrt(inputs)
    state.set(`${name}.weight`, {
      shape: [outputs, inputs],
      data: Float32Array.from({ length: outputs * inputs }, draw),
    })
    state.set(`${name}.bias`, { shape: [outputs], data: Float32Array.from({ length: outputs }, draw) })
  }
  return state
}

/** The logit of one row, layer by layer, nothing folded; and how near the nearest ReLU came to its kink. */
export function forward64(network: Network, weights: Weights, features: number[]) {
  let x = features
  let margin = Infinity
  for (const { name, inputs, outputs, activation } of linearLayers(network)) {
    const weight = weights.get(`${name}.weight`)!
    const bias = weights.get(`${name}.bias`)!
    const h: number[] = []
    for (let j = 0; j < outputs; j++) {
      let sum = bias[j]
      for (let i = 0; i < inputs; i++) sum += weight[j * inputs + i] * x[i]
      if (activation === 'relu') margin = Math.min(margin, Math.abs(sum))
      h.push(activation === 'relu' ? Math.max(0, sum) : sum)
    }
    x = h
  }
  return { logit: x[0], margin }
}

/** Mean binary cross-entropy of a batch. */
export function meanLoss64(network: Network, weights: Weights, rows: number[][], clicks: number[]): number {
  let sum = 0
  for (const [i, row] of rows.entries()) {
    const { logit } = forward64(network, weights, row)
    sum += Math.max(logit, 0) - clicks[i] * logit + Math.log1p(Math.exp(-Math.abs(logit)))
  }
  return sum / rows.length
}

const STEP = 1e-5 // the error of a central difference is of the order of its square

/** d(mean loss)/d(every weight) by central differences. */
export function numericGradient(
  network: Network,
  weights: Weights,
  rows: number[][],
  clicks: number[],
): Weights {
  const gradient: Weights = new Map()
  for (const [name, values] of weights) {
    const differences = new Float64Array(values.length)
    for (const [i, value] of values.entries()) {
      values[i] = value + STEP
      const up = meanLoss64(network, weights, rows, clicks)
      values[i] = value - STEP
      const down = meanLoss64(network, weights, rows, clicks)
      values[i] = value
      differences[i] = (up - down) / (2 * STEP)
    }
    gradient.set(name, differences)
  }
  return gradient
}
