/** What a column of click rows holds; wider types come first in a plan, so that every column is aligned. */
export type ColumnType = 'u32' | 'f32' | 'u8'

export interface RowColumn {
  readonly name: string
  readonly type: ColumnType
  readonly width?: number // values of a row, one after the other, @default 1
}

/** The columns of a click row, in the order in which a block holds them, one after the other. */
export type RowPlan = readonly RowColumn[]

/**
 * Packing, reading, the ring and the kernels take the format of a row from here: a further column is one more
 * entry.
 */
export const CLICK_PLAN = [
  { name: 'users', type: 'u32' }, // row of the user's feature table
  { name: 'restaurants', type: 'u32' }, // row of the restaurant's
  { name: 'clicks', type: 'u8' }, // 0 or 1
] as const satisfies RowPlan

/**
 * A click row with the encoded features of the click itself, `contextWords` words (0: there are none), with
 * its group: its number, or, until rows are sorted, the 64-bit key of it, and with how much it counts.
 */
export function clickPlan(
  contextWords: number,
  groups: 'none' | 'numbers' | 'keys' = 'none',
  isWeighted = false,
): RowPlan {
  if (contextWords === 0 && groups === 'none' && !isWeighted) return CLICK_PLAN
  const [users, restaurants, clicks] = CLICK_PLAN
  const plan: RowColumn[] = [users, restaurants]
  if (contextWords > 0) plan.push({ name: 'context', type: 'u32', width: contextWords })
  if (groups !== 'none') plan.push({ name: 'groups', type: 'u32', width: groups === 'keys' ? 2 : 1 })
  if (isWeighted) plan.push({ name: 'weights', type: 'f32' })
  return [...plan, clicks]
}

/** Whether the rows of such a plan come group by group. */
export function hasGroups(plan: RowPlan): boolean {
  return plan.some(({ name, width = 1 }) => name === 'groups' && width === 1)
}

export function hasWeights(plan: RowPlan): boolean {
  return plan.some(({ name }) => name === 'weights')
}

/** Rows that a block holds at most; blocks never cross a file. */
export const BLOCK_ROWS_MAX = 65_536

interface ArrayOf {
  u32: Uint32Array
  f32: Float32Array
  u8: Uint8Array
}
type ColumnArray = ArrayOf[ColumnType]
type ArrayType = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ColumnArray

const ARRAYS = { u32: Uint32Array, f32: Float32Array, u8: Uint8Array }
type ClickColumn = (typeof CLICK_PLAN)[number]

/** Rows as columns, by the names of their plan; every plan has those of `CLICK_PLAN`. */
export type ClickRows = { [C in ClickColumn as C['name']]: ArrayOf[C['type']] } & {
  [column: string]: ColumnArray
}

/** Byte offsets of the columns of one chunk of rows, by name. */
export type RowOffsets = Record<ClickColumn['name'], number> & Record<string, number>

/** Bytes of a row's values in one column. */
export function columnBytes({ type, width = 1 }: RowColumn): number {
  return ARRAYS[type].BYTES_PER_ELEMENT * width
}

/** Bytes of one row, packed: 9 for `CLICK_PLAN`. */
export function rowBytes(plan: RowPlan): number {
  return plan.reduce((sum, column) => sum + columnBytes(column), 0)
}

/** Room for `rows` rows. */
export function allocateRows(plan: RowPlan, rows: number): ClickRows {
  return byName(plan, ({ type, width = 1 }) => new ARRAYS[type](rows * width))
}

/** Views of `rows` rows, each column where `offsets` says. */
export function rowsAt(plan: RowPlan, buffer: ArrayBufferLike, offsets: RowOffsets, rows: number): ClickRows {
  return byName(plan, ({ name, type, width = 1 }) => viewOf(type, buffer, offsets[name], rows * width))
}

/** Views of a packed block of `rows` rows that begins at `byteOffset`. */
export function blockRows(
  plan: RowPlan,
  buffer: ArrayBufferLike,
  byteOffset: number,
  rows: number,
): ClickRows {
  let at = byteOffset
  return byName(plan, (column) => {
    const values = viewOf(column.type, buffer, at, rows * (column.width ?? 1))
    at += rows * columnBytes(column)
    return values
  })
}

/** Views of the first `count` of `rows`. */
export function firstRows(plan: RowPlan, rows: ClickRows, count: number): ClickRows {
  return byName(plan, ({ name, width = 1 }) => rows[name].subarray(0, count * width))
}

/** Packs the first `rows` rows into a block; returns its bytes, a part of `target`. */
export function packBlock(plan: RowPlan, from: ClickRows, rows: number, target: Uint8Array): Uint8Array {
  const block = blockRows(plan, target.buffer, target.byteOffset, rows)
  copyRows(plan, block, 0, { from, start: 0, end: rows })
  return target.subarray(0, rows * rowBytes(plan))
}

/** Copies rows `start` … `end` − 1 to row `at` of `to`. */
export function copyRows(
  plan: RowPlan,
  to: ClickRows,
  at: number,
  { from, start, end }: { from: ClickRows; start: number; end: number },
): void {
  for (const { name, width = 1 } of plan)
    to[name].set(from[name].subarray(start * width, end * width), at * width)
}

/**
 * Copies the rows `order[0]` … `order[count − 1]` to row `at` of `to`; in place only where no row moves
 * forward.
 */
export function gatherRows(
  plan: RowPlan,
  to: ClickRows,
  at: number,
  { from, order, count }: { from: ClickRows; order: Uint32Array; count: number },
): void {
  for (const column of plan) {
    const values = from[column.name]
    const { width = 1 } = column
    if (width > 1) gatherWide(wordsOf(to[column.name]), at, wordsOf(values), order, { count, width })
    else if (columnBytes(column) === 1)
      gatherBytes(to[column.name] as Uint8Array, at, values as Uint8Array, order, count)
    else gatherWords(wordsOf(to[column.name]), at, wordsOf(values), order, count)
  }
}

// One loop for each width, since a loop over arrays of several kinds is several times slower.
function gatherWords(
  to: Uint32Array,
  at: number,
  from: Uint32Array,
  order: Uint32Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) to[at + i] = from[order[i]]
}

function gatherWide(
  to: Uint32Array,
  at: number,
  from: Uint32Array,
  order: Uint32Array,
  { count, width }: { count: number; width: number },
): void {
  for (let i = 0, next = at * width; i < count; i++)
    for (let k = 0, first = order[i] * width; k < width; k++) to[next++] = from[first + k]
}

function gatherBytes(to: Uint8Array, at: number, from: Uint8Array, order: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) to[at + i] = from[order[i]]
}

/** The bits, whatever they stand for. */
export function wordsOf(values: ColumnArray): Uint32Array {
  return values instanceof Uint32Array
    ? values
    : new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4)
}

function viewOf(type: ColumnType, buffer: ArrayBufferLike, byteOffset: number, rows: number): ColumnArray {
  return new (ARRAYS[type] as ArrayType)(buffer, byteOffset, rows)
}

function byName(plan: RowPlan, valuesOf: (column: RowColumn) => ColumnArray): ClickRows {
  return Object.fromEntries(plan.map((column) => [column.name, valuesOf(column)])) as ClickRows
}
