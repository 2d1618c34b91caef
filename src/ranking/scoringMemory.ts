import {
  type FeaturesOf,
  type FeatureSpec,
  type Operand,
  type PairFeature,
  type Source,
  SOURCES,
} from '../features/featureSpec.ts'
import { operandsOf } from '../features/pairs/operands.ts'
import { rateTable } from '../features/pairs/rate.ts'
import { bestSimd, compileKernels, createMemory, MEMORY_BYTES_MAX, type Simd } from '../kernels/kernels.ts'
import { type EffectiveLayer, foldNetwork } from '../model/foldNetwork.ts'
import { layoutNetwork } from '../model/layout.ts'
import { embeddingTensor, type Network, type StateDict } from '../model/network.ts'
import { sideInputs, type SideInputs } from '../model/sideInputs.ts'

const CACHE_LINE_BYTES = 64
const PADDED_UNITS = 8 // the kernels take units by eight; padding is zero and adds nothing
export const CHUNK_ROWS = 1024 // restaurants scored in one call
/** Restaurants of which the parts with their pairs are held at a time: they fit a second-level cache. */
export const PAIR_ROWS = 64

/**
 * A folded model, ready to score, in memory that threads share: posted to a worker, nothing
 * of it is copied but the deeper layers. Pointers are byte offsets.
 */
export interface ScoringMemory {
  memory: WebAssembly.Memory
  kernels: WebAssembly.Module
  network: Network
  layers: EffectiveLayer[] // without the first one
  firstUnits: number // of the first layer
  units: number // the same, padded
  inputs: Record<Source, SideInputs>
  weight: Record<Source, number> // [inputs of the source, units]
  context: readonly FeatureSpec[] // what requests may tell of themselves
  pairs: PairInputs | null // null: the network has no features of user and restaurant together
  embeddings: number // where the tables would be if all parameters were here, in their order
  bias: number // [units]
  zeros: number // [units]
  wOut: number // [units], where one hidden layer is all there is
  scratch: number // of the first thread, `scratchBytes` each
  scratchBytes: number
  threads: number
  // [restaurantsMax, units]: each restaurant's product with the first layer; 0: computed anew each time
  parts: number
  restaurantsMax: number
}

/** What the features of pairs are computed by; of the others only what these need. */
export interface PairInputs {
  pairs: readonly PairFeature[]
  features: FeaturesOf
  rates: (Float32Array | null)[] // of each pair, if it is a rate; shared memory
}

export interface ScoringMemoryOptions {
  network: Network
  features?: FeaturesOf // absent: all are plain numbers
  weights: StateDict
  restaurantsMax: number
  threads?: number // that score at the same time, @default 1
  // for the restaurants' parts, @default what fits the 4 GiB of one WebAssembly memory
  precomputeBytesMax?: number
  simd?: Simd // @default the fastest
}

/**
 * Folds a model and lays out its memory: 4 bytes × restaurants × units, 51 MB
 * for 100,000 × 128, zero until a `PairScorer` fills it.
 * @throws NearrankError DAMAGED where the weights do not fit the network, MEMORY where the system gives none.
 */
export function createScoringMemory(options: ScoringMemoryOptions): ScoringMemory {
  const { network, weights, restaurantsMax, threads = 1, simd = bestSimd() } = options
  const [first, ...layers] = foldNetwork(network, weights)
  const units = Math.ceil(first.outputs / PADDED_UNITS) * PADDED_UNITS
  let end = CACHE_LINE_BYTES // 0 is no address
  const reserve = (floats: number) => {
    const at = end
    end = Math.ceil((end + 4 * floats) / CACHE_LINE_BYTES) * CACHE_LINE_BYTES
    return at
  }
  const layout = layoutNetwork(network)
  const inputs = {
    users: sideInputs(layout, 'users'),
    restaurants: sideInputs(layout, 'restaurants'),
    context: sideInputs(layout, 'context'),
    pairs: sideInputs(layout, 'pairs'),
  }
  const at = {
    weight: {
      users: reserve(inputs.users.width * units),
      restaurants: reserve(inputs.restaurants.width * units),
      context: reserve(inputs.context.width * units),
      pairs: reserve(inputs.pairs.width * units),
    },
    embeddings: reserve(layout.size - layout.layersSize) - 4 * layout.layersSize,
    bias: reserve(units),
    zeros: reserve(units),
    wOut: reserve(units),
  }
  const scratch = end
  const widest = Math.max(...SOURCES.map((source) => inputs[source].width))
  const words = inputs.users.words + inputs.context.words
  const pairParts = inputs.pairs.width > 0 ? PAIR_ROWS * units : 0
  reserve(widest + words + 2 * units + 2 * CHUNK_ROWS + pairParts + 6 * (CACHE_LINE_BYTES / 4))
  const scratchBytes = end - scratch
  end += (threads - 1) * scratchBytes
  const partsBytes = 4 * restaurantsMax * units
  const room = Math.min(options.precomputeBytesMax ?? MEMORY_BYTES_MAX, MEMORY_BYTES_MAX - end)
  const hasParts = partsBytes <= room
  const parts = hasParts ? end : 0
  const memory = createMemory(end + (hasParts ? partsBytes : 0))
  const made: ScoringMemory = {
    ...at,
    memory,
    kernels: compileKernels(simd),
    network,
    inputs,
    context: options.features?.context ?? [],
    pairs: pairInputs(options.features),
    layers,
    firstUnits: first.outputs,
    units,
    scratch,
    scratchBytes,
    threads,
    parts,
    restaurantsMax,
  }
  writeWeights(made, first)
  const f32 = new Float32Array(memory.buffer)
  for (const { table, offset } of layout.embeddings)
    f32.set(weights.get(embeddingTensor(table))!.data, at.embeddings / 4 + offset)
  return made
}

/** Of the features only what pairs need: a vocabulary may be large, and every thread gets a copy. */
function pairInputs(features: FeaturesOf | undefined): PairInputs | null {
  if (!features?.pairs) return null
  const { pairs, context } = features
  const overlaps = pairs.flatMap((pair) => (pair.kind === 'overlap' ? operandsOf(pair) : []))
  const needed = (own: readonly FeatureSpec[], of: Operand) =>
    own.map((feature): FeatureSpec => {
      const isNeeded = overlaps.some(([operand, name]) => operand === of && name === feature.name)
      return isNeeded || !('values' in feature) ? feature : { ...feature, values: [] }
    })
  return {
    pairs: pairs.map((pair) => (pair.kind === 'rate' ? { ...pair, rows: [], clicks: [] } : pair)),
    rates: pairs.map((pair) => sharedCopy(rateTable(pair))),
    features: {
      users: needed(features.users, 'user'),
      restaurants: needed(features.restaurants, 'restaurant'),
      ...(context && { context: needed(context, 'context') }),
    },
  }
}

function sharedCopy(values: Float32Array | null): Float32Array | null {
  if (values === null) return null
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength))
  copy.set(values)
  return copy
}

function writeWeights(made: ScoringMemory, { inputs, outputs, weight, bias }: EffectiveLayer): void {
  const f32 = new Float32Array(made.memory.buffer)
  for (let unit = 0; unit < outputs; unit++) {
    f32[made.bias / 4 + unit] = bias[unit]
    for (const side of SOURCES)
      for (const [row, column] of made.inputs[side].columns.entries())
        f32[made.weight[side] / 4 + row * made.units + unit] = weight[unit * inputs + column]
  }
  if (made.layers.length === 1) f32.set(made.layers[0].weight, made.wOut / 4)
}
