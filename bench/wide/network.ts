import type { EmbeddingTable, Network } from '../../src/model/network.ts'

export const USERS = 1_000_000
export const RESTAURANTS = 100_000

/** Values of each side's ten category columns, see data.ts. */
export const VOCABULARIES = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 100]

/** Twenty categories, each value with a code of its own, and the ids of both sides. */
export const WIDE_NETWORK: Network = {
  userFeatures: 0,
  restaurantFeatures: 0,
  embeddings: (['users', 'restaurants'] as const).flatMap((side) =>
    [...VOCABULARIES, side === 'users' ? USERS : RESTAURANTS].map(
      (values, i): EmbeddingTable => ({
        name: `${side}.${i}`,
        side,
        codes: values + 2,
        dim: dimOf(values + 2),
        slots: 1,
      }),
    ),
  ),
  hidden: [256, 128],
  activations: ['none', 'relu'],
}

/** As a declared category has it by default. */
function dimOf(codes: number): number {
  return Math.min(16, 4 * Math.ceil(codes ** 0.25 / 4))
}
