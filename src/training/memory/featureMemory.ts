import { readFeaturesInto, type FeatureTable, type Tables } from '../../dataset/tables/readTables.ts'
import { inputWidth, type Network, numberInputs } from '../../model/network.ts'
import { normalizationOf, type Normalization } from '../../model/normalization.ts'
import type { TableArea } from './arena.ts'
import type { CrewLead } from '../crew/crewLead.ts'

/**
 * Reads both feature tables into the shared memory, normalised where asked. Cost: 0.2 s for 1 M users of 30
 * features.
 */
export async function loadFeatures(
  lead: CrewLead,
  tables: Tables,
  normalization: Normalization | null,
): Promise<void> {
  const { users, restaurants } = lead.arena.tables
  await loadTable(lead, tables.users, users, normalization, 0)
  await loadTable(lead, tables.restaurants, restaurants, normalization, users.numbers)
}

/** Numbers to mean 0 and standard deviation 1 over each table's own rows; embeddings stay as they are. */
export function tablesNormalization({ users, restaurants }: Tables, network: Network): Normalization {
  const embedded = Array.from({ length: inputWidth(network) - numberInputs(network) })
  return normalizationOf(
    [...users.mean, ...restaurants.mean, ...embedded.map(() => 0)],
    [...users.standardDeviation, ...restaurants.standardDeviation, ...embedded.map(() => 1)],
  )
}

async function loadTable(
  lead: CrewLead,
  table: FeatureTable,
  area: TableArea,
  normalization: Normalization | null,
  firstFeature: number,
): Promise<void> {
  const { at: start, rows, numbers, stride } = area
  const target = lead.floats(start, rows * stride)
  await readFeaturesInto(table, target, stride)
  if (normalization === null) return
  const mean = normalization.mean.subarray(firstFeature, firstFeature + numbers)
  const scale = normalization.scale.subarray(firstFeature, firstFeature + numbers)
  for (let row = 0, at = 0; row < rows; row++, at += stride)
    for (let k = 0; k < numbers; k++) target[at + k] = (target[at + k] - mean[k]) * scale[k]
}
