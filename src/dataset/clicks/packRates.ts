import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Words, wordsOf } from '../../features/encodeRow.ts'
import type { FeatureSpec, PairFeature } from '../../features/featureSpec.ts'
import { numbersOf, rowShape } from '../../features/rowShape.ts'
import { DurableFile } from '../pack/durableFile.ts'
import { readExactly } from '../pack/packFile.ts'
import { BlockBuilder } from './blockBuilder.ts'
import { type CountedRows, FoldedRate } from './foldedRate.ts'
import { type PackedBlock, type PackedRowsBody, ROWS_FILE } from './readRows.ts'
import { BLOCK_ROWS_MAX, blockRows, type ClickRows, rowBytes, type RowPlan } from './rowLayout.ts'

/** Rows that are packed but for their rates: in place of these are the numbers of their codes. */
export interface UncountedRows {
  folder: string
  body: PackedRowsBody
  plan: RowPlan
  context: readonly FeatureSpec[]
  pairs: readonly PairFeature[]
  before: { counted: readonly PairFeature[]; rows: number } // to go on from: has the first so many rows
  signal: AbortSignal | undefined
}

/** A rate, and at which word of a row's context its two numbers are. */
interface PlacedRate {
  rate: FoldedRate
  at: number
}

/**
 * Counts the rates in the packed rows, then writes these anew, with the rate of each row from the rows of
 * other folds: if its own label were in it, a model would learn to read the label there. Two passes over the
 * packed file; 8 bytes a code and fold are in memory meanwhile.
 * @throws NearrankError DISK; INTERNAL if a rate knows its own row's label.
 */
export async function packRates(packed: UncountedRows): Promise<PackedRowsBody> {
  const { folder, body, plan, context, pairs } = packed
  const rates = placedRates(packed)
  const path = join(folder, ROWS_FILE)
  const made = join(folder, `${ROWS_FILE}.rates`)
  await eachBlock(packed, path, (_, rows, words, firstRow) => {
    for (const { rate, at } of rates) rate.count(countedRows(rows, firstRow), words, at)
  })
  const counted = pairs.map((pair) => rates.find(({ rate }) => rate.pair === pair)?.rate.counted() ?? pair)
  const output = await DurableFile.create(made)
  try {
    const builder = new BlockBuilder(output, plan, { context, pairs: counted })
    let file = -1
    const begin = async (next: number) => {
      for (; file < next; file++) {
        if (file >= 0) await builder.endFile()
        const { name, dropped, notReplayed, heldOut } = body.files[file + 1]
        builder.startFile(name)
        builder.dropped(dropped)
        if (notReplayed !== undefined) builder.notReplayed(notReplayed)
        if (heldOut !== undefined) builder.heldOut(heldOut)
      }
    }
    await eachBlock(packed, path, async (block, rows, words, firstRow) => {
      await begin(block.file)
      for (const { rate, at } of rates) rate.fill(countedRows(rows, firstRow), words, at)
      await builder.append(block.rows, rows)
    })
    await begin(body.files.length - 1)
    await builder.endFile()
    await output.close()
    for (const { rate } of rates) rate.check()
    await rename(made, path)
    return { ...body, ...builder.body() }
  } finally {
    await output.abandon()
  }
}

function placedRates({ context, pairs, before }: UncountedRows): PlacedRate[] {
  const { words } = rowShape([...context, ...pairs])
  let at = rowShape(context).numbers
  return pairs.flatMap((pair) => {
    const place = at
    at += numbersOf(pair)
    if (pair.kind !== 'rate') return []
    const counted = before.counted.find(({ name }) => name === pair.name)
    const start = counted?.kind === 'rate' ? { counts: counted, rows: before.rows } : undefined
    return [{ rate: new FoldedRate(pair, words, { before: start }), at: place }]
  })
}

function countedRows({ clicks, groups }: ClickRows, firstRow: number): CountedRows {
  return { clicks, groups: groups as Uint32Array | undefined, firstRow }
}

/** `words`: of the rows' context; `firstRow`: how many rows the blocks before have. */
async function eachBlock(
  { body, plan, signal }: UncountedRows,
  path: string,
  take: (block: PackedBlock, rows: ClickRows, words: Words, firstRow: number) => Promise<void> | void,
): Promise<void> {
  const handle = await open(path, 'r')
  try {
    const bytes = new Uint8Array(BLOCK_ROWS_MAX * rowBytes(plan))
    let firstRow = 0
    for (const block of body.blocks) {
      signal?.throwIfAborted()
      await readExactly(handle, bytes.subarray(0, block.rows * rowBytes(plan)), block.byteOffset, path)
      const rows = blockRows(plan, bytes.buffer, 0, block.rows)
      await take(block, rows, wordsOf(rows.context as Uint32Array), firstRow)
      firstRow += block.rows
    }
  } finally {
    await handle.close()
  }
}
