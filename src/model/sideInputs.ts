import { type Source, SOURCES } from '../features/featureSpec.ts'
import { MISSING_CODE } from '../features/rowShape.ts'
import type { EmbeddingLayout, NetworkLayout } from './layout.ts'
import { clickRow, sideRow } from './network.ts'

/** What a row of one side contributes to the inputs of a network: its numbers, then its embeddings. */
export interface SideInputs {
  numbers: number
  numberAt: number // word of an encoded row at which they begin
  words: number // of an encoded row; that of context and pairs is one, the click's
  width: number // inputs
  columns: number[] // [width]: which input of the network each of them is
  embeddings: { embedding: EmbeddingLayout; at: number }[] // at: its first number among the side's inputs
}

export function sideInputs({ network, embeddings }: NetworkLayout, side: Source): SideInputs {
  const { numbers } = sideRow(network, side)
  const isOwn = side === 'context' || side === 'pairs'
  const { words } = isOwn ? clickRow(network) : sideRow(network, side)
  const numberAt = side === 'pairs' ? sideRow(network, 'context').numbers : 0
  const before = SOURCES.slice(0, SOURCES.indexOf(side))
  const first = before.reduce((sum, source) => sum + sideRow(network, source).numbers, 0)
  const columns = Array.from({ length: numbers }, (_, i) => first + i)
  const own: SideInputs['embeddings'] = []
  for (const embedding of embeddings) {
    if (embedding.table.side !== side) continue
    own.push({ embedding, at: columns.length })
    for (let k = 0; k < embedding.table.dim; k++) columns.push(embedding.column + k)
  }
  return { numbers, numberAt, words, width: columns.length, columns, embeddings: own }
}

/** A row's words, and where to put its inputs: views of any two memories. */
export interface RowViews {
  numbers: Float32Array
  codes: Uint32Array // the same memory
  at: number // word at which the row begins
}

/**
 * Writes the inputs of a row to `to`, from `start` on; `tableAt`: the first number of an embedding table in
 * `values`.
 */
export function writeInputs(
  inputs: SideInputs,
  { numbers, codes, at }: RowViews,
  to: { f32: Float32Array | Float64Array; start: number },
  { values, tableAt }: { values: Float32Array; tableAt: (embedding: EmbeddingLayout) => number },
): void {
  const { f32, start } = to
  for (let i = 0; i < inputs.numbers; i++) f32[start + i] = numbers[at + inputs.numberAt + i]
  for (const { embedding, at: offset } of inputs.embeddings) {
    const { dim, slots } = embedding.table
    const table = tableAt(embedding)
    const first = at + embedding.word
    let count = 0
    for (let slot = 0; slot < slots; slot++) if (codes[first + slot] !== MISSING_CODE) count++
    for (let k = 0; k < dim; k++) {
      // A single code, or a list without any: the row of what is missing.
      let sum = count === 0 ? values[table + k] : 0
      for (let slot = 0; slot < slots; slot++) {
        const code = codes[first + slot]
        if (code !== MISSING_CODE) sum += values[table + code * dim + k]
      }
      f32[start + offset + k] = sum / Math.max(count, 1)
    }
  }
}
