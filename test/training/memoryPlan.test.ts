import assert from 'node:assert/strict'
import { dimFor } from '../../src/features/fit.ts'
import { test } from 'node:test'
import type { EmbeddingTable, Network } from '../../src/model/network.ts'
import { planArena } from '../../src/training/memory/arena.ts'
import { plannedBytes } from '../../src/training/memory/memoryPlan.ts'

const table = (side: 'users' | 'restaurants', codes: number, dim: number): EmbeddingTable => ({
  name: `${side}.of${codes}`,
  side,
  codes,
  dim,
  slots: 1,
})

/** Twenty categories and both ids. */
const WIDE: Network = {
  userFeatures: 0,
  restaurantFeatures: 0,
  embeddings: (['users', 'restaurants'] as const).flatMap((side) => {
    const codes = [12, 32, 102, 103, 302, 1002, 3002, 10_002, 30_002, 100_002]
    const ids = side === 'users' ? 1_000_002 : 100_003
    return [...codes, ids].map((count) => table(side, count, dimFor(count)))
  }),
  hidden: [256, 128],
  activations: ['none', 'relu'],
}

test('the ids of a million users and twenty categories are planned to fit 1 GiB, with all that a step keeps', () => {
  const shape = { users: 1_000_000, restaurants: 100_000, batchSize: 1024, threads: 2 } as const
  const arena = planArena({ ...shape, network: WIDE, purpose: 'train' })
  const planned = plannedBytes(arena)
  const parameters = 4 * arena.layout.size
  // parameters, two moments, a snapshot of them, those that are saved; a line for each user
  assert.ok(planned > 7 * parameters + 64 * 1_000_000)
  assert.ok(planned <= 2 ** 30, `${planned}`)
  assert.ok(arena.layout.embeddings.every(({ offset }) => offset % 16 === 0))
})

test('weights take four bytes of each row in the ring', () => {
  const shape = { users: 100, restaurants: 100, batchSize: 1024, threads: 2, network: WIDE } as const
  const [plain, weighted] = [false, true].map((weights) => planArena({ ...shape, purpose: 'train', weights }))
  const { chunkRows, slots } = plain.ring
  assert.equal(plannedBytes(weighted) - plannedBytes(plain), 4 * chunkRows * slots.length)
})
