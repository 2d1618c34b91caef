import { NearrankError } from '../errors.ts'
import type { Arena } from './arena.ts'

const MIB = 2 ** 20
/** Node, the kernels, DuckDB's library and the heap: measured 150 to 190 MiB, before any table or buffer. */
const PROCESS_BYTES = 200 * MIB
/** A worker thread's own heap and stack. */
const THREAD_BYTES = 10 * MIB
/** What the streaming of shuffled rows and the metrics take: 24 MiB of rows and 16 of histograms. */
const STREAM_BYTES = 40 * MIB
/** What the metrics keep for each user of a table (NDCG). */
const USER_BYTES = 48
const DUCKDB_BYTES_MIN = 64 * MIB
const DUCKDB_BYTES_MAX = 256 * MIB

/** What DuckDB may take while rows are packed: nothing else is in memory then. */
export function packMemoryBytes(maxMemoryBytes: number): number {
  return Math.max(
    DUCKDB_BYTES_MIN,
    Math.min(DUCKDB_BYTES_MAX, Math.floor((maxMemoryBytes - PROCESS_BYTES) / 2)),
  )
}

/** What a run will take at its peak, at most: the same for any number of rows. */
export function plannedBytes(arena: Arena): number {
  const { threads, users } = arena.shape
  return PROCESS_BYTES + threads * THREAD_BYTES + STREAM_BYTES + users * USER_BYTES + arena.bytes
}

/** @throws NearrankError MEMORY where the plan is larger than the ceiling: what it takes, and what would fit. */
export function checkMemory(arena: Arena, maxMemoryBytes: number): void {
  const planned = plannedBytes(arena)
  if (planned <= maxMemoryBytes) return
  const mib = (bytes: number) => `${Math.ceil(bytes / MIB)} MiB`
  const { users, restaurants, network } = arena.shape
  const tables =
    4 * (arena.users.rows * arena.users.stride + arena.restaurants.rows * arena.restaurants.stride)
  throw new NearrankError(
    'MEMORY',
    `Cannot run within --max-memory ${mib(maxMemoryBytes)}: the plan takes ${mib(planned)}, of it ${mib(tables)} for the features of ` +
      `${users} users (${network.userFeatures} each) and ${restaurants} restaurants (${network.restaurantFeatures} each). ` +
      `Give --max-memory ${mib(planned).replace(' ', '')} or more, or fewer features.`,
  )
}
