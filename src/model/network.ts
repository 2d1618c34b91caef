import { NearrankError } from '../errors.ts'

/** What stands behind a hidden layer. */
export type Activation = 'none' | 'relu'

/**
 * A multi-layer perceptron from one row's features to one logit: Linear → activation for each hidden layer,
 * then Linear → 1. A row is the user's features, then the restaurant's.
 */
export interface Network {
  userFeatures: number
  restaurantFeatures: number
  hidden: number[] // units of each hidden layer, first to last
  activations: Activation[] // one for each hidden layer
}

/** Float32 tensors by name, shaped and named as PyTorch's `state_dict()` of the same network has them. */
export type StateDict = Map<string, { shape: number[]; data: Float32Array }>

/** One Linear layer of a network. */
export interface LinearLayer {
  name: string // `model.0`: PyTorch numbers activations too, in one nn.Sequential called `model`
  inputs: number
  outputs: number
  activation: Activation // of its outputs
}

const UNITS_MAX = 4096
const LAYERS_MAX = 16
const FEATURES_MAX = 4096

/** Numbers of one row's input: the user's features, then the restaurant's. */
export function inputWidth({ userFeatures, restaurantFeatures }: Network): number {
  return userFeatures + restaurantFeatures
}

/** The Linear layers of `network`, first to last, the output layer included. */
export function linearLayers(network: Network): LinearLayer[] {
  const layers: LinearLayer[] = []
  let inputs = inputWidth(network)
  let position = 0
  const units = [...network.hidden, 1]
  for (const [i, outputs] of units.entries()) {
    const activation = network.activations[i] ?? 'none'
    layers.push({ name: `model.${position}`, inputs, outputs, activation })
    position += activation === 'none' ? 1 : 2
    inputs = outputs
  }
  return layers
}

/** How many parameters Adam sees: every weight and bias of every layer. */
export function parameterCount(network: Network): number {
  return linearLayers(network).reduce((sum, layer) => sum + (layer.inputs + 1) * layer.outputs, 0)
}

/** @throws NearrankError USAGE where the network cannot be built. */
export function checkNetwork(network: Network): void {
  const { hidden, activations } = network
  const wrong = (wanted: string, found: string) =>
    new NearrankError('USAGE', `Cannot build the network: ${wanted}, found ${found}`)
  if (hidden.length > LAYERS_MAX)
    throw wrong(`at most ${LAYERS_MAX} hidden layers are allowed`, `${hidden.length}`)
  if (activations.length !== hidden.length)
    throw wrong(
      `each of the ${hidden.length} hidden layers needs one activation (none or relu)`,
      `${activations.length} (${activations.join(',')})`,
    )
  for (const units of hidden)
    if (!Number.isInteger(units) || units < 1 || units > UNITS_MAX)
      throw wrong(`hidden layers have 1 to ${UNITS_MAX} units`, `${units}`)
  for (const count of [network.userFeatures, network.restaurantFeatures])
    if (!Number.isInteger(count) || count < 1 || count > FEATURES_MAX)
      throw wrong(`1 to ${FEATURES_MAX} features are allowed on each side`, `${count}`)
}
