import type { DuckDBConnection } from '@duckdb/node-api'
import { join } from 'node:path'
import { BlockBuilder } from './blockBuilder.ts'
import { type DroppedClicks, sortOut } from './droppedClicks.ts'
import { firstWrongClick, wrongLabel } from './labels.ts'
import { CLICK_PLAN, gatherRows } from './rowLayout.ts'
import { type PackedRowsBody, ROWS_FILE } from './readRows.ts'
import { clickColumns, type ClickVectors, type RowsPlan } from './rowsPlan.ts'
import { type ColumnChunk, streamColumns } from '../parquet/columnStream.ts'
import { arrayOf, firstNull, wordsOf } from '../parquet/duckdb.ts'
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
    const builder = new BlockBuilder(output, CLICK_PLAN)
    const dropped: DroppedClicks = { noFeatures: 0, nulls: 0, badPlace: 0 }
    let rowsRead = 0
    for (const file of plan.files) {
      builder.startFile(file.name)
      const { expressions, vectorsOf } = clickColumns(plan, file)
      for await (const chunk of streamColumns(connection, file, expressions, run.signal)) {
        const vectors = vectorsOf(chunk)
        const kept = await takeChunk(connection, plan, { file, chunk, vectors }, { builder, dropped })
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
    return { ...builder.body(), ...(hasReasons && { droppedBecause: dropped }) }
  } finally {
    await output.abandon()
  }
}

/** Looks one chunk up into the builder's scratch columns; returns how many rows of it are kept. */
async function takeChunk(
  connection: DuckDBConnection,
  plan: RowsPlan,
  { file, chunk, vectors }: { file: ParquetFile; chunk: ColumnChunk; vectors: ClickVectors },
  { builder, dropped }: Sink,
): Promise<number> {
  const rows = builder.scratch
  const { users, restaurants } = vectors
  rows.clicks.set(arrayOf(vectors.clicks) as Uint8Array)
  let bad = 0
  for (let i = 0; i < chunk.rows; i++) bad |= rows.clicks[i]
  const wrong = bad > 1 ? firstWrongClick(vectors.clicks) : -1
  if (wrong >= 0) throw await wrongLabel(connection, plan, file, chunk.rowStart + wrong)

  const missing =
    plan.user.index.lookupInto(wordsOf(users.keys), chunk.rows, rows.users) +
    plan.restaurant.index.lookupInto(wordsOf(restaurants.keys), chunk.rows, rows.restaurants)
  const hasNulls = [vectors.clicks, users.keys, restaurants.keys].some((vector) => firstNull(vector) >= 0)
  if (missing === 0 && !hasNulls) return chunk.rows

  const { rowStart, rows: rowCount } = chunk
  const sorted = await sortOut(connection, plan, { file, rowStart, rowCount, vectors, rows })
  for (const reason of ['noFeatures', 'nulls', 'badPlace'] as const) dropped[reason] += sorted.dropped[reason]
  const { order } = sorted
  gatherRows(CLICK_PLAN, rows, 0, { from: rows, order, count: order.length })
  return order.length
}
