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
import { type EmbeddingLayout, layoutNetwork } from '../model/layout.ts'
import { embeddingTensor, type Network, sideRow, type StateDict } from '../model/network.ts'
import type { Scores } from '../model/scoreOf.ts'
import { sideInputs, type SideInputs } from '../model/sideInputs.ts'

const CACHE_LINE_BYTES = 64
const PADDED_UNITS = 8 // the kernels take units by eight; padding is zero and adds nothing
export const CHUNK_ROWS = 1024 // restaurants scored in one call
/** Restaurants whose pairs are computed at a time: few enough that a first-level cache holds their words. */
export const PAIR_ROWS = 64
const CODED_MAX = 64 // codes: 2 µs a request for 34, of which 100 restaurants take more

/**
 * A folded model, ready to score, in memory that threads share: posted to a worker, nothing
 * of it is copied but the deeper layers. Pointers are byte offsets.
 */
export interface ScoringMemory {
  memory: WebAssembly.Memory
  kernels: WebAssembly.Module
  network: Network
  scores: Scores
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
  scratch: Scratch // of the first thread, `scratchBytes` each
  scratchBytes: number
  threads: number
  // [restaurantsMax, units]: each restaurant's product with the first layer; 0: computed anew each time
  parts: number
  restaurantsMax: number
}

/** Where a thread keeps what it computes for a request. */
export interface Scratch {
  input: number // [inputs of any source]
  userRow: number // [words]
  contextRow: number // [words], with room for the pairs of a click
  user: number // [units]: the user's part
  part: number // [units]: a restaurant's
  rows: number // u32 [CHUNK_ROWS]
  logits: number // [CHUNK_ROWS]
  pairInputs: number // [PAIR_ROWS, inputs of pairs]
  pairCodes: number // u32 [PAIR_ROWS, codes of pairs]
  pairOrder: number // u32 [PAIR_ROWS]: 0, 1, 2, …
  userByCode: number // [codes, units]: the user's part with that of a code, see `codedOf`
  pairParts: number // [PAIR_ROWS, units]: of restaurants, if they are not kept
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
  scores?: Scores // absent: click probabilities
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
    pairs: codedLast(sideInputs(layout, 'pairs')),
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
  const start = end
  const pairRows = inputs.pairs.width > 0 ? PAIR_ROWS : 0
  const scratch: Scratch = {
    input: reserve(Math.max(...SOURCES.map((source) => inputs[source].width))),
    userRow: reserve(inputs.users.words),
    contextRow: reserve(inputs.context.words),
    user: reserve(units),
    part: reserve(units),
    rows: reserve(CHUNK_ROWS),
    logits: reserve(CHUNK_ROWS),
    pairInputs: reserve(pairRows * inputs.pairs.width),
    pairCodes: reserve(pairRows * sideRow(network, 'pairs').codes),
    pairOrder: reserve(pairRows),
    userByCode: reserve((codedOf(inputs.pairs)?.table.codes ?? 0) * units),
    pairParts: reserve(pairRows * units),
  }
  const scratchBytes = end - start
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
    scores: options.scores,
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

/**
 * The embedding of pairs whose part of the first layer is added to the user's, once a request for each of its
 * codes, so that it costs a restaurant nothing: the last one, if it has one code a pair and few of them.
 */
export function codedOf({ embeddings }: SideInputs): EmbeddingLayout | null {
  const last = embeddings.at(-1)?.embedding
  return last && isCoded(last) ? last : null
}

function isCoded({ table }: EmbeddingLayout): boolean {
  return table.slots === 1 && table.codes <= CODED_MAX
}

/** The same inputs, in such an order that `codedOf` finds an embedding if there is one. */
function codedLast(inputs: SideInputs): SideInputs {
  const coded = inputs.embeddings.find(({ embedding }) => isCoded(embedding))
  if (!coded) return inputs
  const columns: number[] = inputs.columns.slice(0, inputs.numbers)
  const others = inputs.embeddings.filter((one) => one !== coded)
  const embeddings = [...others, coded].map(({ embedding, at }) => {
    columns.push(...inputs.columns.slice(at, at + embedding.table.dim))
    return { embedding, at: columns.length - embedding.table.dim }
  })
  return { ...inputs, columns, embeddings }
}

/** Where a thread keeps what it computes. */
export function scratchOf({ scratch, scratchBytes }: ScoringMemory, thread: number): Scratch {
  const own = Object.entries(scratch).map(([what, at]: [string, number]) => [
    what,
    at + thread * scratchBytes,
  ])
  return Object.fromEntries(own) as Scratch
}

/** Of the features only what pairs need: a vocabulary may be large, and every thread gets a copy. */
function pairInputs(features: FeaturesOf | undefined): PairInputs | null {
  if (!features?.pairs?.length) return null
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
