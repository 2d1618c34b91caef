import { NDCG_USER_BYTES } from '../../metrics/ndcg.ts'
import { NearrankError } from '../../errors.ts'
import { MEMORY_BYTES_MAX } from '../../kernels/kernels.ts'
import { peakRssBytes } from '../../peakMemory.ts'
import type { Arena } from './arena.ts'

const MIB = 2 ** 20
/** Node, the kernels, code and heap: measured 90 to 110 MiB, before any table or buffer. */
const PROCESS_BYTES = 120 * MIB
/** A worker thread's own heap and stack. */
const THREAD_BYTES = 10 * MIB
/** What the streaming of shuffled rows and the metrics take: 12 MiB of rows and 33 of histograms. */
const STREAM_BYTES = 57 * MIB
/**
 * Copies of all parameters outside the shared memory: the best epoch's, which are those that are saved. The
 * initial ones are gone before the shared memory's snapshot is first written. Checkpoints and files are
 * written from where the numbers lie.
 */
const MODEL_COPIES = 1
/**
 * A value of a vocabulary: measured 45 bytes as a string. When the model is saved, its text takes 250 for a
 * moment; the shared memory has been given back by then.
 */
export const CODE_BYTES = 60
/**
 * Packing runs in a process of its own before the training: both together took 410 to 454 MiB for 1.1 M rows
 * of tables.
 */
const PACK_BYTES = 320 * MIB
const PACK_ROW_BYTES = 140
/**
 * What DuckDB may take while rows are packed: what the two processes and the tables that they hold leave of
 * the ceiling.
 */
export function packMemoryBytes(maxMemoryBytes: number, tableBytes = 0): number {
  return Math.max(DUCKDB_BYTES_MIN, maxMemoryBytes - PACK_BYTES - tableBytes)
}

export const DUCKDB_BYTES_MIN = 64 * MIB

/** Whatever the data and the model. */
function processBytes(threads: number): number {
  return PROCESS_BYTES + threads * THREAD_BYTES + STREAM_BYTES
}

/**
 * What a run will take at its peak, at most, packing or training: the same for any number of clicks.
 * `packTableBytes`: of tables and groups that packing holds.
 */
export function plannedBytes(arena: Arena, packTableBytes = 0): number {
  const { threads, users, restaurants } = arena.shape
  const model = arena.shape.purpose === 'train' ? MODEL_COPIES * 4 * arena.layout.size : 0
  const codes = arena.layout.embeddings.reduce((sum, { table }) => sum + table.codes, 0)
  const training = processBytes(threads) + users * NDCG_USER_BYTES + codes * CODE_BYTES + model + arena.bytes
  return Math.max(training, PACK_BYTES + packTableBytes + (users + restaurants) * PACK_ROW_BYTES)
}

/**
 * @throws NearrankError MEMORY where the plan is larger than the ceiling: what it takes, of what, and what
 * would fit. `packTableBytes`: of tables and groups that packing holds; `extraBytes`: what a run takes beside
 * the plan.
 */
export function checkMemory(
  arena: Arena,
  maxMemoryBytes: number,
  { packTableBytes = 0, extraBytes = 0 }: { packTableBytes?: number; extraBytes?: number } = {},
): void {
  const planned = plannedBytes(arena, packTableBytes) + extraBytes
  const { users, restaurants, network, groups } = arena.shape
  const packed = groups ? 'pairs and groups' : 'pairs'
  const tables =
    4 * Object.values(arena.tables).reduce((floats, { rows, stride }) => floats + rows * stride, 0)
  const what =
    `${mebibytes(tables)} for the features of ${users} users (${network.userFeatures} each) and ${restaurants} restaurants ` +
    `(${network.restaurantFeatures} each), ${mebibytes(4 * arena.layout.size)} for each copy of the parameters${largestEmbeddings(arena)}` +
    (packTableBytes > 0 ? `, ${mebibytes(packTableBytes)} for ${packed} while packing` : '')
  if (arena.bytes > MEMORY_BYTES_MAX)
    throw new NearrankError(
      'MEMORY',
      `Cannot hold the run in one WebAssembly memory: 4 GiB is the limit, the plan takes ${mebibytes(arena.bytes)}, including ${what}. Use fewer features, users or units.`,
    )
  if (planned > maxMemoryBytes) {
    const { threads } = arena.shape
    const fixed = `${mebibytes(processBytes(threads))} for Node and its threads, or ${mebibytes(PACK_BYTES)} while packing`
    const smaller = arena.bytes > planned / 4 ? ', or use fewer features or units' : ''
    throw new NearrankError(
      'MEMORY',
      `Cannot run within --max-memory ${mebibytes(maxMemoryBytes)}: the plan takes ${mebibytes(planned)}, including ${what}, ${fixed}. ` +
        `Give --max-memory ${mebibytes(planned).replace(' ', '')} or more${smaller}.`,
    )
  }
}

/** The features whose embeddings take the most, for the message. */
function largestEmbeddings({ layout }: Arena): string {
  const largest = layout.embeddings
    .toSorted((a, b) => b.size - a.size)
    .slice(0, 3)
    .filter(({ size }) => 4 * size >= MIB)
    .map(
      ({ table, size }) => `${mebibytes(4 * size)} for ${table.name}: ${table.codes} codes of ${table.dim}`,
    )
  return largest.length > 0 ? ` (${largest.join(', ')})` : ''
}

/**
 * The most that this process, all its threads, and the one that packed have had in memory at a time;
 * `packPeakRssBytes`: while it packed.
 */
export function runPeakRssBytes(packPeakRssBytes: number): number {
  return Math.max(peakRssBytes(), packPeakRssBytes)
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`
}
