import type { DuckDBConnection } from '@duckdb/node-api'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { BlockBuilder } from './blockBuilder.ts'
import { CLICK_PLAN, gatherRows } from './rowLayout.ts'
import { type PackedRowsBody, ROWS_FILE } from './readRows.ts'
import { type ColumnChunk, streamColumns } from '../parquet/columnStream.ts'
import { arrayOf, firstNull, sqlName, wordsOf } from '../parquet/duckdb.ts'
import { DurableFile } from '../pack/durableFile.ts'
import { holdsStrings, type IdKey, idKeySql } from '../tables/idColumn.ts'
import { type IdIndex, NO_ROW } from '../tables/idIndex.ts'
import { type ParquetFile, cellText, columnNamed } from '../parquet/parquetFile.ts'

/** One side of a click: how its ids are compared, and with what. */
export interface ClickSide {
  column: string
  table: string // name of the feature table, for messages
  key: IdKey
  index: IdIndex
}

export interface RowsPlan {
  files: ParquetFile[]
  user: ClickSide
  restaurant: ClickSide
  clickColumn: string
  onMissing: 'fail' | 'drop'
}

export interface RowsRun {
  folder: string
  signal: AbortSignal | undefined
  onRows: (rowsDone: number) => void
}

const INTEGER_OR_BOOLEAN = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BOOLEAN)$/
const FRACTION = /^(?:FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/

/** Checks the columns of a click file; reads nothing but metadata. */
export function checkClickFile(
  file: ParquetFile,
  user: { column: string; key: IdKey },
  restaurant: { column: string; key: IdKey },
  clickColumn: string,
): void {
  for (const { column, key } of [user, restaurant]) {
    const type = holdsStrings(file, columnNamed(file, column)) ? 'string' : 'integer'
    const wanted = key === 'MD5' ? 'string' : 'integer'
    if (type !== wanted)
      throw new NearrankError(
        'INPUT',
        `Cannot use ${file.name}: column ${column} must hold ${wanted}s as the feature table does, found ${type}s`,
      )
  }
  const { type } = columnNamed(file, clickColumn)
  if (!INTEGER_OR_BOOLEAN.test(type) && !FRACTION.test(type))
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: column ${clickColumn} must be 0 or 1 in numbers, found ${type}`,
    )
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
    let rowsRead = 0
    for (const file of plan.files) {
      builder.startFile(file.name)
      const expressions = expressionsOf(plan, file)
      for await (const chunk of streamColumns(connection, file, expressions, run.signal)) {
        const kept = await takeChunk(connection, plan, file, chunk, builder)
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
    return builder.body()
  } finally {
    await output.abandon()
  }
}

function expressionsOf(plan: RowsPlan, file: ParquetFile): string[] {
  const { type } = columnNamed(file, plan.clickColumn)
  return [
    idKeySql(plan.user.column, plan.user.key),
    idKeySql(plan.restaurant.column, plan.restaurant.key),
    clickSql(plan.clickColumn, type),
  ]
}

/** SQL for a click as 0, 1, or something above: 2 for null and for what 8 bits cannot hold. */
function clickSql(column: string, type: string): string {
  const click = sqlName(column)
  if (INTEGER_OR_BOOLEAN.test(type)) return `coalesce(TRY_CAST(${click} AS UTINYINT), 2)::UTINYINT`
  // A cast would round 0.4 to 0.
  return `CASE WHEN ${click}::DOUBLE = 0 THEN 0 WHEN ${click}::DOUBLE = 1 THEN 1 ELSE 2 END::UTINYINT`
}

/** Looks one chunk up into the builder's scratch columns; returns how many rows of it are kept. */
async function takeChunk(
  connection: DuckDBConnection,
  plan: RowsPlan,
  file: ParquetFile,
  chunk: ColumnChunk,
  builder: BlockBuilder,
): Promise<number> {
  const { users, restaurants, clicks } = builder.scratch
  const flags = arrayOf(chunk.columns[2]) as Uint8Array
  clicks.set(flags)
  let bad = 0
  for (let i = 0; i < chunk.rows; i++) bad |= clicks[i]
  if (bad > 1)
    throw await wrongClick(connection, plan, file, chunk.rowStart + flags.findIndex((flag) => flag > 1))

  let missing = 0
  for (const [side, column, rows] of [
    [plan.user, chunk.columns[0], users],
    [plan.restaurant, chunk.columns[1], restaurants],
  ] as const) {
    missing += side.index.lookupInto(wordsOf(column), chunk.rows, rows)
    if (firstNull(column) < 0) continue
    for (let i = 0; i < chunk.rows; i++) {
      if (column.getItem(i) !== null) continue
      const row = chunk.rowStart + i
      if ((await cellText(connection, file, side.column, row)) === 'null')
        throw new NearrankError(
          'INPUT',
          `Cannot use ${file.name}: column ${side.column} must hold an id in every row, row ${row} holds null`,
        )
      rows[i] = NO_ROW // an id of more bits than the table's
      missing++
    }
  }
  if (missing === 0) return chunk.rows
  if (plan.onMissing === 'fail') throw await withoutFeatures(connection, plan, file, chunk, builder)
  const order = new Uint32Array(chunk.rows)
  let kept = 0
  for (let i = 0; i < chunk.rows; i++) if (users[i] !== NO_ROW && restaurants[i] !== NO_ROW) order[kept++] = i
  gatherRows(CLICK_PLAN, builder.scratch, 0, { from: builder.scratch, order, count: kept })
  return kept
}

async function wrongClick(
  connection: DuckDBConnection,
  plan: RowsPlan,
  file: ParquetFile,
  row: number,
): Promise<NearrankError> {
  const found = await cellText(connection, file, plan.clickColumn, row)
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${plan.clickColumn} must be 0 or 1, row ${row} holds ${found}`,
  )
}

async function withoutFeatures(
  connection: DuckDBConnection,
  plan: RowsPlan,
  file: ParquetFile,
  chunk: ColumnChunk,
  builder: BlockBuilder,
): Promise<NearrankError> {
  const { users, restaurants } = builder.scratch
  let i = 0
  while (users[i] !== NO_ROW && restaurants[i] !== NO_ROW) i++
  const side = users[i] === NO_ROW ? plan.user : plan.restaurant
  const row = chunk.rowStart + i
  const id = await cellText(connection, file, side.column, row)
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: ${side.column} ${id} in row ${row} has no features in ${side.table}; add them, or leave such clicks out with onMissing 'drop' (--on-missing drop)`,
  )
}
