import { blockRows, rowBytes } from '../../dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import type { EmbeddingLayout } from '../../model/layout.ts'
import type { CrewLead } from '../crew/crewLead.ts'

/** In how many clicks each value of an embedding is, by its code: one pass over the packed rows. */
export async function valueUses(
  lead: CrewLead,
  pack: PackedRows,
): Promise<{ counts(embedding: EmbeddingLayout): Uint32Array }> {
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
