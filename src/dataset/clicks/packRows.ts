import type { DuckDBConnection } from '@duckdb/node-api'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { rowShape, type RowShape } from '../../features/rowShape.ts'
import { BlockBuilder } from './blockBuilder.ts'
import { type DroppedClicks, sortOut } from './droppedClicks.ts'
import { GroupRuns } from './groupRuns.ts'
import { firstWrongClick, wrongLabel } from './labels.ts'
import { clickPlan, gatherRows, type RowPlan } from './rowLayout.ts'
import { groupsOf, sortGroups } from './sortGroups.ts'
import { PairPacker } from './packPairs.ts'
import { packRates } from './packRates.ts'
import { type PackedRowsBody, ROWS_FILE } from './readRows.ts'
import { clickColumns, type ClickVectors, type RowsPlan } from './rowsPlan.ts'
import { type ColumnChunk, streamColumns } from '../parquet/columnStream.ts'
import { arrayOf, firstNull, wordsOf } from '../parquet/duckdb.ts'
import { ColumnEncoders } from '../tables/columnEncoders.ts'
import { badValue } from '../tables/tableChecks.ts'
import { DurableFile } from '../pack/durableFile.ts'
import type { ParquetFile } from '../parquet/parquetFile.ts'

export interface RowsRun {
  folder: string
  signal: AbortSignal | undefined
  onRows: (rowsDone: number) => void
}

/** Where rows go, and what becomes of those that go nowhere. */
interface Sink {
  builder: BlockBuilder
  encoders: ColumnEncoders | null // of the context, into the builder's scratch; null: there is none
  pairs: PairPacker | null
  shape: RowShape // of context and pairs
  dropped: DroppedClicks
  runs: GroupRuns | null // null: rows are in no groups, or are sorted by them later
}

/**
 * Writes the rows of all files, in their order, as blocks. Rows of a group that do not come one after the
 * other are sorted by group; whether they do shows while they are packed.
 */
export async function packRows(
  connection: DuckDBConnection,
  plan: RowsPlan,
  run: RowsRun,
): Promise<PackedRowsBody> {
  const own = { context: plan.context, pairs: plan.pairs.features }
  const packed =
    plan.group === null
      ? await packFiles(connection, plan, run, 'none')
      : ((await packFiles(connection, plan, run, 'numbers')) ?? (await packSorted(connection, plan, run)))
  if (!packed) throw new NearrankError('INTERNAL', 'rows without groups cannot be out of order')
  const { body, rowPlan } = packed
  const isUncounted = own.pairs.some((pair) => pair.kind === 'rate' && pair.rows.length === 0)
  if (!isUncounted || body.rows === 0) return body
  return await packRates({ ...own, ...run, body, plan: rowPlan })
}

interface PackedFiles {
  body: PackedRowsBody
  rowPlan: RowPlan
}

/** Undefined: with group numbers, the rows of a group do not come one after the other. */
async function packFiles(
  connection: DuckDBConnection,
  plan: RowsPlan,
  run: RowsRun,
  groups: 'none' | 'numbers' | 'keys',
): Promise<PackedFiles | undefined> {
  const path = join(run.folder, ROWS_FILE)
  const output = await DurableFile.create(path)
  try {
    const own = { context: plan.context, pairs: plan.pairs.features }
    const shape = rowShape([...own.context, ...own.pairs])
    const builder = new BlockBuilder(output, clickPlan(shape.words, groups), own)
    const { context } = builder.scratch
    const encoders = context ? new ColumnEncoders(plan.context, context as Uint32Array, shape) : null
    const pairs = await PairPacker.open(plan.pairs, plan.tables, plan.context)
    const dropped: DroppedClicks = { noFeatures: 0, nulls: 0, badPlace: 0 }
    const runs = groups === 'numbers' ? new GroupRuns() : null
    const sink = { builder, encoders, pairs, shape, dropped, runs }
    let rowsRead = 0
    for (const file of plan.files) {
      builder.startFile(file.name)
      runs?.startFile()
      const { expressions, vectorsOf } = clickColumns(plan, file)
      for await (const chunk of streamColumns(connection, file, expressions, run.signal)) {
        const vectors = vectorsOf(chunk)
        const kept = await takeChunk(connection, plan, { file, chunk, vectors }, sink)
        if (kept === OUT_OF_ORDER) {
          await output.abandon()
          await rm(path)
          return undefined
        }
        builder.dropped(chunk.rows - kept)
        const wrote = builder.append(kept)
        if (wrote) await wrote
        if (wrote) run.onRows(rowsRead + chunk.rowStart + chunk.rows)
      }
      await builder.endFile()
      rowsRead += file.rows
      run.onRows(rowsRead)
    }
    await output.close()
    // Without it, all were dropped for want of features, as in packs made before there were other reasons.
    const hasReasons = dropped.nulls + dropped.badPlace > 0
    const body = {
      ...builder.body(),
      ...(runs && groupsOf(builder, runs.split)),
      ...(hasReasons && { droppedBecause: dropped }),
    }
    return { body, rowPlan: builder.plan }
  } finally {
    await output.abandon()
  }
}

/** Packs the rows with the keys of their groups, then sorts them by these. */
async function packSorted(
  connection: DuckDBConnection,
  plan: RowsPlan,
  run: RowsRun,
): Promise<PackedFiles | undefined> {
  const packed = await packFiles(connection, plan, run, 'keys')
  if (!packed || packed.body.rows === 0) return packed
  const path = join(run.folder, ROWS_FILE)
  const output = await DurableFile.create(`${path}.sorted`)
  try {
    const own = { context: plan.context, pairs: plan.pairs.features }
    const unsorted = { ...own, path, body: packed.body, plan: packed.rowPlan, signal: run.signal }
    const contextWords = rowShape([...own.context, ...own.pairs]).words
    const body = { ...packed.body, ...(await sortGroups({ ...unsorted, contextWords }, output)) }
    await output.close()
    await rename(output.path, path)
    return { body, rowPlan: clickPlan(contextWords, 'numbers') }
  } finally {
    await output.abandon()
  }
}

const OUT_OF_ORDER = -1

/**
 * Looks one chunk up into the builder's scratch columns; returns how many rows of it are kept, or
 * OUT_OF_ORDER.
 */
async function takeChunk(
  connection: DuckDBConnection,
  plan: RowsPlan,
  { file, chunk, vectors }: { file: ParquetFile; chunk: ColumnChunk; vectors: ClickVectors },
  { builder, encoders, pairs, shape, dropped, runs }: Sink,
): Promise<number> {
  const rows = builder.scratch
  const { users, restaurants } = vectors
  rows.clicks.set(arrayOf(vectors.clicks) as Uint8Array)
  let bad = 0
  for (let i = 0; i < chunk.rows; i++) bad |= rows.clicks[i]
  const wrong = bad > 1 ? firstWrongClick(vectors.clicks) : -1
  if (wrong >= 0) throw await wrongLabel(connection, plan, file, chunk.rowStart + wrong)

  const badContext = encoders?.encode(vectors.context, 0, chunk.rows, 0)
  if (badContext)
    throw await badValue(connection, file, { ...badContext, row: chunk.rowStart + badContext.row })

  const missing =
    plan.user.index.lookupInto(wordsOf(users.keys), chunk.rows, rows.users) +
    plan.restaurant.index.lookupInto(wordsOf(restaurants.keys), chunk.rows, rows.restaurants)
  pairs?.encode(rows, vectors, chunk.rows, shape)
  if (vectors.groups) {
    const keys = wordsOf(vectors.groups)
    const groups = rows.groups as Uint32Array
    if (!runs) groups.set(keys)
    else if (!runs.number(keys, chunk.rows, groups)) return OUT_OF_ORDER
  }
  const vectorsWithNulls = [vectors.clicks, users.keys, restaurants.keys, vectors.groups]
  const hasNulls = vectorsWithNulls.some((vector) => vector && firstNull(vector) >= 0)
  if (missing === 0 && !hasNulls) return chunk.rows

  const { rowStart, rows: rowCount } = chunk
  const sorted = await sortOut(connection, plan, { file, rowStart, rowCount, vectors, rows })
  for (const reason of ['noFeatures', 'nulls', 'badPlace'] as const) dropped[reason] += sorted.dropped[reason]
  const { order } = sorted
  gatherRows(builder.plan, rows, 0, { from: rows, order, count: order.length })
  return order.length
}
