import type { Arena } from './arena.ts'

/** Of a page that the system gives, or of the smallest of its pages. */
const PAGE_BYTES = 4096
/** Of a large page, where there are any: two threads that touch one of them would both clear it. */
const LARGE_PAGE_BYTES = 2 ** 21

/**
 * Takes this thread's share of the pages of the feature tables from the system, which clears them first; for
 * a million users that is longer than filling them. They are filled from their start meanwhile, so the last
 * ones are taken first. Changes no value.
 */
export function touchTables({ tables, shape }: Arena, memory: WebAssembly.Memory, thread: number): void {
  const { users, restaurants } = tables
  const end = restaurants.at + 4 * restaurants.rows * restaurants.stride
  const words = new Int32Array(memory.buffer)
  const last = Math.floor((end - 1) / LARGE_PAGE_BYTES)
  const first = Math.floor(users.at / LARGE_PAGE_BYTES)
  for (let page = last - thread; page >= first; page -= shape.threads) {
    const start = Math.max(users.at, page * LARGE_PAGE_BYTES)
    const stop = Math.min(end, (page + 1) * LARGE_PAGE_BYTES)
    for (let at = start; at < stop; at += PAGE_BYTES) Atomics.or(words, at / 4, 0)
  }
}
