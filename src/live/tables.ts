import { NearrankError } from '../errors.ts'
import type { FeatureId, IdKind } from '../ids.ts'
import { type FeatureSpec, type Side, SIDES } from '../features/featureSpec.ts'
import { rowShape } from '../features/rowShape.ts'
import { ChangeLog } from './changeLog.ts'
import { type IdMemory, IdTable } from './idTable.ts'

const TEXT_UNITS_PER_ID = 48 // room reserved for string ids; the system gives it as it is used
const TEXT_UNITS_MIN = 65_536
const UNUSABLE_BITS = 0x7fc00001 // a NaN as none is computed; plus a number of a feature, of at most 4,096
const DRAWS_PER_ID = 8 // of random rows, before all are looked at

/** What a row of a side is made of: encoded words, of which the first are numbers. */
export interface LiveShape {
  ids: IdKind
  numbers: number
  words: number
}

/** One side's rows, in memory that threads share. */
export interface LiveTableMemory extends LiveShape {
  rowsMax: number
  idMemory: IdMemory
  // f32 numbers, then u32 codes, [rowsMax, words]; NaN in the first: the row was deleted, or cannot be used
  // (`markUnusable`). No code has the
  // bits of a NaN, so words can be copied as floats.
  features: SharedArrayBuffer
  log: SharedArrayBuffer
}

/** All features that are served: one copy for all threads, posted to them without copying. */
export interface LiveMemory {
  users: LiveTableMemory
  restaurants: LiveTableMemory
  // f64 [1 + numbers]: number of users, then the sum of each number; guarded by the users' log.
  sums: SharedArrayBuffer
  vectors: SharedArrayBuffer // f64 [rowsMax, 3]: where restaurants are, of geo's unitVectors; NaN: deleted
  cells: SharedArrayBuffer // u32 [rowsMax]: the same, of geo's cellOf
  degrees: SharedArrayBuffer // f64 [rowsMax, 2]: the same as latitude and longitude, as they were given
}

export interface LiveTable {
  numbers: number
  width: number // words of a row
  rowsMax: number
  ids: IdTable
  features: Float32Array // [rowsMax, width]
  log: ChangeLog
}

/** `LiveMemory`, as one thread sees it. */
export interface LiveTables extends Record<Side, LiveTable> {
  sums: Float64Array
  vectors: Float64Array
  cells: Uint32Array
  degrees: Float64Array
}

/** The shape of a side's rows once they are encoded for such features. */
export function liveShape(ids: IdKind, features: readonly FeatureSpec[]): LiveShape {
  const { numbers, words } = rowShape(features)
  return { ids, numbers, words }
}

/** Memory for so many rows of each side; what is not used takes no room. */
export function createLiveMemory(shapes: Record<Side, LiveShape>, rowsMax: Record<Side, number>): LiveMemory {
  const table = (side: Side): LiveTableMemory => {
    const { ids, numbers, words } = shapes[side]
    const rows = rowsMax[side]
    return {
      ids,
      numbers,
      words,
      rowsMax: rows,
      idMemory: IdTable.memoryFor(ids, rows, TEXT_UNITS_PER_ID * rows + TEXT_UNITS_MIN),
      features: new SharedArrayBuffer(4 * rows * words),
      log: new SharedArrayBuffer(ChangeLog.BYTES),
    }
  }
  return {
    users: table('users'),
    restaurants: table('restaurants'),
    sums: new SharedArrayBuffer(8 * (1 + shapes.users.numbers)),
    vectors: new SharedArrayBuffer(24 * rowsMax.restaurants),
    cells: new SharedArrayBuffer(4 * rowsMax.restaurants),
    degrees: new SharedArrayBuffer(16 * rowsMax.restaurants),
  }
}

export function openLiveTables(memory: LiveMemory): LiveTables {
  const table = ({ numbers, words, rowsMax, idMemory, features, log }: LiveTableMemory): LiveTable => ({
    numbers,
    width: words,
    rowsMax,
    ids: new IdTable(idMemory),
    features: new Float32Array(features),
    log: new ChangeLog(log),
  })
  return {
    users: table(memory.users),
    restaurants: table(memory.restaurants),
    sums: new Float64Array(memory.sums),
    vectors: new Float64Array(memory.vectors),
    cells: new Uint32Array(memory.cells),
    degrees: new Float64Array(memory.degrees),
  }
}

/** The same ids under the same numbers, in memory for rows of other shapes; all of them as if deleted. */
export function reshapeLiveMemory(memory: LiveMemory, shapes: Record<Side, LiveShape>): LiveMemory {
  const { users, restaurants } = memory
  const made = createLiveMemory(shapes, { users: users.rowsMax, restaurants: restaurants.rowsMax })
  const from = openLiveTables(memory)
  const to = openLiveTables(made)
  for (const side of SIDES) {
    copyIds(from, to, side)
    const { ids, features, width } = to[side]
    for (let row = 0; row < ids.rows; row++) features[row * width] = Number.NaN
  }
  const { rows } = from.restaurants.ids
  to.vectors.fill(Number.NaN, 0, 3 * rows)
  to.degrees.set(from.degrees.subarray(0, 2 * rows))
  return made
}

/** The same rows under the same numbers, with more room. */
export function growLiveMemory(memory: LiveMemory, rowsMax: Record<Side, number>): LiveMemory {
  const grown = createLiveMemory(memory, rowsMax)
  const from = openLiveTables(memory)
  const to = openLiveTables(grown)
  for (const side of SIDES) {
    copyIds(from, to, side)
    const { ids, features, width } = from[side]
    to[side].features.set(features.subarray(0, ids.rows * width))
  }
  to.sums.set(from.sums)
  to.vectors.set(from.vectors.subarray(0, 3 * from.restaurants.ids.rows))
  to.cells.set(from.cells.subarray(0, from.restaurants.ids.rows))
  to.degrees.set(from.degrees.subarray(0, 2 * from.restaurants.ids.rows))
  return grown
}

function copyIds(from: LiveTables, to: LiveTables, side: Side): void {
  const { ids } = from[side]
  for (let row = 0; row < ids.rows; row++)
    if (to[side].ids.add(ids.idAt(row)) !== row)
      throw new NearrankError('INTERNAL', `row ${row} of ${side} does not fit into another table`)
}

/** Up to `count` ids of rows that are there, spread over the table. */
export function sampleIds(table: LiveTable, count: number): FeatureId[] {
  const { ids } = table
  const found: FeatureId[] = []
  for (let i = 0; i < count; i++) {
    const row = Math.floor((i * ids.rows) / count)
    if (row < ids.rows) found.push(ids.idAt(row))
  }
  return found.filter((id) => liveRowOf(table, id) >= 0)
}

/** `count` random ids of rows that are there, or all there are. Looks at every row if few are left. */
export function randomIds({ ids, features, width }: LiveTable, count: number): FeatureId[] {
  const { rows } = ids
  const found = new Set<number>()
  const take = (row: number): void => {
    if (!Number.isNaN(features[row * width])) found.add(row)
  }
  const draw = () => Math.floor(rows * Math.random())
  for (let i = 0; i < DRAWS_PER_ID * count && found.size < count && found.size < rows; i++) take(draw())
  // Most rows are deleted, or there are hardly as many.
  const start = draw()
  for (let i = 0; i < rows && found.size < count; i++) take((start + i) % rows)
  return Array.from(found, (row) => ids.idAt(row))
}

/** Says of a row that is not there that it is stored, but cannot be used because of one feature. */
export function markUnusable({ features, width }: LiveTable, row: number, feature: number): void {
  new Uint32Array(features.buffer)[row * width] = UNUSABLE_BITS + feature
}

/** The number of the feature because of which a stored row cannot be used; −1: it can, or is not there. */
export function unusableFeatureOf({ ids, features, width }: LiveTable, id: FeatureId): number {
  const row = ids.rowOf(id)
  if (row < 0 || !Number.isNaN(features[row * width])) return -1
  return Math.max(-1, new Uint32Array(features.buffer)[row * width] - UNUSABLE_BITS)
}

/**
 * The row of an id that is there; −1: it was never there or is
 * deleted. To be trusted only as the table's log says.
 */
export function liveRowOf(table: LiveTable, id: FeatureId): number {
  const row = table.ids.rowOf(id)
  return row >= 0 && !Number.isNaN(table.features[row * table.width]) ? row : -1
}
