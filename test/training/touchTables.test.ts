import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { planArena } from '../../src/training/memory/arena.ts'
import { touchTables } from '../../src/training/memory/touchTables.ts'

const network = { userFeatures: 30, restaurantFeatures: 20, hidden: [8], activations: ['relu' as const] }
const shape = { network, batchSize: 32, purpose: 'score' } as const

function allocate(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / 65536)
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
}

test('any number of threads takes both tables from the system, and no more', () => {
  for (const threads of [1, 2, 3]) {
    const arena = planArena({ ...shape, users: 600_000, restaurants: 500_000, threads })
    const { users, restaurants } = arena.tables
    const tableBytes = restaurants.at + 4 * restaurants.rows * restaurants.stride - users.at
    const memory = allocate(arena.bytes + 2 ** 26)
    const before = process.memoryUsage.rss()
    for (let thread = 0; thread < threads; thread++) touchTables(arena, memory, thread)
    const share = (process.memoryUsage.rss() - before) / tableBytes
    assert.ok(share > 0.95 && share < 1.2, `${share} of ${tableBytes} bytes, ${threads} threads`)
  }
})

test('what is filled while a thread touches it stays', async () => {
  const arena = planArena({ ...shape, users: 4000, restaurants: 4000, threads: 1 })
  const memory = allocate(arena.bytes)
  const { users, restaurants } = arena.tables
  const words = new Int32Array(memory.buffer)
  const first = users.at / 4
  const end = restaurants.at / 4 + restaurants.rows * restaurants.stride
  const worker = new Worker(
    `const { parentPort, workerData: { module, arena, memory } } = require('node:worker_threads')
    import(module).then(({ touchTables }) => {
      parentPort.postMessage('begins')
      for (let i = 0; i < 20_000; i++) touchTables(arena, memory, 0)
      parentPort.postMessage('done')
    })`,
    {
      eval: true,
      workerData: {
        module: new URL('../../src/training/memory/touchTables.ts', import.meta.url).href,
        arena: { tables: arena.tables, shape: { threads: 1 } },
        memory,
      },
    },
  )
  await once(worker, 'message')
  const done = once(worker, 'message').then(() => true)
  let [value, undone] = [0, 0]
  do {
    for (let round = 0; round < 50; round++) {
      value++
      for (let word = first; word < end; word += 1024) words[word] = value // where pages are touched
      for (let word = first; word < end; word += 1024) if (words[word] !== value) undone++
    }
  } while (!(await Promise.race([done, nextTurn(false)])))
  await worker.terminate()
  assert.equal(undone, 0)
  assert.ok(value > 50, `only ${value} rounds beside it`)
})
