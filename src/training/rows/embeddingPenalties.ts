import { blockRows, rowBytes } from '../../dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import type { EmbeddingLayout } from '../../model/layout.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import type { TrainSettings } from '../types.ts'

/**
 * Sets how strongly each embedding row is drawn to 0 whenever a batch has its value. The loss of the whole
 * data, Σ loss + l2 / 2 · Σ |row|², is spread over the rows that have a value, so that a rare value is held
 * as firmly as a frequent one: in a batch of B, a value that `n` rows have adds l2 / (n · B) times its row to
 * the gradient. Counts the values in one pass over the packed rows.
 */
export async function setEmbeddingPenalties(
  lead: CrewLead,
  pack: PackedRows,
  { embeddingL2, batchSize, validation }: TrainSettings,
): Promise<void> {
  const { embedded } = lead.arena
  if (!embedded || embeddingL2 === 0) return
  const uses = await usesOf(lead, pack)
  for (const { embedding, residue, penalties } of embedded.steps) {
    if (residue > 0) continue // the same table's
    const counts = uses.counts(embedding)
    const target = lead.floats(penalties, embedding.table.codes)
    const trained = batchSize * (1 - validation)
    for (const [code, count] of counts.entries())
      target[code] = count > 0 ? embeddingL2 / (count * trained) : 0
  }
}

/** In how many clicks each row of the tables is, and each code of the clicks' own. */
async function usesOf(lead: CrewLead, pack: PackedRows) {
  const { arena, memory } = lead
  const { tables, context } = arena
  const rows = {
    users: new Uint32Array(tables.users.rows),
    restaurants: new Uint32Array(tables.restaurants.rows),
  }
  const own = arena.layout.embeddings.filter(({ table }) => isOwn(table.side))
  const ownCounts = new Map(own.map((embedding) => [embedding, new Uint32Array(embedding.table.codes)]))
  const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
  for (const [i, block] of pack.blocks.entries()) {
    await pack.readBlockInto(i, bytes)
    const { users, restaurants, context: words } = blockRows(pack.plan, bytes.buffer, 0, block.rows)
    for (let row = 0; row < block.rows; row++) rows.users[users[row]]++
    for (let row = 0; row < block.rows; row++) rows.restaurants[restaurants[row]]++
    for (const [{ word, table }, counts] of ownCounts)
      for (let row = 0, at = word; row < block.rows; row++, at += context!.words)
        countCodes(counts, words as Uint32Array, at, table.slots, 1)
  }
  const words = new Uint32Array(memory.buffer)
  return {
    counts(embedding: EmbeddingLayout): Uint32Array {
      const { table, word } = embedding
      if (isOwn(table.side)) return ownCounts.get(embedding)!
      const counts = new Uint32Array(table.codes)
      const { at, stride } = tables[table.side]
      for (const [row, uses] of rows[table.side].entries())
        countCodes(counts, words, at / 4 + row * stride + word, table.slots, uses)
      return counts
    },
  }
}

function isOwn(side: string): side is 'context' | 'pairs' {
  return side === 'context' || side === 'pairs'
}

function countCodes(counts: Uint32Array, words: Uint32Array, at: number, slots: number, uses: number): void {
  let hasNone = true
  for (let slot = 0; slot < slots; slot++) {
    const code = words[at + slot]
    if (code === 0) continue
    counts[code] += uses
    hasNone = false
  }
  if (hasNone) counts[0] += uses // a list without any takes the row of what is missing
}
