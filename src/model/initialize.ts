import { Random } from '../random.ts'
import { linearLayers, type Network, type StateDict } from './network.ts'

/** Initial weights and biases: uniform in ±1/√inputs, as PyTorch's nn.Linear; the same for the same seed. */
export function initialState(network: Network, seed: number): StateDict {
  const state: StateDict = new Map()
  for (const [i, { name, inputs, outputs }] of linearLayers(network).entries()) {
    const random = new Random(seed, INITIAL_WEIGHTS, i)
    const bound = 1 / Math.sqrt(inputs)
    const uniform = (count: number) =>
      Float32Array.from({ length: count }, () => bound * (2 * random.float() - 1))
    state.set(`${name}.weight`, { shape: [outputs, inputs], data: uniform(outputs * inputs) })
    state.set(`${name}.bias`, { shape: [outputs], data: uniform(outputs) })
  }
  return state
}

// The stream's number, so that other uses of the same seed draw other numbers.
const INITIAL_WEIGHTS = 1
