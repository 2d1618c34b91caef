import { NearrankError } from '../errors.ts'
import type { Arena } from './arena.ts'

const MIB = 2 ** 20
/** Node, the kernels, code and heap: measured 90 to 110 MiB, before any table or buffer. */
const PROCESS_BYTES = 120 * MIB
/** A worker thread's own heap and stack. */
const THREAD_BYTES = 10 * MIB
/** What the streaming of shuffled rows and the metrics take: 24 MiB of rows and 33 of histograms. */
const STREAM_BYTES = 57 * MIB
/** What the metrics keep for each user of a table (NDCG). */
const USER_BYTES = 48
/** Packing runs in a process of its own before the training: both together took 410 to 454 MiB for 1.1 M rows of tables. */
const PACK_BYTES = 320 * MIB
const PACK_ROW_BYTES = 140
const DUCKDB_BYTES_MIN = 64 * MIB
const DUCKDB_BYTES_MAX = 256 * MIB

/** What DuckDB's own buffers may take while rows are packed. */
export function packMemoryBytes(maxMemoryBytes: number): number {
  return Math.max(DUCKDB_BYTES_MIN, Math.min(DUCKDB_BYTES_MAX, Math.floor(maxMemoryBytes / 4)))
}

/** What a run will take at its peak, at most, packing or training: the same for any number of clicks. */
export function plannedBytes(arena: Arena): number {
  const { threads, users, restaurants } = arena.shape
  const training = PROCESS_BYTES + threads * THREAD_BYTES + STREAM_BYTES + users * USER_BYTES + arena.bytes
  return Math.max(training, PACK_BYTES + (users + restaurants) * PACK_ROW_BYTES)
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
