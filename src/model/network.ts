import { NearrankError } from '../errors.ts'
import { type FeaturesOf, SIDES, SINGULAR, type Source, SOURCES } from '../features/featureSpec.ts'
import {
  embeddingsOf as embeddingsOfFeature,
  type EmbeddingSpec,
  rowShape,
  type RowShape,
} from '../features/rowShape.ts'

/** What stands behind a hidden layer. */
export type Activation = 'none' | 'relu'

/**
 * A multi-layer perceptron from one row's inputs to one logit: Linear → activation for each hidden layer,
 * then Linear → 1. The inputs are the numbers of user, restaurant, context and pairs, then the embeddings
 * in their order. The numbers of a `direct` embedding are inputs like all others, and their sum is added to
 * the logit as well: what an id is worth by itself need not be learned through the layers. Of an `additive`
 * one, the first layer's weights are 0 and stay 0.
 */
export interface Network {
  userFeatures: number // numbers of a user
  restaurantFeatures: number // numbers of a restaurant
  contextFeatures?: number // numbers of the click or request itself; absent: none
  pairFeatures?: number // numbers of user and restaurant together; absent: none
  embeddings?: EmbeddingTable[] // absent: there are none
  hidden: number[] // units of each hidden layer, first to last
  activations: Activation[] // one for each hidden layer
}

/** A table [codes, dim] of which a row of data takes the rows of its codes, or their mean. */
export interface EmbeddingTable extends EmbeddingSpec {
  side: Source // whose feature it is; `name` begins with it: `user.gender`
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
const INPUTS_MAX = 16_384

/** The numbers among one row's inputs: they come first. */
export function numberInputs(network: Network): number {
  return SOURCES.reduce((sum, source) => sum + sideRow(network, source).numbers, 0)
}

/** All inputs of one row. */
export function inputWidth(network: Network): number {
  return embeddingsOf(network).reduce((sum, { dim }) => sum + dim, numberInputs(network))
}

export function embeddingsOf({ embeddings = [] }: Network): readonly EmbeddingTable[] {
  return embeddings
}

/** Those that have any numbers. A table of dim 0 only gives codes a place in a row, for pairs to use. */
export function tablesOf(network: Network): readonly EmbeddingTable[] {
  return embeddingsOf(network).filter(({ dim }) => dim > 0)
}

export function directTables(network: Network): readonly EmbeddingTable[] {
  return embeddingsOf(network).filter(({ direct }) => direct)
}

/** The inputs that are added to the logit as well: the numbers of every `direct` embedding. */
export function directColumns(network: Network): number[] {
  return columnsOf(network, ({ direct }) => direct === true)
}

/** The inputs that no layer takes: the numbers of every `additive` embedding. */
export function additiveColumns(network: Network): number[] {
  return columnsOf(network, ({ additive }) => additive === true)
}

function columnsOf(network: Network, isWanted: (table: EmbeddingTable) => boolean): number[] {
  const columns: number[] = []
  let column = numberInputs(network)
  for (const table of embeddingsOf(network)) {
    if (isWanted(table)) for (let k = 0; k < table.dim; k++) columns.push(column + k)
    column += table.dim
  }
  return columns
}

/** The name of an embedding table's tensor, as PyTorch would have it. */
export function embeddingTensor({ name }: Pick<EmbeddingTable, 'name'>): string {
  return `embedding.${name}.weight`
}

/** A row of a side as the network takes it: its numbers, then the codes of its embeddings in their order. */
export function sideRow(network: Network, side: Source): RowShape {
  const numbers = network[`${SINGULAR[side]}Features`] ?? 0
  const own = embeddingsOf(network).filter((table) => table.side === side)
  const codes = own.reduce((sum, { slots }) => sum + slots, 0)
  return { numbers, codes, words: numbers + codes }
}

/**
 * What a packed click holds beside its two rows: the numbers of context and pairs, then the codes of both.
 */
export function clickRow(network: Network): RowShape {
  const [context, pairs] = [sideRow(network, 'context'), sideRow(network, 'pairs')]
  const numbers = context.numbers + pairs.numbers
  const codes = context.codes + pairs.codes
  return { numbers, codes, words: numbers + codes }
}

/** The inputs of a network for such features, without its layers. */
export function inputsOf(features: FeaturesOf): Omit<Network, 'hidden' | 'activations'> {
  const { context = [], pairs = [] } = features
  const embeddings = SOURCES.flatMap((side) =>
    (features[side] ?? [])
      .flatMap((feature) => embeddingsOfFeature(feature))
      .map(({ name, codes, dim, slots, direct, additive }) => {
        const table: EmbeddingTable = { name: `${SINGULAR[side]}.${name}`, side, codes, dim, slots }
        if (direct) table.direct = true
        if (additive) table.additive = true
        return table
      }),
  )
  return {
    userFeatures: rowShape(features.users).numbers,
    restaurantFeatures: rowShape(features.restaurants).numbers,
    ...(context.length > 0 && { contextFeatures: rowShape(context).numbers }),
    ...(pairs.length > 0 && { pairFeatures: rowShape(pairs).numbers }),
    ...(embeddings.length > 0 && { embeddings }),
  }
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

/** How many parameters Adam sees: every weight and bias of every layer, every number of every embedding. */
export function parameterCount(network: Network): number {
  const layers = linearLayers(network).reduce((sum, layer) => sum + (layer.inputs + 1) * layer.outputs, 0)
  return embeddingsOf(network).reduce((sum, { codes, dim }) => sum + codes * dim, layers)
}

/** The name and shape of every tensor of a network, in the order in which files hold them. */
export function tensorShapes(network: Network): Map<string, number[]> {
  const shapes = new Map<string, number[]>()
  for (const table of tablesOf(network)) shapes.set(embeddingTensor(table), [table.codes, table.dim])
  for (const { name, inputs, outputs } of linearLayers(network)) {
    shapes.set(`${name}.weight`, [outputs, inputs])
    shapes.set(`${name}.bias`, [outputs])
  }
  return shapes
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
  for (const side of SIDES) {
    const { numbers, words } = sideRow(network, side)
    if (!Number.isInteger(numbers) || words < 1 || numbers > FEATURES_MAX)
      throw wrong(`1 to ${FEATURES_MAX} features are allowed on each side`, `${numbers}`)
  }
  const names = embeddingsOf(network).map(({ name }) => name)
  const twice = names.length > new Set(names).size && names.find((name, i) => names.indexOf(name) < i)
  if (twice)
    throw wrong(
      'each embedding needs a name of its own',
      `${twice} twice: a part of a time has it, and a column; rename one of them`,
    )
  if (inputWidth(network) > INPUTS_MAX)
    throw wrong(
      `at most ${INPUTS_MAX} inputs are allowed, numbers and embeddings together`,
      `${inputWidth(network)}`,
    )
}
