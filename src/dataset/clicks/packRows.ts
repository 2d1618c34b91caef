import type { DuckDBConnection } from '@duckdb/node-api'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { widthOf } from '../../features/rowShape.ts'
import { BlockBuilder } from './blockBuilder.ts'
import { ClickEncoder, OUT_OF_ORDER } from './clickEncoder.ts'
import { GroupRuns } from './groupRuns.ts'
import { allocateRows, clickPlan, gatherRows, rowBytes, type RowPlan } from './rowLayout.ts'
import { groupsOf, sortGroups } from './sortGroups.ts'
import { packRates } from './packRates.ts'
import { type PackedRowsBody, ROWS_FILE } from './readRows.ts'
import { clickColumns, type RowsPlan } from './rowsPlan.ts'
import { CHUNK_ROWS, fileRow } from '../parquet/columnStream.ts'
import { FileStreams } from '../parquet/fileStreams.ts'
import { RANGE_ROWS_MAX } from '../parquet/rowRanges.ts'
import { DurableFile } from '../pack/durableFile.ts'
import type { RowSample } from '../parquet/rowSample.ts'

/** Rows that take more, packed, are read in smaller pieces. */
const ROW_BYTES_MAX = 32

/** For the statements of packing; the second one reads beside the first. */
type Connections = readonly [DuckDBConnection, DuckDBConnection]

export interface RowsRun {
  folder: string
  signal: AbortSignal | undefined
  onRows: (rowsDone: number) => void
  onSorted: (rowsDone: number, rowsTotal: number) => void
}

/**
 * Writes the rows of all files, in their order, as blocks. Rows of a group that do not come one after the
 * other are sorted by group; whether they do shows while they are packed.
 */
export async function packRows(
  connections: Connections,
  plan: RowsPlan,
  run: RowsRun,
): Promise<PackedRowsBody> {
  const own = { context: plan.context, pairs: plan.pairs.features }
  const packed =
    plan.group === null
      ? await packFiles(connections, plan, run, 'none')
      : ((await packFiles(connections, plan, run, 'numbers')) ?? (await packSorted(connections, plan, run)))
  if (!packed) throw new NearrankError('INTERNAL', 'rows without groups cannot be out of order')
  const { body, rowPlan } = packed
  const isUncounted = own.pairs.some((pair) => pair.kind === 'rate' && pair.rows.length === 0)
  if (!isUncounted || body.rows === 0) return body
  const before = { counted: plan.pairs.counted, rows: olderRows(plan, body) }
  return await packRates({ ...own, ...run, body, plan: rowPlan, before })
}

/**
 * How many rows, the first ones, are of older clicks.
 * @throws NearrankError INPUT if sorting by group has mixed them with the new ones.
 */
function olderRows({ files, replay: { samples }, group }: RowsPlan, body: PackedRowsBody): number {
  if (samples.length > 0 && body.files.length < files.length)
    throw new NearrankError(
      'INPUT',
      `Cannot replay older clicks for a model with rates if rows of one ${group} do not come one after the other: write the files sorted by ${group}, or train without replayFiles`,
    )
  return body.files.slice(0, samples.length).reduce((sum, { rows }) => sum + rows, 0)
}

interface PackedFiles {
  body: PackedRowsBody
  rowPlan: RowPlan
}

/** Undefined: with group numbers, the rows of a group do not come one after the other. */
async function packFiles(
  connections: Connections,
  plan: RowsPlan,
  run: RowsRun,
  groups: 'none' | 'numbers' | 'keys',
): Promise<PackedFiles | undefined> {
  const [connection] = connections
  const path = join(run.folder, ROWS_FILE)
  const own = { context: plan.context, pairs: plan.pairs.features }
  const contextWords = widthOf([...own.context, ...own.pairs])
  const rowPlan = clickPlan(contextWords, groups, plan.weights !== null)
  const isShort = rowBytes(rowPlan) <= ROW_BYTES_MAX
  const sampleOf = (i: number) => plan.replay.samples[i] as RowSample | undefined
  const streams = new FileStreams(isShort ? connections : [connection], plan.files, {
    readingOf: (i) => ({ ...clickColumns(plan, plan.files[i]), sample: sampleOf(i) }),
    signal: run.signal,
  })
  const output = await DurableFile.create(path)
  try {
    const scratch = allocateRows(rowPlan, isShort ? RANGE_ROWS_MAX : CHUNK_ROWS)
    const builder = new BlockBuilder(output, rowPlan, own)
    const runs = groups === 'numbers' ? new GroupRuns() : null
    const encoder = await ClickEncoder.open(connection, plan, scratch, runs)
    const { dropped } = encoder
    let rowsRead = 0
    for (const [i, file] of plan.files.entries()) {
      builder.startFile(file.name)
      runs?.startFile()
      const { vectorsOf } = clickColumns(plan, file)
      const sample = sampleOf(i)
      let drawn = 0
      for await (const chunk of streams.rowsOf(i)) {
        drawn += chunk.rows
        const vectors = vectorsOf(chunk)
        const order = await encoder.take(file, chunk, vectors)
        if (order === OUT_OF_ORDER) {
          await output.abandon()
          await rm(path)
          return undefined
        }
        const kept = order?.length ?? chunk.rows
        if (order) gatherRows(builder.plan, scratch, 0, { from: scratch, order, count: kept })
        builder.dropped(chunk.rows - kept)
        const wrote = await builder.append(kept, scratch)
        if (wrote) run.onRows(rowsRead + fileRow(chunk, chunk.rows - 1) + 1)
      }
      if (sample) builder.notReplayed(file.rows - drawn)
      else if (file.part) {
        const { withoutTime } = file.part
        builder.dropped(withoutTime)
        if (withoutTime > 0) dropped.noTime = (dropped.noTime ?? 0) + withoutTime
        builder.heldOut(file.rows - drawn - withoutTime)
      }
      await builder.endFile()
      rowsRead += file.rows
      run.onRows(rowsRead)
    }
    await output.close()
    // Without it, all were dropped for want of features, as in packs made before there were other reasons.
    const hasReasons = dropped.nulls + dropped.badPlace + (dropped.noTime ?? 0) > 0
    const body = {
      ...builder.body(),
      ...(runs && groupsOf(builder, runs.split)),
      ...(hasReasons && { droppedBecause: dropped }),
    }
    return { body, rowPlan: builder.plan }
  } finally {
    await streams.close()
    await output.abandon()
  }
}

/** Packs the rows with the keys of their groups, then sorts them by these. */
async function packSorted(
  connections: Connections,
  plan: RowsPlan,
  run: RowsRun,
): Promise<PackedFiles | undefined> {
  const packed = await packFiles(connections, plan, run, 'keys')
  if (!packed || packed.body.rows === 0) return packed
  const path = join(run.folder, ROWS_FILE)
  const output = await DurableFile.create(`${path}.sorted`)
  try {
    const own = { context: plan.context, pairs: plan.pairs.features }
    const column = plan.group!
    const contextWords = widthOf([...own.context, ...own.pairs])
    const unsorted = {
      ...own,
      path,
      body: packed.body,
      plan: packed.rowPlan,
      contextWords,
      column,
      signal: run.signal,
      onRows: (rowsDone: number) => run.onSorted(rowsDone, packed.body.rows),
    }
    const body = { ...packed.body, ...(await sortGroups(unsorted, output)) }
    await output.close()
    await rename(output.path, path)
    return { body, rowPlan: clickPlan(contextWords, 'numbers', plan.weights !== null) }
  } finally {
    await output.abandon()
  }
}
