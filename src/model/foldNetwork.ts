import { NearrankError } from '../errors.ts'
import { directColumns, type LinearLayer, linearLayers, type Network, type StateDict } from './network.ts'

/** A run of Linear layers without an activation between them, as the one Linear layer that it amounts to. */
export interface EffectiveLayer {
  inputs: number
  outputs: number // 1 for the last layer
  weight: Float32Array // [outputs, inputs]
  bias: Float32Array // [outputs]
  relu: boolean // of its outputs; false for the last layer
}

/** One run while it is folded, in float64. */
interface Run {
  inputs: number
  outputs: number
  weight: Float64Array // [outputs, inputs]
  bias: Float64Array // [outputs]
}

/**
 * The network that a row sees: each run of layers without an activation between them folded into one, in
 * float64, rounded once. The logits are those of the unfolded network up to that rounding.
 * @throws NearrankError DAMAGED where a tensor is missing or has another size.
 */
export function foldNetwork(network: Network, weights: StateDict): EffectiveLayer[] {
  const folded: EffectiveLayer[] = []
  let run: Run | undefined
  for (const layer of linearLayers(network)) {
    const own = layerAsRun(layer, weights)
    run = run ? compose(run, own) : own
    if (layer.activation === 'none') continue
    folded.push(rounded(run, true))
    run = undefined
  }
  // the output layer has no activation, so a run is always open here
  if (run) folded.push(rounded(run, false))
  const direct = directColumns(network)
  return direct.length === 0 ? folded : folded.map((layer, l) => withDirect(layer, l === 0 ? direct : null))
}

/**
 * The layer with what is added to the logit directly. Through hidden layers it goes as two more units, since
 * relu(s) − relu(−s) is s; the first layer sums the columns `direct`, the last takes the difference.
 */
function withDirect({ inputs, outputs, weight, bias, relu }: EffectiveLayer, direct: number[] | null) {
  const carried = direct ? 0 : 2 // of the layer's inputs
  const units = relu ? 2 : 0 // of its outputs
  const width = inputs + carried
  const wider = new Float32Array((outputs + units) * width)
  for (let unit = 0; unit < outputs; unit++)
    wider.set(weight.subarray(unit * inputs, (unit + 1) * inputs), unit * width)
  for (const [k, sign] of [1, -1].entries()) {
    const row = (relu ? outputs + k : 0) * width
    if (!direct) wider[row + inputs + k] = relu ? 1 : sign
    else if (relu || k === 0) for (const column of direct) wider[row + column] += sign
  }
  const longer = new Float32Array(outputs + units)
  longer.set(bias)
  return { inputs: width, outputs: outputs + units, weight: wider, bias: longer, relu }
}

function layerAsRun({ name, inputs, outputs }: LinearLayer, weights: StateDict): Run {
  const weight = tensor(weights, `${name}.weight`, outputs * inputs)
  const bias = tensor(weights, `${name}.bias`, outputs)
  return { inputs, outputs, weight: Float64Array.from(weight), bias: Float64Array.from(bias) }
}

function tensor(weights: StateDict, name: string, size: number): Float32Array {
  const found = weights.get(name)?.data
  if (found?.length === size) return found
  throw new NearrankError(
    'DAMAGED',
    `Cannot fold the network: tensor ${name} must hold ${size} numbers, found ${found ? found.length : 'none'}; ` +
      'train or load the model again',
  )
}

/** `second` after `first`: second.weight · first.weight, second.weight · first.bias + second.bias. */
function compose(first: Run, second: Run): Run {
  const { inputs, outputs: units } = first
  const { outputs } = second
  const weight = new Float64Array(outputs * inputs)
  const bias = second.bias.slice()
  for (let o = 0; o < outputs; o++)
    for (let u = 0; u < units; u++) {
      const factor = second.weight[o * units + u]
      bias[o] += factor * first.bias[u]
      for (let i = 0; i < inputs; i++) weight[o * inputs + i] += factor * first.weight[u * inputs + i]
    }
  return { inputs, outputs, weight, bias }
}

function rounded({ inputs, outputs, weight, bias }: Run, relu: boolean): EffectiveLayer {
  return { inputs, outputs, weight: Float32Array.from(weight), bias: Float32Array.from(bias), relu }
}
