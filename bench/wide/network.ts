import { dimFor } from '../../src/features/fit.ts'
import type { EmbeddingTable, Network } from '../../src/model/network.ts'

export const USERS = 1_000_000
export const RESTAURANTS = 100_000

/** Values of each side's ten category columns, see data.ts. */
export const VOCABULARIES = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 100]

/** As featureColumns.ts has it. */
const ID_DIM = 4

/** Twenty categories, each value with a code of its own, and the ids of both sides. */
export const WIDE_NETWORK: Network = {
  userFeatures: 0,
  restaurantFeatures: 0,
  embeddings: [...tablesOf('users', USERS), ...tablesOf('restaurants', RESTAURANTS)],
  hidden: [256, 128],
  activations: ['none', 'relu'],
}

function tablesOf(side: EmbeddingTable['side'], ids: number): EmbeddingTable[] {
  const categories = VOCABULARIES.map((values, i) => table(side, `${side}.${i}`, values, dimFor(values + 2)))
  return [...categories, table(side, `${side}.id`, ids, ID_DIM)]
}

function table(side: EmbeddingTable['side'], name: string, values: number, dim: number): EmbeddingTable {
  return { name, side, codes: values + 2, dim, slots: 1 }
}
