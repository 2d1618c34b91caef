import { type ErrorCode, NearrankError } from '../errors.ts'
import { firstNotFinite } from '../features/featureValues.ts'
import { type Network, type StateDict, tensorShapes } from './network.ts'

/** What to call the weights in a message, and the code of the error. */
export interface CheckWeightsOptions {
  where: string
  code: ErrorCode
}

/**
 * Proves that `weights` holds exactly the tensors of `network`, in their shapes ([out, in] and [out]), all
 * finite.
 * @throws NearrankError of the given code, naming the tensor.
 */
export function checkWeights(network: Network, weights: StateDict, options: CheckWeightsOptions): void {
  const wrong = (problem: string) =>
    new NearrankError(
      options.code,
      `Cannot use ${options.where}: ${problem}; restore it from a copy or train again`,
    )
  const shapes = tensorShapes(network)
  for (const [name, shape] of shapes) {
    const tensor = weights.get(name)
    if (tensor === undefined)
      throw wrong(`tensor ${name} is missing, found ${[...weights.keys()].join(', ') || 'none'}`)
    const size = shape.reduce((product, dimension) => product * dimension, 1)
    if (tensor.shape.join() !== shape.join() || tensor.data.length !== size)
      throw wrong(`tensor ${name} must have shape [${shape.join(', ')}], found [${tensor.shape.join(', ')}]`)
    const at = firstNotFinite(tensor.data)
    if (at !== -1) throw wrong(`tensor ${name} must be finite, element ${at} is ${tensor.data[at]}`)
  }
  for (const name of weights.keys())
    if (!shapes.has(name)) throw wrong(`tensor ${name} does not belong to this network`)
}
