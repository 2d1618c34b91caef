import { NearrankError } from '../errors.ts'
import { inputWidth, linearLayers, type Network, type StateDict } from './network.ts'

/**
 * The logits [rows] of `features` [rows, F], layer by layer in float64: slow, plain, and the judge of
 * everything that computes them faster. F is the user's plus the restaurant's features.
 * @throws NearrankError INTERNAL where `features` holds no whole rows or `weights` lacks a tensor.
 */
export function naiveLogits(
  network: Network,
  weights: StateDict,
  features: Float64Array | Float32Array,
): Float64Array {
  const featureCount = inputWidth(network)
  const rows = features.length / featureCount
  if (!Number.isInteger(rows))
    throw new NearrankError(
      'INTERNAL',
      `Cannot compute logits: the features must be whole rows of ${featureCount}, found ${features.length} numbers`,
    )
  let x = Float64Array.from(features) // [rows, inputs]
  for (const { name, inputs, outputs, activation } of linearLayers(network)) {
    const weight = tensorData(weights, `${name}.weight`) // [outputs, inputs]
    const bias = tensorData(weights, `${name}.bias`) // [outputs]
    const y = new Float64Array(rows * outputs) // [rows, outputs]
    for (let row = 0; row < rows; row++)
      for (let out = 0; out < outputs; out++) {
        let sum = bias[out]
        for (let k = 0; k < inputs; k++) sum += weight[out * inputs + k] * x[row * inputs + k]
        y[row * outputs + out] = activation === 'relu' ? Math.max(0, sum) : sum
      }
    x = y
  }
  return x
}

function tensorData(weights: StateDict, name: string): Float32Array {
  const tensor = weights.get(name)
  if (tensor === undefined)
    throw new NearrankError('INTERNAL', `Cannot compute logits: tensor ${name} is missing`)
  return tensor.data
}
