import { open, rm } from 'node:fs/promises'
import type { FeatureSpec, PairFeature } from '../../features/featureSpec.ts'
import { NearrankError } from '../../errors.ts'
import { formatCount } from '../../format.ts'
import { DurableFile } from '../pack/durableFile.ts'
import { readExactly } from '../pack/packFile.ts'
import { CHUNK_ROWS } from '../parquet/columnStream.ts'
import { BlockBuilder } from './blockBuilder.ts'
import { GROUP_ROWS_MAX } from './groupRuns.ts'
import { KeyNumbers } from './keyNumbers.ts'
import { type PackedRowsBody } from './readRows.ts'
import {
  allocateRows,
  BLOCK_ROWS_MAX,
  blockRows,
  type ClickRows,
  clickPlan,
  copyRows,
  gatherRows,
  hasWeights,
  packBlock,
  rowBytes,
  type RowPlan,
} from './rowLayout.ts'

const PART_BYTES = 32 * 2 ** 20
const PARTS_MAX = 512 // each is an open file, and a process has 1,024 at most by default
const PART_SHARE_MAX = 4 // times what a part has on average: only of groups that are no requests
const BUFFER_ROWS = 1024 // of a part that is being written

/** Rows in the order of their files, each with the 64-bit key of its group. */
export interface UnsortedRows {
  path: string
  body: PackedRowsBody
  plan: RowPlan // see `clickPlan`, with keys
  context: readonly FeatureSpec[]
  pairs: readonly PairFeature[]
  contextWords: number
  column: string // that tells the groups, for messages
  signal: AbortSignal | undefined
  onRows: (rowsDone: number) => void // half of them are done when all are in the files of their parts
  partBytes?: number // of rows that are sorted at a time, on average, @default 32 MiB
}

/**
 * Writes the rows anew as `output`, those of each group one after the other, in the order of the files.
 * Groups come in the order of their keys' parts. In memory is one part of the rows: they are first written
 * to as many files as keep a part small, by the keys of their groups. Returns what `BlockBuilder.body` says:
 * the files of the rows are one, since a group's may come from several.
 * @throws NearrankError INPUT if groups are so large that their part would not fit; DISK, ABORTED.
 */
export async function sortGroups(unsorted: UnsortedRows, output: DurableFile): Promise<PackedRowsBody> {
  const { body, plan, context, pairs, contextWords, path, onRows, partBytes = PART_BYTES } = unsorted
  const parts = Math.min(PARTS_MAX, Math.max(1, Math.ceil((body.rows * rowBytes(plan)) / partBytes)))
  const paths = Array.from({ length: parts }, (_, part) => `${path}.${part}`)
  try {
    const rows = await scatter(unsorted, paths)
    checkSizes(rows, unsorted)
    const sortedPlan = clickPlan(contextWords, 'numbers', hasWeights(plan))
    const builder = new BlockBuilder(output, sortedPlan, { context, pairs })
    builder.startFile(body.files.length === 1 ? body.files[0].name : `${body.files.length} files, by group`)
    builder.dropped(body.dropped)
    for (const { notReplayed, heldOut } of body.files) {
      if (notReplayed !== undefined) builder.notReplayed(notReplayed)
      if (heldOut !== undefined) builder.heldOut(heldOut)
    }
    let [groups, split, sortedRows] = [0, 0, 0]
    for (const [part, name] of paths.entries()) {
      unsorted.signal?.throwIfAborted()
      const own = await readPart(name, plan, rows[part])
      const sorted = sortedBy(own.groups as Uint32Array, rows[part], groups)
      groups = sorted.next
      split += sorted.split
      await appendSorted(builder, plan, own, sorted)
      sortedRows += rows[part]
      onRows(Math.floor((body.rows + sortedRows) / 2))
      await rm(name)
    }
    await builder.endFile()
    return { ...builder.body(), ...groupsOf(builder, split) }
  } finally {
    for (const name of paths) await rm(name, { force: true })
  }
}

function checkSizes(rows: number[], { body, plan, column, partBytes = PART_BYTES }: UnsortedRows): void {
  const longest = rows.reduce((most, count) => Math.max(most, count), 0)
  const mean = Math.max(partBytes / rowBytes(plan), body.rows / rows.length)
  if (longest <= PART_SHARE_MAX * mean) return
  throw new NearrankError(
    'INPUT',
    `Cannot group the clicks by ${column}: ${formatCount(longest)} of ${formatCount(body.rows)} rows are of one group or of a few; name the column that tells what was shown together, such as --group-column request_id`,
  )
}

/** What a pack says of its groups. */
export function groupsOf({ groups }: BlockBuilder, split: number): Pick<PackedRowsBody, 'groups'> {
  return { groups: { ...groups, split } }
}

/** Appends each row to the file of its group's part; returns how many rows each part has. */
async function scatter(
  { path, body, plan, signal, onRows }: UnsortedRows,
  paths: string[],
): Promise<number[]> {
  const counts = paths.map(() => 0)
  const buffers = paths.map(() => allocateRows(plan, BUFFER_ROWS))
  const packed = new Uint8Array(BUFFER_ROWS * rowBytes(plan))
  const outputs: DurableFile[] = []
  const source = await open(path, 'r')
  try {
    for (const name of paths) outputs.push(await DurableFile.create(name))
    const bytes = new Uint8Array(BLOCK_ROWS_MAX * rowBytes(plan))
    let rowsDone = 0
    for (const block of body.blocks) {
      signal?.throwIfAborted()
      await readExactly(source, bytes.subarray(0, block.rows * rowBytes(plan)), block.byteOffset, path)
      const from = blockRows(plan, bytes.buffer, 0, block.rows)
      const { order, ends } = byPart(from.groups as Uint32Array, block.rows, paths.length)
      let start = 0
      for (const [part, buffer] of buffers.entries())
        while (start < ends[part]) {
          const at = counts[part] % BUFFER_ROWS
          const count = Math.min(ends[part] - start, BUFFER_ROWS - at)
          gatherRows(plan, buffer, at, { from, order: order.subarray(start, start + count), count })
          start += count
          counts[part] += count
          if (at + count === BUFFER_ROWS)
            await outputs[part].write(packBlock(plan, buffer, BUFFER_ROWS, packed))
        }
      rowsDone += block.rows
      onRows(Math.floor(rowsDone / 2))
    }
    for (const [part, buffer] of buffers.entries()) {
      const left = counts[part] % BUFFER_ROWS
      if (left > 0) await outputs[part].write(packBlock(plan, buffer, left, packed))
    }
    return counts
  } finally {
    await source.close()
    for (const output of outputs) await output.abandon()
  }
}

/** The rows of a block, part by part, and where each part ends in that order. */
function byPart(keys: Uint32Array, rows: number, parts: number): { order: Uint32Array; ends: Uint32Array } {
  const ends = new Uint32Array(parts)
  for (let row = 0; row < rows; row++) ends[keys[2 * row + 1] % parts]++
  let end = 0
  const next = ends.map((count, part) => {
    const start = end
    end += count
    ends[part] = end
    return start
  })
  const order = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) order[next[keys[2 * row + 1] % parts]++] = row
  return { order, ends }
}

async function readPart(path: string, plan: RowPlan, rows: number): Promise<ClickRows> {
  const all = allocateRows(plan, rows)
  const bytes = new Uint8Array(BUFFER_ROWS * rowBytes(plan))
  const source = await open(path, 'r')
  try {
    for (let row = 0; row < rows; row += BUFFER_ROWS) {
      const count = Math.min(BUFFER_ROWS, rows - row)
      await readExactly(source, bytes.subarray(0, count * rowBytes(plan)), row * rowBytes(plan), path)
      copyRows(plan, all, row, { from: blockRows(plan, bytes.buffer, 0, count), start: 0, end: count })
    }
    return all
  } finally {
    await source.close()
  }
}

/** The rows by group, and within a group as they come; and the number of each one's group. */
interface SortedRows {
  order: Uint32Array
  numbers: Uint32Array // [rows], in that order
  next: number // of the first group that comes after
  split: number
}

function sortedBy(keys: Uint32Array, rows: number, first: number): SortedRows {
  const known = new KeyNumbers()
  const groups = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) groups[row] = known.numberOf(keys[2 * row], keys[2 * row + 1])
  const ends = new Uint32Array(known.size)
  for (let row = 0; row < rows; row++) ends[groups[row]]++
  let split = 0
  for (const size of ends) if (size > GROUP_ROWS_MAX) split++
  for (let group = 1; group < ends.length; group++) ends[group] += ends[group - 1]
  const order = new Uint32Array(rows)
  for (let row = rows - 1; row >= 0; row--) order[--ends[groups[row]]] = row // now each end is a start
  const numbers = new Uint32Array(rows)
  let number = first - 1
  for (let i = 0, start = 0; i < rows; i++) {
    if (i === 0 || groups[order[i]] !== groups[order[i - 1]] || i - start === GROUP_ROWS_MAX) {
      number++
      start = i
    }
    numbers[i] = number
  }
  return { order, numbers, next: number + 1, split }
}

async function appendSorted(
  builder: BlockBuilder,
  plan: RowPlan,
  from: ClickRows,
  { order, numbers }: SortedRows,
): Promise<void> {
  const rows = allocateRows(builder.plan, CHUNK_ROWS)
  const others = plan.filter(({ name }) => name !== 'groups')
  for (let start = 0; start < order.length; start += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, order.length - start)
    gatherRows(others, rows, 0, { from, order: order.subarray(start, start + count), count })
    ;(rows.groups as Uint32Array).set(numbers.subarray(start, start + count))
    await builder.append(count, rows)
  }
}
