import type { EmbeddingLayout, NetworkLayout } from '../../model/layout.ts'
import { embeddingsOf, numberInputs } from '../../model/network.ts'
import type { Matrix } from '../step/operands.ts'
import type { ArenaShape } from './arenaShape.ts'

/** Tables of long lists are updated by several tasks: a power of two of them. */
const LONG_LIST_SLOTS = 8
const LIST_TASKS = 4

/** What the step of the embeddings needs beside the parameters: of the batch at hand. */
export interface EmbeddingArea {
  codes: Matrix // u32 [batch, codes of all embeddings]
  deltas: Matrix // [batch, embedding inputs]: gradient of the loss at them
  inputs: number // embedding inputs, padded to what a product takes
  backward: Matrix // [outputs of the first segment, inputs]: the way back to them
  steps: EmbeddingStep[]
}

/** What one task updates: the rows of a table of which the code, modulo `residues`, is `residue`. */
export interface EmbeddingStep {
  embedding: EmbeddingLayout
  residue: number
  residues: number
  penalties: number // f32 [codes]: see embeddingL2; zeros if there is none
  sumOf: number // u32 [codes]: 1 + which sum is that of a code; 0: none, as between two steps
  touched: number // u32 [batch · slots]: the codes that have a sum
  sums: number // [batch · slots, dim]
}

/** Takes `count` elements of the memory; returns their byte offset. */
export type Reserve = (count: number, bytesEach?: number) => number

/** Where everything goes that the embeddings need in training. */
export function planEmbedded(
  reserve: Reserve,
  layout: NetworkLayout,
  { batchSize }: ArenaShape,
): EmbeddingArea {
  const codes = embeddingsOf(layout.network).reduce((sum, { slots }) => sum + slots, 0)
  const inputs = (layout.features - numberInputs(layout.network) + 7) & ~7
  const [first] = [...layout.hidden, layout.output]
  const rows = batchSize + 3 // a product takes rows by two, at least four
  return {
    codes: { at: reserve(rows * codes), ld: codes },
    deltas: { at: reserve(rows * inputs), ld: inputs },
    inputs,
    backward: { at: reserve(first.outputs * inputs), ld: inputs },
    steps: layout.embeddings.flatMap((embedding) => {
      const { table } = embedding
      const residues = table.slots < LONG_LIST_SLOTS ? 1 : LIST_TASKS
      const sumOf = reserve(table.codes)
      const penalties = reserve(table.codes)
      return Array.from({ length: residues }, (_, residue) => ({
        embedding,
        residue,
        residues,
        penalties,
        sumOf,
        touched: reserve(batchSize * table.slots),
        sums: reserve(batchSize * table.slots * table.dim),
      }))
    }),
  }
}
