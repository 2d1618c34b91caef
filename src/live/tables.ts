import { NearrankError } from '../errors.ts'
import type { FeatureId, IdKind } from '../ids.ts'
import { type Side, SIDES } from '../features/featureSpec.ts'
import type { StoreLayout } from '../store/featureStore.ts'
import { ChangeLog } from './changeLog.ts'
import { type IdMemory, IdTable } from './idTable.ts'

const TEXT_UNITS_PER_ID = 48 // room reserved for string ids; the system gives it as it is used
const TEXT_UNITS_MIN = 65_536

/** One side's rows, in memory that threads share. */
export interface LiveTableMemory {
  width: number // features a row
  rowsMax: number
  ids: IdMemory
  features: SharedArrayBuffer // f32 [rowsMax, width]; NaN in the first: the row was deleted
  log: SharedArrayBuffer
}

/** All features that are served: one copy for all threads, posted to them without copying. */
export interface LiveMemory {
  layout: StoreLayout
  users: LiveTableMemory
  restaurants: LiveTableMemory
  // f64 [1 + width]: number of users, then the sum of each feature; guarded by the users' log.
  sums: SharedArrayBuffer
  vectors: SharedArrayBuffer // f64 [rowsMax, 3]: where restaurants are, of geo's unitVectors; NaN: deleted
  cells: SharedArrayBuffer // u32 [rowsMax]: the same, of geo's cellOf
  degrees: SharedArrayBuffer // f64 [rowsMax, 2]: the same as latitude and longitude, as they were given
}

export interface LiveTable {
  width: number
  rowsMax: number
  ids: IdTable
  features: Float32Array // [rowsMax, width]
  log: ChangeLog
}

/** `LiveMemory`, as one thread sees it. */
export interface LiveTables extends Record<Side, LiveTable> {
  layout: StoreLayout
  sums: Float64Array
  vectors: Float64Array
  cells: Uint32Array
  degrees: Float64Array
}

/** Memory for so many rows of each side; what is not used takes no room. */
export function createLiveMemory(layout: StoreLayout, rowsMax: Record<Side, number>): LiveMemory {
  const table = (width: number, kind: IdKind, rows: number): LiveTableMemory => ({
    width,
    rowsMax: rows,
    ids: IdTable.memoryFor(kind, rows, TEXT_UNITS_PER_ID * rows + TEXT_UNITS_MIN),
    features: new SharedArrayBuffer(4 * rows * width),
    log: new SharedArrayBuffer(ChangeLog.BYTES),
  })
  const { users, restaurants } = layout
  return {
    layout,
    users: table(users.features, users.ids, rowsMax.users),
    restaurants: table(restaurants.features, restaurants.ids, rowsMax.restaurants),
    sums: new SharedArrayBuffer(8 * (1 + users.features)),
    vectors: new SharedArrayBuffer(24 * rowsMax.restaurants),
    cells: new SharedArrayBuffer(4 * rowsMax.restaurants),
    degrees: new SharedArrayBuffer(16 * rowsMax.restaurants),
  }
}

export function openLiveTables(memory: LiveMemory): LiveTables {
  const table = ({ width, rowsMax, ids, features, log }: LiveTableMemory): LiveTable => ({
    width,
    rowsMax,
    ids: new IdTable(ids),
    features: new Float32Array(features),
    log: new ChangeLog(log),
  })
  return {
    layout: memory.layout,
    users: table(memory.users),
    restaurants: table(memory.restaurants),
    sums: new Float64Array(memory.sums),
    vectors: new Float64Array(memory.vectors),
    cells: new Uint32Array(memory.cells),
    degrees: new Float64Array(memory.degrees),
  }
}

/** The same rows under the same numbers, with more room. */
export function growLiveMemory(memory: LiveMemory, rowsMax: Record<Side, number>): LiveMemory {
  const grown = createLiveMemory(memory.layout, rowsMax)
  const from = openLiveTables(memory)
  const to = openLiveTables(grown)
  for (const side of SIDES) {
    const { ids, features, width } = from[side]
    for (let row = 0; row < ids.rows; row++)
      if (to[side].ids.add(ids.idAt(row)) !== row)
        throw new NearrankError('INTERNAL', `row ${row} of ${side} does not fit into a larger table`)
    to[side].features.set(features.subarray(0, ids.rows * width))
  }
  to.sums.set(from.sums)
  to.vectors.set(from.vectors.subarray(0, 3 * from.restaurants.ids.rows))
  to.cells.set(from.cells.subarray(0, from.restaurants.ids.rows))
  to.degrees.set(from.degrees.subarray(0, 2 * from.restaurants.ids.rows))
  return grown
}

/**
 * The row of an id that is there; −1: it was never there or is
 * deleted. To be trusted only as the table's log says.
 */
export function liveRowOf(table: LiveTable, id: FeatureId): number {
  const row = table.ids.rowOf(id)
  return row >= 0 && !Number.isNaN(table.features[row * table.width]) ? row : -1
}
