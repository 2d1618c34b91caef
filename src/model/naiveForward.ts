import { NearrankError } from '../errors.ts'
import { type Side, SOURCES } from '../features/featureSpec.ts'
import { InputWriter, tensorData } from './inputWriter.ts'
import { directColumns, inputWidth, linearLayers, type Network, type StateDict } from './network.ts'

/** Of float32: each operation is off by so much of its result at most. */
const UNIT_ROUNDOFF = 2 ** -24

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
  return naiveForward(network, weights, features).logits
}

/**
 * The same, and for each logit how far one that is computed in float32 may be from it: large terms that
 * nearly cancel leave little of their digits (Higham 2002, 3.1).
 */
export function naiveForward(
  network: Network,
  weights: StateDict,
  features: Float64Array | Float32Array,
): { logits: Float64Array; rounding: Float64Array } {
  const featureCount = inputWidth(network)
  const rows = features.length / featureCount
  if (!Number.isInteger(rows))
    throw new NearrankError(
      'INTERNAL',
      `Cannot compute logits: the features must be whole rows of ${featureCount}, found ${features.length} numbers`,
    )
  const direct = directColumns(network)
  const added = new Float64Array(rows)
  for (let row = 0; row < rows; row++)
    for (const column of direct) added[row] += features[row * featureCount + column]
  let x = Float64Array.from(features) // [rows, inputs]
  let rounding = new Float64Array(x.length) // of x
  for (const { name, inputs, outputs, activation } of linearLayers(network)) {
    const weight = tensorData(weights, `${name}.weight`) // [outputs, inputs]
    const bias = tensorData(weights, `${name}.bias`) // [outputs]
    const y = new Float64Array(rows * outputs) // [rows, outputs]
    const lost = new Float64Array(y.length)
    for (let row = 0; row < rows; row++)
      for (let out = 0; out < outputs; out++) {
        let sum = bias[out]
        let size = Math.abs(bias[out])
        let brought = 0
        for (let k = 0; k < inputs; k++) {
          const term = weight[out * inputs + k] * x[row * inputs + k]
          sum += term
          size += Math.abs(term)
          brought += Math.abs(weight[out * inputs + k]) * rounding[row * inputs + k]
        }
        y[row * outputs + out] = activation === 'relu' ? Math.max(0, sum) : sum
        // n products and sums, in any order; folding has rounded each weight once more.
        lost[row * outputs + out] = brought + (inputs + 3) * UNIT_ROUNDOFF * size
      }
    x = y
    rounding = lost
  }
  return { logits: x.map((logit, row) => logit + added[row]), rounding }
}

/** The encoded rows of one pair; click: of context and pairs. */
export type PairRows = Record<Side, Float32Array> & { click?: Float32Array }

/**
 * What makes the inputs of one pair for `naiveLogits` out of its encoded rows. Codes are read from the bits
 * of the same rows.
 */
export function naiveInputs(network: Network, weights: StateDict): (rows: PairRows) => Float64Array {
  const writer = new InputWriter(network, weights)
  return (rows) => {
    const x = new Float64Array(writer.width)
    for (const source of SOURCES) {
      const own = source === 'users' || source === 'restaurants' ? rows[source] : rows.click
      if (own !== undefined) writer.writeInto(x, source, own)
    }
    return x
  }
}
