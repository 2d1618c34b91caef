import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import type { TrainSettings } from '../types.ts'
import { valueUses } from './valueUses.ts'

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
  const uses = await valueUses(lead, pack)
  for (const { embedding, residue, penalties } of embedded.steps) {
    if (residue > 0) continue // the same table's
    const counts = uses.counts(embedding)
    const target = lead.floats(penalties, embedding.table.codes)
    const trained = batchSize * (1 - validation)
    for (const [code, count] of counts.entries())
      target[code] = count > 0 ? embeddingL2 / (count * trained) : 0
  }
}
