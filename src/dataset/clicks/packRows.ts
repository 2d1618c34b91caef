import type { DuckDBConnection } from '@duckdb/node-api'
import { join } from 'node:path'
import { rowShape, type RowShape } from '../../features/rowShape.ts'
import { BlockBuilder } from './blockBuilder.ts'
import { type DroppedClicks, sortOut } from './droppedClicks.ts'
import { firstWrongClick, wrongLabel } from './labels.ts'
import { clickPlan, gatherRows } from './rowLayout.ts'
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
}

/** Writes the rows of all files, in their order, as blocks. */
export async function packRows(
  connection: DuckDBConnection,
  plan: RowsPlan,
  run: RowsRun,
): Promise<PackedRowsBody> {
  const output = await DurableFile.create(join(run.folder, ROWS_FILE))
  try {
    const own = { context: plan.context, pairs: plan.pairs.features }
    const shape = rowShape([...own.context, ...own.pairs])
    const builder = new BlockBuilder(output, clickPlan(shape.words), own)
    const { context } = builder.scratch
    const encoders = context ? new ColumnEncoders(plan.context, context as Uint32Array, shape) : null
    const isUncounted = own.pairs.some((pair) => pair.kind === 'rate' && pair.rows.length === 0)
    const pairs = await PairPacker.open(plan.pairs, plan.tables, plan.context)
    const dropped: DroppedClicks = { noFeatures: 0, nulls: 0, badPlace: 0 }
    const sink = { builder, encoders, pairs, shape, dropped }
    let rowsRead = 0
    for (const file of plan.files) {
      builder.startFile(file.name)
      const { expressions, vectorsOf } = clickColumns(plan, file)
      for await (const chunk of streamColumns(connection, file, expressions, run.signal)) {
        const vectors = vectorsOf(chunk)
        const kept = await takeChunk(connection, plan, { file, chunk, vectors }, sink)
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
    const body = { ...builder.body(), ...(hasReasons && { droppedBecause: dropped }) }
    if (!isUncounted || body.rows === 0) return body
    return await packRates({ ...own, ...run, body, plan: builder.plan })
  } finally {
    await output.abandon()
  }
}

/** Looks one chunk up into the builder's scratch columns; returns how many rows of it are kept. */
async function takeChunk(
  connection: DuckDBConnection,
  plan: RowsPlan,
  { file, chunk, vectors }: { file: ParquetFile; chunk: ColumnChunk; vectors: ClickVectors },
  { builder, encoders, pairs, shape, dropped }: Sink,
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
  const hasNulls = [vectors.clicks, users.keys, restaurants.keys].some((vector) => firstNull(vector) >= 0)
  if (missing === 0 && !hasNulls) return chunk.rows

  const { rowStart, rows: rowCount } = chunk
  const sorted = await sortOut(connection, plan, { file, rowStart, rowCount, vectors, rows })
  for (const reason of ['noFeatures', 'nulls', 'badPlace'] as const) dropped[reason] += sorted.dropped[reason]
  const { order } = sorted
  gatherRows(builder.plan, rows, 0, { from: rows, order, count: order.length })
  return order.length
}
