import type { PackedRows } from '../../dataset/clicks/readRows.ts'
import { FIRST_CODE } from '../../features/rowShape.ts'
import { embeddingTensor, linearLayers, type Network, type StateDict } from '../../model/network.ts'
import type { CrewLead } from '../crew/crewLead.ts'
import { valueUses } from './valueUses.ts'

/**
 * The same logits, but that what is only added to them, such as the position's effect, has the mean 0 over
 * the training rows, and the output's bias the rest. So whoever leaves it out, as serving does, gives the
 * logit of an average position. Changes `weights`, and returns them.
 */
export async function centreAdditive(
  lead: CrewLead,
  pack: PackedRows,
  network: Network,
  weights: StateDict,
): Promise<StateDict> {
  const additive = lead.arena.layout.embeddings.filter(({ table }) => table.additive)
  if (additive.length === 0) return weights
  const uses = await valueUses(lead, pack)
  const layers = linearLayers(network)
  const bias = weights.get(`${layers[layers.length - 1].name}.bias`)!.data
  for (const embedding of additive) {
    const { dim } = embedding.table
    const { data } = weights.get(embeddingTensor(embedding.table))!
    const counts = uses.counts(embedding)
    let [rows, sum] = [0, 0]
    for (let code = FIRST_CODE; code < counts.length; code++) {
      rows += counts[code]
      for (let k = 0; k < dim; k++) sum += counts[code] * data[code * dim + k]
    }
    const mean = rows > 0 ? sum / rows : 0
    for (let at = FIRST_CODE * dim; at < data.length; at++) data[at] -= mean / dim
    data.fill(0, 0, FIRST_CODE * dim) // not told, or not known: as if it were average
    bias[0] += mean
  }
  return weights
}

/** The weights of a model whose additive embeddings say nothing, as they do if their values are not told. */
export function withoutAdditive(network: Network, weights: StateDict): StateDict {
  const others = new Map(weights)
  for (const table of network.embeddings ?? [])
    if (table.additive) {
      const tensor = embeddingTensor(table)
      const { shape, data } = weights.get(tensor)!
      others.set(tensor, { shape, data: new Float32Array(data.length) })
    }
  return others
}
