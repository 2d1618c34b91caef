import { NearrankError } from '../errors.ts'
import { type Side, SOURCES } from '../features/featureSpec.ts'
import { layoutNetwork, type NetworkLayout } from './layout.ts'
import { embeddingTensor, inputWidth, linearLayers, type Network, type StateDict } from './network.ts'
import { sideInputs, writeInputs } from './sideInputs.ts'

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

/** The encoded rows of one pair; click: of context and pairs. */
export type PairRows = Record<Side, Float32Array> & { click?: Float32Array }

/**
 * What makes the inputs of one pair for `naiveLogits` out of its encoded rows. Codes are read from the bits
 * of the same rows.
 */
export function naiveInputs(network: Network, weights: StateDict): (rows: PairRows) => Float64Array {
  const layout = layoutNetwork(network)
  return (rows) => inputsOfPair(layout, weights, rows)
}

function inputsOfPair(layout: NetworkLayout, weights: StateDict, rows: PairRows): Float64Array {
  const x = new Float64Array(layout.features)
  for (const side of SOURCES) {
    const own = side === 'users' || side === 'restaurants' ? rows[side] : rows.click
    if (own === undefined) continue
    const inputs = sideInputs(layout, side)
    const to = { f32: new Float64Array(inputs.width), start: 0 }
    const { buffer, byteOffset, length } = own
    const row = { numbers: own, codes: new Uint32Array(buffer, byteOffset, length), at: 0 }
    writeInputs({ ...inputs, embeddings: [] }, row, to, { values: own, tableAt: () => 0 })
    for (const one of inputs.embeddings) {
      const values = tensorData(weights, embeddingTensor(one.embedding.table))
      writeInputs({ ...inputs, numbers: 0, embeddings: [one] }, row, to, { values, tableAt: () => 0 })
    }
    for (const [i, column] of inputs.columns.entries()) x[column] = to.f32[i]
  }
  return x
}

function tensorData(weights: StateDict, name: string): Float32Array {
  const tensor = weights.get(name)
  if (tensor === undefined)
    throw new NearrankError('INTERNAL', `Cannot compute logits: tensor ${name} is missing`)
  return tensor.data
}
