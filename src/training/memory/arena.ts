import { clickPlan, columnBytes, type RowOffsets, type RowPlan } from '../../dataset/clicks/rowLayout.ts'
import { GROUP_ROWS_MAX, NDCG_AT_MAX } from '../../dataset/clicks/groupRuns.ts'
import { createMemory } from '../../kernels/kernels.ts'
import type { RowShape } from '../../features/rowShape.ts'
import { gemmRows, layoutNetwork, type NetworkLayout, type Segment } from '../../model/layout.ts'
import { clickRow, sideRow } from '../../model/network.ts'
import { CONTROL_WORDS, SUM_COUNT, TASK_WORDS } from '../crew/protocol.ts'
import type { Matrix } from '../step/operands.ts'
import type { ArenaShape } from './arenaShape.ts'
import { type EmbeddingArea, planEmbedded, type Reserve } from './embeddingArea.ts'

/**
 * Rows that pass through the kernels at once: inputs, masks and one column panel of the weights then fit the
 * first-level cache.
 */
export const BLOCK_ROWS = 64
/**
 * A batch is cut into slices, each with its own gradient sum, whatever the number of threads: into at most 8,
 * large ones into more of `SLICE_ROWS` rows, which feed more threads, and at most `SLICES_MAX`.
 */
const [SLICES_USUAL_MAX, SLICE_ROWS] = [8, 256]
export const SLICES_MAX = 64
/** Chunks of rows between the reader and the workers: an even number, since one job takes them in pairs. */
export const RING_CHUNKS = 6
const CHUNK_ROWS = 32_768

/** A feature table in the shared memory: rows of numbers, then codes, then zeros up to `stride` words. */
export interface TableArea {
  at: number
  rows: number
  numbers: number
  stride: number
}

/** The features of the click itself and of its pair: they come with its row. */
export interface ContextArea {
  words: number
  numbers: number
  identity: number // u32 [BLOCK_ROWS]: 0, 1, 2, …: each row's context is its own
  shift: number // [numbers]: what is subtracted from them, and by what they are then multiplied
  scale: number
}

/** How the threads agree, see crew/protocol.ts. */
export interface ControlArea {
  words: number // i32 [CONTROL_WORDS]
  tasks: number // i32 [threads, TASK_WORDS]
  sums: number // f64 [SUM_COUNT]
}

/** All parameters in one piece, [layout.size], and what Adam keeps beside them. */
export interface ParameterArea {
  values: number
  gradients: number // [layout.layersSize]: those of embeddings are summed elsewhere
  momentsM: number
  momentsV: number
  snapshot: number // [3, layout.size]: parameters and moments as of one step; for checkpoints
}

/**
 * A segment's layers multiplied out, one after the other: products[l] is that of the layers 0 … l. The first
 * is the layer itself, the last is what a row of data meets.
 */
export interface FoldedSegment {
  segment: Segment
  products: Matrix[] // [segment.rows, outputs of the layer]
  gradients: Matrix[] // of the same
  transposes: Matrix[] // of each layer's weight [outputs, inputs]; none of the first
  backward: Matrix | null // the last product [outputs, inputs]; null: no gradient goes below this segment
}

/** The network as a row of data sees it. */
export interface FoldedArea {
  hidden: FoldedSegment[]
  output: FoldedSegment
  outputWeights: number // column 0 of the output's product: [inputs of the output segment, padded]
  outputGradients: number // of the same
  zeros: number // as many as the widest row
}

/** The slices that a batch is cut into: each sums up its own gradients and statistics. */
export interface SliceArea {
  rows: number // of a slice
  count: number
  // by slice and hidden segment (without one, the output weights' [1, ldx]): gradients of its product
  sums: Matrix[][]
  stride: number // floats from one slice's sums to the next's
  stats: number // f64 [count, 4]: loss, delta, correct, digest
}

/** What the losses of groups leave for the way back. */
export interface OrderArea {
  deltas: number // f32 [batchSize]: of each row of the batch, the gradient of the loss at its logit
  scratch: number[] // by thread: for one group
}

/** What one thread needs for a block of rows. */
export interface Scratch {
  x: Matrix // [BLOCK_ROWS, features and a 1]
  mask: Matrix // [BLOCK_ROWS, outputs of the last hidden segment]
  z4: number // [BLOCK_ROWS, 4]
  delta: number // [BLOCK_ROWS]
  acts: Matrix[] // one for each hidden segment but the last: [BLOCK_ROWS, outputs and a 1]
  back: Matrix[] // the same shape: gradients
}

/** One slot of the ring: rows as columns, and what scoring answers. */
export interface RingSlot {
  rows: RowOffsets // [chunkRows]
  logits: number // f32 [shape.logits, chunkRows]
}

/**
 * The plan of the one shared memory: byte offsets of everything that the kernels touch. Pure data, the same
 * in every thread, made from the same shape.
 */
export interface Arena {
  shape: ArenaShape
  layout: NetworkLayout
  bytes: number
  control: ControlArea
  tables: { users: TableArea; restaurants: TableArea }
  context: ContextArea | null // null: clicks have no features of their own
  parameters: ParameterArea
  embedded: EmbeddingArea | null // null: there are no embeddings, or nothing is trained
  order: OrderArea | null // null: rows come without their groups, or nothing is trained
  folded: FoldedArea
  slices: SliceArea
  scratch: Scratch[] // by thread
  ring: { chunkRows: number; plan: RowPlan; slots: RingSlot[] } // chunkRows: a multiple of the batch size
}

/** Pure: where everything goes. `bytes` is what the run takes beside the process itself. */
export function planArena(shape: ArenaShape): Arena {
  const layout = layoutNetwork(shape.network)
  let bytes = 4096 // address 0 stays unused: kernels take 0 for "none"
  const reserve: Reserve = (count, bytesEach = 4) => {
    const at = bytes
    bytes = Math.ceil((at + count * bytesEach) / 128) * 128 // no bit operations: offsets pass 2^31
    return at
  }
  const { userFeatures, restaurantFeatures } = shape.network
  const ldx = (Math.max(userFeatures + pad4(restaurantFeatures), gemmRows(layout.features + 1)) + 3) & ~3
  const control = {
    words: reserve(CONTROL_WORDS),
    tasks: reserve(shape.threads * TASK_WORDS),
    sums: reserve(SUM_COUNT, 8),
  }
  const tables = {
    users: planTable(reserve, shape.users, sideRow(shape.network, 'users')),
    restaurants: planTable(reserve, shape.restaurants, sideRow(shape.network, 'restaurants')),
  }
  const { words, numbers } = clickRow(shape.network)
  const context =
    words === 0
      ? null
      : {
          words,
          numbers,
          identity: reserve(BLOCK_ROWS),
          shift: reserve(numbers),
          scale: reserve(numbers),
        }
  const floats = shape.purpose === 'train' ? layout.size : 0
  const parameters = {
    values: reserve(layout.size),
    gradients: reserve(Math.min(floats, layout.layersSize)),
    momentsM: reserve(floats),
    momentsV: reserve(floats),
    snapshot: reserve(3 * floats),
  }
  const folded = planFolded(reserve, { layout, parameters, ldx, training: shape.purpose === 'train' })
  const slices = planSlices(reserve, shape, layout, ldx)
  const scratch = Array.from({ length: shape.threads }, () => planScratch(reserve, layout, ldx))
  const rowPlan = clickPlan(words, shape.groups ? 'numbers' : 'none', shape.weights)
  const ring = planRing(reserve, shape, rowPlan)
  const order = shape.groups && shape.purpose === 'train' ? planOrder(reserve, shape) : null
  const embedded =
    shape.purpose === 'train' && layout.embeddings.length > 0 ? planEmbedded(reserve, layout, shape) : null
  const inputs = { control, tables, context, parameters }
  return { shape, layout, bytes, ...inputs, order, embedded, folded, slices, scratch, ring }
}

function planTable(reserve: Reserve, rows: number, { numbers, words }: RowShape): TableArea {
  const stride = tableStride(words)
  return { at: reserve((rows + 1) * stride), rows, numbers, stride }
}

function planFolded(
  reserve: Reserve,
  network: { layout: NetworkLayout; parameters: ParameterArea; ldx: number; training: boolean },
): FoldedArea {
  const { layout, parameters, ldx, training } = network
  const widest = Math.max(...layout.layers.map((at) => Math.max(at.outputs, at.rows)), ldx)
  const zeros = reserve(widest)
  const fold = (segment: Segment): FoldedSegment => {
    const [first, ...others] = segment.layers
    const running = (firstAt: number): Matrix[] => [
      { at: firstAt + 4 * first.offset, ld: first.outputs },
      ...others.map(({ outputs }) => ({ at: reserve(segment.rows * outputs), ld: outputs })),
    ]
    return {
      segment,
      products: running(parameters.values),
      gradients: training ? running(parameters.gradients) : [],
      transposes: training
        ? segment.layers.map(({ inputs, outputs }, l) => ({
            at: l === 0 ? 0 : reserve(inputs * outputs),
            ld: inputs,
          }))
        : [],
      backward: null,
    }
  }
  const folded = [...layout.hidden, layout.output].map(fold)
  if (training)
    for (const one of folded.slice(1, -1)) {
      const { inputs, outputs } = one.segment
      one.backward = { at: reserve(inputs * outputs), ld: inputs }
    }
  return {
    hidden: folded.slice(0, -1),
    output: folded[folded.length - 1],
    outputWeights: reserve(Math.max(layout.output.rows, ldx)),
    outputGradients: reserve(Math.max(layout.output.rows, ldx)),
    zeros,
  }
}

function planSlices(reserve: Reserve, shape: ArenaShape, layout: NetworkLayout, ldx: number): SliceArea {
  const rows = sliceRowsFor(shape.batchSize)
  const count = shape.purpose === 'train' ? Math.ceil(shape.batchSize / rows) : 0
  const parts = layout.hidden.map((segment) => ({ rows: segment.rows, width: segment.outputs }))
  if (parts.length === 0) parts.push({ rows: 1, width: ldx })
  const floats = parts.reduce((sum, part) => sum + part.rows * part.width, 0)
  const stride = (floats + 31) & ~31
  const start = reserve(count * stride)
  const sums = Array.from({ length: count }, (_, slice) => {
    let at = start + 4 * slice * stride
    return parts.map((part) => {
      const matrix = { at, ld: part.width }
      at += 4 * part.rows * part.width
      return matrix
    })
  })
  return { rows, count, sums, stride, stats: reserve(Math.max(count, 1) * 4, 8) }
}

function planScratch(reserve: Reserve, layout: NetworkLayout, ldx: number): Scratch {
  const block = ({ outputs }: Segment): Matrix => ({
    at: reserve(BLOCK_ROWS * blockStride(outputs)),
    ld: blockStride(outputs),
  })
  const last = layout.hidden.at(-1)
  return {
    x: { at: reserve(BLOCK_ROWS * ldx), ld: ldx },
    mask: last ? block(last) : { at: 0, ld: 0 },
    z4: reserve(BLOCK_ROWS * 4),
    delta: reserve(BLOCK_ROWS),
    acts: layout.hidden.slice(0, -1).map(block),
    back: layout.hidden.slice(0, -1).map(block),
  }
}

function planOrder(reserve: Reserve, { batchSize, threads }: ArenaShape): OrderArea {
  const perThread = () => reserve(3 * GROUP_ROWS_MAX + 3 * NDCG_AT_MAX + 64)
  return { deltas: reserve(batchSize), scratch: Array.from({ length: threads }, perThread) }
}

function planRing(reserve: Reserve, { batchSize, logits = 1 }: ArenaShape, plan: RowPlan): Arena['ring'] {
  const chunkRows = Math.max(1, Math.floor(CHUNK_ROWS / batchSize)) * batchSize
  const slots = Array.from({ length: RING_CHUNKS }, () => ({
    rows: Object.fromEntries(
      plan.map((column) => [column.name, reserve(chunkRows, columnBytes(column))]),
    ) as RowOffsets,
    logits: reserve(logits * chunkRows),
  }))
  return { chunkRows, plan, slots }
}

/** A whole segment as one matrix [segment.rows, segment.outputs]: its last running product. */
export function productOf({ products }: FoldedSegment): Matrix {
  return products[products.length - 1]
}

/** Its gradient. */
export function productGradientOf({ gradients }: FoldedSegment): Matrix {
  return gradients[gradients.length - 1]
}

/** Allocates the shared memory of an arena. */
export function allocateArena(arena: Arena): WebAssembly.Memory {
  return createMemory(arena.bytes)
}

/**
 * Floats from row to row of a block. Room for the 1 that stands for the bias; and rows of 128 floats would
 * begin in 8 of a first-level cache's 64 sets, where one column panel of a block does not fit.
 */
function blockStride(width: number): number {
  return width + 4
}

/** How many threads have rows of a batch to work on: one for each slice. */
export function threadsFed(batchSize: number): number {
  return Math.ceil(batchSize / sliceRowsFor(batchSize))
}

/** Rows of a slice: the same whatever the number of threads, so that sums are added in the same order. */
function sliceRowsFor(batchSize: number): number {
  const slices = Math.max(SLICES_USUAL_MAX, Math.min(SLICES_MAX, Math.ceil(batchSize / SLICE_ROWS)))
  const even = Math.ceil(batchSize / slices)
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
