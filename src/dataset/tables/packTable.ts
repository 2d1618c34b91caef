import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { shown } from '../../shown.ts'
import { arePlainNumbers, namesOf } from '../../features/featureSpec.ts'
import { rowShape } from '../../features/rowShape.ts'
import { idProblem } from '../../ids.ts'
import { ColumnStatistics } from './columnStatistics.ts'
import { type ColumnChunk, fileRow, streamColumns } from '../parquet/columnStream.ts'
import { sqlName, wordsOf } from '../parquet/duckdb.ts'
import { DurableFile } from '../pack/durableFile.ts'
import { idKeyOf, idKeySql, keyWords } from './idColumn.ts'
import { columnNamed } from '../parquet/parquetFile.ts'
import { rowInFile } from '../parquet/parquetTable.ts'
import type { TablePolicies } from '../policies.ts'
import { findKeptRows, keptChunks, type KeptRows } from './keptRows.ts'
import type { PackedTable, PackFile } from './readTables.ts'
import type { KeyedPlan, TablePlan } from './tablePlan.ts'
import { ColumnEncoders } from './columnEncoders.ts'
import { badValue, checkDuplicates, checkId, takePlaces } from './tableChecks.ts'
import { valueSql } from './valueTypes.ts'

export interface TableRun {
  folder: string
  policies: TablePolicies
  signal: AbortSignal | undefined
  onRows: (rowsDone: number) => void
}

interface EncodedNames {
  lengths: Uint32Array // bytes of each name
  bytes: Uint8Array // one after the other
}

const ROWS_MAX = 2 ** 30
const BLOCK_FLOATS = 2 ** 19 // 2 MiB of features are gathered between writes

/** Writes one feature table in row-major order, checking every value on the way. */
export async function packTable(
  connection: DuckDBConnection,
  unkeyed: TablePlan,
  run: TableRun,
): Promise<PackedTable> {
  const { file, features, places } = unkeyed
  if (file.rows > ROWS_MAX)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: at most ${ROWS_MAX} rows are allowed, found ${file.rows}`,
    )
  const idKey = await idKeyOf(connection, file, columnNamed(file, unkeyed.idColumn))
  const plan = { ...unkeyed, idKey }
  const kept = await findKeptRows(connection, plan, run)
  const rows = kept?.rows.length ?? file.rows
  const hasNames = idKey === 'MD5'
  const { numbers: numberCount, words: width } = rowShape(features)
  const output = await DurableFile.create(join(run.folder, `${plan.side}.f32`))
  try {
    const blockRows = Math.max(1, Math.floor(BLOCK_FLOATS / width))
    const block = new Float32Array(blockRows * width) // [blockRows, width]
    const columns = new ColumnEncoders(features, block)
    const statistics = new ColumnStatistics(numberCount, width)
    const words = keyWords(idKey)
    const keys = new Uint32Array(rows * words)
    const degrees = new Float64Array(places ? 2 * rows : 0) // [2, rows]
    const names: EncodedNames[] = []
    let blockStart = 0 // row of the table that the block begins with

    const chunks = streamColumns(connection, file, expressionsOf(plan), run.signal)
    for await (const chunk of keptChunks(chunks, kept)) {
      const [ids, ...values] = chunk.columns
      await checkId(connection, plan, chunk, ids)
      keys.set(wordsOf(ids), chunk.rowStart * words)
      if (hasNames) names.push(encodeNames(plan, chunk, values.pop() as DuckDBVector))
      if (places) await takePlaces(connection, plan, chunk, values.splice(features.length), degrees)
      for (let done = 0; done < chunk.rows; ) {
        const at = chunk.rowStart + done - blockStart
        const count = Math.min(chunk.rows - done, blockRows - at)
        const bad = columns.encode(values, done, done + count, at)
        if (bad)
          throw await badValue(connection, file, { ...bad, row: fileRow(chunk, bad.row), side: plan.side })
        done += count
        if (at + count === blockRows) {
          statistics.add(block, blockRows)
          await output.write(block)
          blockStart += blockRows
        }
      }
      run.onRows(fileRow(chunk, chunk.rows - 1) + 1)
    }
    const rest = rows - blockStart
    statistics.add(block, rest)
    await output.write(block.subarray(0, rest * width))
    await output.close()
    await checkDuplicates(connection, plan, keys)
    return {
      rows,
      features: namesOf(features),
      ...(!arePlainNumbers(features) && { fitted: features }),
      ...(plan.leftOut.length > 0 && { leftOut: plan.leftOut }),
      idType: hasNames ? 'string' : 'integer',
      idKey,
      table: { bytes: output.bytes, crc32: output.crc32 },
      keys: await writePart(run.folder, `${plan.side}.keys`, [keys]),
      names: hasNames ? await writeNames(run.folder, plan.side, names) : null,
      places: places ? await writePart(run.folder, `${plan.side}.places`, [degrees]) : null,
      mean: Array.from(statistics.mean),
      standardDeviation: Array.from(statistics.standardDeviation()),
      ...(kept && (await writeIgnored(run.folder, plan.side, kept))),
    }
  } finally {
    await output.abandon()
  }
}

function expressionsOf(plan: KeyedPlan): string[] {
  const key = idKeySql(plan.idColumn, plan.idKey)
  const features = plan.features.map(({ name, kind }) => valueSql(columnNamed(plan.file, name), kind))
  const places = (plan.places ?? []).map((name) => `TRY_CAST(${sqlName(name)} AS DOUBLE)`)
  const names = plan.idKey === 'MD5' ? [`${sqlName(plan.idColumn)}::VARCHAR`] : []
  return [key, ...features, ...places, ...names]
}

/**
 * The names of a chunk, as lengths and bytes.
 * @throws NearrankError INPUT for one that no store could hold.
 */
function encodeNames({ file, idColumn }: TablePlan, chunk: ColumnChunk, vector: DuckDBVector): EncodedNames {
  const names = Array.from({ length: vector.itemCount }, (_, i) => String(vector.getItem(i)))
  for (const [i, name] of names.entries()) {
    const wanted = idProblem(name, 'string')
    if (wanted === undefined) continue
    const at = rowInFile(file, fileRow(chunk, i))
    throw new NearrankError(
      'INPUT',
      `Cannot use ${at.name}: column ${idColumn} must hold ${wanted} in every row, row ${at.row} holds ${shown(name)}`,
    )
  }
  const lengths = Uint32Array.from(names, (name) => Buffer.byteLength(name))
  return { lengths, bytes: Buffer.from(names.join('')) }
}

async function writeNames(folder: string, side: string, names: EncodedNames[]): Promise<PackFile> {
  return writePart(folder, `${side}.names`, [
    ...names.map(({ lengths }) => lengths),
    ...names.map(({ bytes }) => bytes),
  ])
}

/** What a manifest tells of the rows that are no rows of the table. */
async function writeIgnored(folder: string, side: string, { ignored, placelessKeys }: KeptRows) {
  if (placelessKeys.length === 0) return { ignored }
  return { ignored, placeless: await writePart(folder, `${side}.placeless`, [placelessKeys]) }
}

async function writePart(folder: string, name: string, parts: ArrayBufferView[]): Promise<PackFile> {
  const file = await DurableFile.create(join(folder, name))
  try {
    for (const part of parts) await file.write(part)
    await file.close()
    return { bytes: file.bytes, crc32: file.crc32 }
  } finally {
    await file.abandon()
  }
}
