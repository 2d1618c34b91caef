import {
  clickRow,
  embeddingsOf,
  type EmbeddingTable,
  inputWidth,
  linearLayers,
  type LinearLayer,
  type Network,
  numberInputs,
  sideRow,
} from './network.ts'

/**
 * One layer's parameters as the kernels want them: the transposed weight [inputs, outputs] with the bias as
 * one more row, so that a product with [x, 1] includes it. `outputs` is rounded up to 8 columns, and a
 * following layer's `inputs` with it. The rows and columns that were added are zeros and stay zeros: their
 * gradients are.
 */
export interface LayerLayout {
  layer: LinearLayer
  inputs: number // padded
  outputs: number // padded to a multiple of 8
  rows: number // inputs + 1 (the bias), padded to an even number ≥ 4: what gemm takes
  offset: number // floats from the start of the parameters
  size: number // rows · outputs floats
}

/**
 * A run of layers without an activation between them: to a row of data it is one matrix [inputs + 1,
 * outputs].
 */
export interface Segment {
  layers: LayerLayout[]
  inputs: number // padded
  outputs: number // padded
  rows: number // of the product, bias row included, padded
}

/** One embedding table [codes, dim] among the parameters. */
export interface EmbeddingLayout {
  table: EmbeddingTable
  offset: number // floats from the start of the parameters; a multiple of a cache line's
  size: number // floats
  column: number // of a row's inputs, where its numbers begin
  word: number // of a side's row, where its codes begin
  code: number // the same among the codes of all embeddings, those of dim 0 included
}

/** Where every parameter stands, in an array of `size` floats; gradients and moments use the same places. */
export interface NetworkLayout {
  network: Network
  layers: LayerLayout[]
  layersSize: number // floats of all layers; they come first
  embeddings: EmbeddingLayout[] // without those of dim 0
  hidden: Segment[] // each ends in a ReLU
  output: Segment // ends in the logit: column 0 of 8
  size: number // floats
  features: number // inputs of a row
}

/** Rows that gemm can take: even and at least 4. */
export function gemmRows(rows: number): number {
  return Math.max(4, (rows + 1) & ~1)
}

/** Pure: the layout of `network`'s parameters. */
export function layoutNetwork(network: Network): NetworkLayout {
  const features = inputWidth(network)
  const layers: LayerLayout[] = []
  const segments: Segment[] = []
  let run: LayerLayout[] = []
  let inputs = features
  let offset = 0
  for (const layer of linearLayers(network)) {
    const outputs = (layer.outputs + 7) & ~7
    const rows = gemmRows(inputs + 1)
    const at = { layer, inputs, outputs, rows, offset, size: rows * outputs }
    layers.push(at)
    run.push(at)
    if (layer.activation === 'relu') {
      segments.push(segmentOf(run))
      run = []
    }
    offset += at.size
    inputs = outputs
  }
  const layersSize = offset
  const embeddings = layoutEmbeddings(network, layersSize)
  const last = embeddings.at(-1)
  const size = last ? last.offset + last.size : layersSize
  const output = segmentOf(run)
  return { network, layers, layersSize, embeddings, hidden: segments, output, size, features }
}

/** Floats of a cache line: a row of 16 that crossed two would take twice as long to fetch. */
const LINE = 16

function layoutEmbeddings(network: Network, first: number): EmbeddingLayout[] {
  let offset = first
  let column = numberInputs(network)
  let code = 0
  const words = {
    users: network.userFeatures,
    restaurants: network.restaurantFeatures,
    context: clickRow(network).numbers,
    pairs: clickRow(network).numbers + sideRow(network, 'context').codes,
  }
  const all = embeddingsOf(network).map((table) => {
    const { codes, dim, slots, side } = table
    offset = Math.ceil(offset / LINE) * LINE
    const at = { table, offset, size: codes * dim, column, word: words[side], code }
    offset += at.size
    column += dim
    words[side] += slots
    code += slots
    return at
  })
  return all.filter(({ table }) => table.dim > 0)
}

function segmentOf(layers: LayerLayout[]): Segment {
  const first = layers[0]
  const last = layers[layers.length - 1]
  return { layers, inputs: first.inputs, outputs: last.outputs, rows: first.rows }
}
