import { createMemory } from '../../kernels/kernels.ts'
import { layoutNetwork, gemmRows, type NetworkLayout, type Segment } from '../../model/layout.ts'
import type { Network } from '../../model/network.ts'
import { CONTROL_WORDS, SUM_COUNT, TASK_WORDS } from '../crew/control.ts'

/** Rows that pass through the kernels at once: inputs, masks and one column panel of the weights then fit the first-level cache. */
export const BLOCK_ROWS = 64
/** A batch is cut into this many slices at most, each with its own gradient sum, whatever the number of threads. */
const SLICES_MAX = 8
/** Chunks of rows between the reader and the workers. */
export const RING_CHUNKS = 6
const CHUNK_ROWS = 32_768

/** What decides the size of everything in the shared memory. */
export interface ArenaShape {
  network: Network
  users: number
  restaurants: number
  batchSize: number
  threads: number
  purpose: 'train' | 'score'
}

/** A feature table in the shared memory: rows of `stride` floats, `features` of them used, the rest zeros. */
export interface TablePlace {
  at: number
  rows: number
  features: number
  stride: number
}

/** One slot of the ring: rows as columns. */
export interface ChunkPlace {
  users: number // u32 [chunkRows]
  restaurants: number // u32 [chunkRows]
  clicks: number // u8 [chunkRows]
  logits: number // f32 [chunkRows], what scoring answers
}

/** Where the sum of one segment's gradients stands within a slice's accumulator, in floats. */
export interface SlicePart {
  offset: number
  rows: number
  width: number
}

/** What one worker needs for a block of rows. */
export interface ScratchPlace {
  x: number // [BLOCK_ROWS, ldx]
  mask: number // [BLOCK_ROWS, outputs of the last hidden segment], stride blockStride
  z4: number // [BLOCK_ROWS, 4]
  delta: number // [BLOCK_ROWS]
  acts: number[] // one for each hidden segment but the last: [BLOCK_ROWS, outputs and a 1], stride blockStride
  back: number[] // the same shape: gradients
}

/**
 * The plan of the one shared memory: byte offsets of everything that the kernels touch. Pure data, the same in every thread,
 * made from the same shape.
 */
export interface Arena {
  shape: ArenaShape
  layout: NetworkLayout
  bytes: number
  control: number // i32 [CONTROL_WORDS]
  tasks: number // i32 [threads, TASK_WORDS]
  sums: number // f64 [SUM_COUNT]: of the epoch so far
  users: TablePlace
  restaurants: TablePlace
  ldx: number
  parameters: number
  gradients: number
  momentsM: number
  momentsV: number
  snapshot: number // [3, layout.size]: parameters and moments as of one step; for checkpoints
  zeros: number
  products: Map<Segment, number[]> // byte offsets: of each layer's running product in the segment; the first is the layer itself
  productGradients: Map<Segment, number[]> // the same for their gradients
  transposes: Map<Segment, number[]> // of each layer's weight but the first, [outputs, inputs]
  backward: Map<Segment, number> // for all hidden segments but the first: the product transposed [outputs, inputs]
  outputWeights: number // [inputs of the output segment, padded]
  outputGradients: number // the same
  sliceRows: number
  slices: number
  sliceStride: number // floats
  sliceSums: number // [slices, sliceStride]
  sliceStats: number // f64 [slices, 4]: loss, delta, correct, digest
  sliceParts: SlicePart[] // by hidden segment, then the output's where there is no hidden one
  scratch: ScratchPlace[] // by thread
  chunkRows: number // a multiple of the batch size
  ring: ChunkPlace[]
}

/** Pure: where everything goes. `bytes` is what the run takes beside the process itself. */
export function planArena(shape: ArenaShape): Arena {
  const layout = layoutNetwork(shape.network)
  const { userFeatures, restaurantFeatures } = shape.network
  const training = shape.purpose === 'train'
  let bytes = 4096 // address 0 stays unused: kernels take 0 for "none"
  const reserve = (count: number, bytesEach = 4): number => {
    const at = bytes
    bytes = Math.ceil((at + count * bytesEach) / 128) * 128 // no bit operations: offsets pass 2^31
    return at
  }
  const control = reserve(CONTROL_WORDS)
  const tasks = reserve(shape.threads * TASK_WORDS)
  const sums = reserve(SUM_COUNT, 8)
  const table = (rows: number, features: number): TablePlace => {
    const stride = tableStride(features)
    return { at: reserve((rows + 1) * stride), rows, features, stride }
  }
  const users = table(shape.users, userFeatures)
  const restaurants = table(shape.restaurants, restaurantFeatures)
  const ldx = (Math.max(userFeatures + pad4(restaurantFeatures), gemmRows(layout.features + 1)) + 3) & ~3

  const parameters = reserve(layout.size)
  const gradients = reserve(training ? layout.size : 0)
  const momentsM = reserve(training ? layout.size : 0)
  const momentsV = reserve(training ? layout.size : 0)
  const snapshot = reserve(training ? 3 * layout.size : 0)
  const widest = Math.max(...layout.layers.map((at) => Math.max(at.outputs, at.rows)), ldx)
  const zeros = reserve(widest)

  const products = new Map<Segment, number[]>()
  const productGradients = new Map<Segment, number[]>()
  const transposes = new Map<Segment, number[]>()
  const backward = new Map<Segment, number>()
  for (const segment of [...layout.hidden, layout.output]) {
    const [first, ...others] = segment.layers
    const running = (firstAt: number) => [
      firstAt + 4 * first.offset,
      ...others.map((at) => reserve(segment.rows * at.outputs)),
    ]
    products.set(segment, running(parameters))
    if (!training) continue
    productGradients.set(segment, running(gradients))
    transposes.set(segment, [0, ...others.map((at) => reserve(at.inputs * at.outputs))])
  }
  if (training)
    for (const segment of layout.hidden.slice(1))
      backward.set(segment, reserve(segment.inputs * segment.outputs))
  const outputWeights = reserve(Math.max(layout.output.rows, ldx))
  const outputGradients = reserve(Math.max(layout.output.rows, ldx))

  const sliceRows = sliceRowsFor(shape.batchSize)
  const slices = training ? Math.ceil(shape.batchSize / sliceRows) : 0
  const sliceParts: SlicePart[] = []
  let sliceFloats = 0
  const part = (rows: number, width: number) => {
    sliceParts.push({ offset: sliceFloats, rows, width })
    sliceFloats += rows * width
  }
  for (const segment of layout.hidden) part(segment.rows, segment.outputs)
  if (layout.hidden.length === 0) part(1, ldx)
  const sliceStride = (sliceFloats + 31) & ~31
  const sliceSums = reserve(slices * sliceStride)
  const sliceStats = reserve(Math.max(slices, 1) * 4, 8)

  const block = (segment: Segment) => reserve(BLOCK_ROWS * blockStride(segment.outputs))
  const scratch = Array.from({ length: shape.threads }, () => ({
    x: reserve(BLOCK_ROWS * ldx),
    mask: layout.hidden.length > 0 ? block(layout.hidden[layout.hidden.length - 1]) : 0,
    z4: reserve(BLOCK_ROWS * 4),
    delta: reserve(BLOCK_ROWS),
    acts: layout.hidden.slice(0, -1).map(block),
    back: layout.hidden.slice(0, -1).map(block),
  }))
  const chunkRows = Math.max(1, Math.floor(CHUNK_ROWS / shape.batchSize)) * shape.batchSize
  const ring = Array.from({ length: RING_CHUNKS }, () => ({
    users: reserve(chunkRows),
    restaurants: reserve(chunkRows),
    clicks: reserve(chunkRows, 1),
    logits: reserve(chunkRows),
  }))
  return {
    shape,
    layout,
    bytes,
    control,
    tasks,
    sums,
    users,
    restaurants,
    ldx,
    parameters,
    gradients,
    momentsM,
    momentsV,
    snapshot,
    zeros,
    products,
    productGradients,
    transposes,
    backward,
    outputWeights,
    outputGradients,
    sliceRows,
    slices,
    sliceStride,
    sliceSums,
    sliceStats,
    sliceParts,
    scratch,
    chunkRows,
    ring,
  }
}

/** A whole segment as one matrix [segment.rows, segment.outputs]: its last running product. */
export function productOf(arena: Arena, segment: Segment): number {
  const running = arena.products.get(segment)!
  return running[running.length - 1]
}

/** Its gradient. */
export function productGradientOf(arena: Arena, segment: Segment): number {
  const running = arena.productGradients.get(segment)!
  return running[running.length - 1]
}

/** Allocates the shared memory of an arena. */
export function allocateArena(arena: Arena): WebAssembly.Memory {
  return createMemory(arena.bytes)
}

/**
 * Floats from row to row of a block. Room for the 1 that stands for the bias; and rows of 128 floats would begin in 8 of a
 * first-level cache's 64 sets, where one column panel of a block does not fit.
 */
export function blockStride(width: number): number {
  return width + 4
}

/** Rows of a slice: the same whatever the number of threads, so that sums are added in the same order. */
function sliceRowsFor(batchSize: number): number {
  const even = Math.ceil(batchSize / SLICES_MAX)
  const step = even >= BLOCK_ROWS ? BLOCK_ROWS : 16
  return Math.ceil(even / step) * step
}

/** Wide rows start at cache lines, narrow ones do not straddle them. */
function tableStride(features: number): number {
  for (const stride of [4, 8, 16]) if (features <= stride) return stride
  return Math.ceil(features / 16) * 16
}

function pad4(count: number): number {
  return (count + 3) & ~3
}
