import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../src/random.ts'
import { planArena } from '../../src/training/memory/arena.ts'
import { touchTables } from '../../src/training/memory/touchTables.ts'

const network = { userFeatures: 30, restaurantFeatures: 20, hidden: [8], activations: ['relu' as const] }
const shape = { network, batchSize: 32, purpose: 'score' } as const

function allocate(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / 65536)
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
}

test('threads take all pages of both tables, and none of the values changes', () => {
  for (const threads of [1, 2, 3]) {
    const arena = planArena({ ...shape, users: 60_000, restaurants: 30_000, threads })
    const memory = allocate(arena.bytes)
    const { users, restaurants } = arena.tables
    const words = new Uint32Array(memory.buffer, users.at, (restaurants.at - users.at) / 4)
    const random = new Random(threads)
    for (let i = 0; i < words.length; i += 512) words[i] = random.uint32()
    const before = Buffer.from(new Uint8Array(memory.buffer)) // a copy
    for (let thread = 0; thread < threads; thread++) touchTables(arena, memory, thread)
    assert.ok(before.equals(new Uint8Array(memory.buffer)))
  }
})

test('what is touched is taken from the system then, and no more than the tables', () => {
  const arena = planArena({ ...shape, users: 600_000, restaurants: 200_000, threads: 2 })
  const { users, restaurants } = arena.tables
  const tableBytes = restaurants.at + 4 * restaurants.rows * restaurants.stride - users.at
  const memory = allocate(arena.bytes + 2 ** 26)
  const before = process.memoryUsage.rss()
  for (const thread of [0, 1]) touchTables(arena, memory, thread)
  const share = (process.memoryUsage.rss() - before) / tableBytes
  assert.ok(share > 0.95 && share < 1.2, `${share} of ${tableBytes} bytes`)
})
