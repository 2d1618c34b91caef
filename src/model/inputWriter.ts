import { NearrankError } from '../errors.ts'
import { type Source, SOURCES } from '../features/featureSpec.ts'
import { layoutNetwork } from './layout.ts'
import { embeddingTensor, type Network, type StateDict } from './network.ts'
import { sideInputs, type SideInputs, writeInputs } from './sideInputs.ts'

/** The inputs of one source: the numbers of its rows, and each of its embeddings with its table. */
interface SourceInputs extends Pick<SideInputs, 'words' | 'columns'> {
  parts: { inputs: SideInputs; values: Float32Array }[]
}

/** Writes the inputs of a network in float64, from encoded rows and the tables of a state dict. */
export class InputWriter {
  readonly width: number // inputs of the network
  readonly #sources: Record<Source, SourceInputs>
  readonly #own: { f32: Float64Array; start: number } // the inputs of one source

  /** @throws NearrankError INTERNAL if `weights` lacks a table. */
  constructor(network: Network, weights: StateDict) {
    const layout = layoutNetwork(network)
    this.width = layout.features
    const entries = SOURCES.map((source) => [source, sourceInputs(sideInputs(layout, source), weights)])
    this.#sources = Object.fromEntries(entries) as Record<Source, SourceInputs>
    const widest = Math.max(...SOURCES.map((source) => this.#sources[source].columns.length))
    this.#own = { f32: new Float64Array(widest), start: 0 }
  }

  /** The inputs that come from a source: its numbers, then its embeddings. */
  columns(source: Source): readonly number[] {
    return this.#sources[source].columns
  }

  /**
   * Writes what row `row` of `rows` [rows, words] contributes to `x` [width]; codes are read from the bits of
   * the same rows. A row of context or pairs is that of both together, the click's.
   */
  writeInto(x: Float64Array, source: Source, rows: Float32Array, row = 0): void {
    const { words, columns, parts } = this.#sources[source]
    const codes = new Uint32Array(rows.buffer, rows.byteOffset, rows.length)
    for (const { inputs, values } of parts)
      writeInputs(inputs, { numbers: rows, codes, at: row * words }, this.#own, { values, tableAt: () => 0 })
    for (let i = 0; i < columns.length; i++) x[columns[i]] = this.#own.f32[i]
  }
}

function sourceInputs(inputs: SideInputs, weights: StateDict): SourceInputs {
  const { words, columns, embeddings } = inputs
  const tables = embeddings.map((one) => ({
    inputs: { ...inputs, numbers: 0, embeddings: [one] },
    values: tensorData(weights, embeddingTensor(one.embedding.table)),
  }))
  const numbers = { inputs: { ...inputs, embeddings: [] }, values: new Float32Array() }
  return { words, columns, parts: [numbers, ...tables] }
}

/** The numbers of a tensor. @throws NearrankError INTERNAL */
export function tensorData(weights: StateDict, name: string): Float32Array {
  const tensor = weights.get(name)
  if (tensor === undefined)
    throw new NearrankError('INTERNAL', `Cannot compute logits: tensor ${name} is missing`)
  return tensor.data
}
