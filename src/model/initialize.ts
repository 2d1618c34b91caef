import { Random } from '../random.ts'
import { FIRST_CODE } from '../features/rowShape.ts'
import {
  additiveColumns,
  embeddingTensor,
  linearLayers,
  tablesOf,
  type Network,
  type StateDict,
} from './network.ts'

/**
 * Initial weights and biases: uniform in ±1/√inputs, as PyTorch's nn.Linear; embeddings uniform in ±0.05,
 * those of missing and unseen values 0. What is only added to the logit begins at 0, and so do the first
 * layer's weights of it. The same for the same seed.
 */
export function initialState(network: Network, seed: number): StateDict {
  const state: StateDict = new Map()
  for (const [i, table] of tablesOf(network).entries()) {
    const random = new Random(seed, INITIAL_EMBEDDINGS, i)
    const data = new Float32Array(table.codes * table.dim)
    for (let at = FIRST_CODE * table.dim; !table.additive && at < data.length; at++)
      data[at] = EMBEDDING_BOUND * (2 * random.float() - 1)
    state.set(embeddingTensor(table), { shape: [table.codes, table.dim], data })
  }
  for (const [i, { name, inputs, outputs }] of linearLayers(network).entries()) {
    const random = new Random(seed, INITIAL_WEIGHTS, i)
    const bound = 1 / Math.sqrt(inputs)
    const uniform = (count: number) =>
      Float32Array.from({ length: count }, () => bound * (2 * random.float() - 1))
    state.set(`${name}.weight`, { shape: [outputs, inputs], data: uniform(outputs * inputs) })
    state.set(`${name}.bias`, { shape: [outputs], data: uniform(outputs) })
  }
  const first = state.get(`${linearLayers(network)[0].name}.weight`)!
  for (const column of additiveColumns(network))
    for (let unit = 0; unit < first.shape[0]; unit++) first.data[unit * first.shape[1] + column] = 0
  return state
}

// The streams' numbers, so that other uses of the same seed draw other numbers.
const INITIAL_WEIGHTS = 1
const INITIAL_EMBEDDINGS = 5
const EMBEDDING_BOUND = 0.05
