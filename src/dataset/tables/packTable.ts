import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { ColumnStatistics } from './columnStatistics.ts'
import { streamColumns } from '../parquet/columnStream.ts'
import { arrayOf, firstNull, sqlName, wordsOf } from '../parquet/duckdb.ts'
import { DurableFile } from '../pack/durableFile.ts'
import { type IdKey, type IdType, idKeySql, keyWords } from './idColumn.ts'
import type { ParquetFile } from '../parquet/parquetFile.ts'
import { checkDuplicates, checkId, notFinite, takePlaces } from './tableChecks.ts'

/** What to take from a feature table: decided before anything is read. */
export interface TablePlan {
  side: 'users' | 'restaurants'
  file: ParquetFile
  idColumn: string
  idType: IdType
  idKey: IdKey
  features: string[]
  places: [latitude: string, longitude: string] | null
}

/** A file of a pack. */
export interface PackPart {
  bytes: number
  crc32: number
}

export interface PackedTable {
  rows: number
  features: string[]
  idType: IdType
  idKey: IdKey
  table: PackPart // <side>.f32: float32 [rows, features]
  keys: PackPart // <side>.keys: 2 or 4 words of 32 bits for each row
  names: PackPart | null // <side>.names, string ids alone: u32 byte lengths [rows], then the bytes
  places: PackPart | null // restaurants.places: float64 [2, rows], latitudes first
  mean: number[] // [features]
  standardDeviation: number[] // [features]
}

export interface TableRun {
  folder: string
  signal: AbortSignal | undefined
  onRows: (rowsDone: number) => void
}

interface EncodedNames {
  lengths: Uint32Array // bytes of each name
  bytes: Uint8Array // one after the other
}

const ROWS_MAX = 2 ** 30
const BLOCK_FLOATS = 2 ** 19 // 2 MiB of features are gathered between writes
const NAME_BYTES_MAX = 4096

/** Writes one feature table in row-major order, checking every value on the way. */
export async function packTable(
  connection: DuckDBConnection,
  plan: TablePlan,
  run: TableRun,
): Promise<PackedTable> {
  const { file, features, places } = plan
  if (file.rows === 0) throw new NearrankError('INPUT', `Cannot use ${file.name}: it has no rows`)
  if (file.rows > ROWS_MAX)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: at most ${ROWS_MAX} rows are allowed, found ${file.rows}`,
    )
  const output = await DurableFile.create(join(run.folder, `${plan.side}.f32`))
  try {
    const blockRows = Math.max(1, Math.floor(BLOCK_FLOATS / features.length))
    const block = new Float32Array(blockRows * features.length) // [blockRows, features]
    const statistics = new ColumnStatistics(features.length)
    const words = keyWords(plan.idKey)
    const keys = new Uint32Array(file.rows * words)
    const degrees = new Float64Array(places ? 2 * file.rows : 0) // [2, rows]
    const names: EncodedNames[] = []
    let blockStart = 0 // row of the file that the block begins with

    for await (const chunk of streamColumns(connection, file, expressionsOf(plan), run.signal)) {
      const [ids, ...values] = chunk.columns
      await checkId(connection, plan, chunk, ids)
      keys.set(wordsOf(ids), chunk.rowStart * words)
      if (plan.idType === 'string') names.push(encodeNames(file, values.pop() as DuckDBVector))
      if (places) await takePlaces(connection, plan, chunk, values.splice(features.length), degrees)
      for (let done = 0; done < chunk.rows; ) {
        const at = chunk.rowStart + done - blockStart
        const count = Math.min(chunk.rows - done, blockRows - at)
        for (let k = 0; k < features.length; k++) {
          const bad = transpose(
            floatsOf(values[k]),
            done,
            count,
            block,
            at * features.length + k,
            features.length,
          )
          const missing = done === 0 ? firstNull(values[k]) : -1
          if (missing >= 0) throw await notFinite(connection, file, features[k], chunk.rowStart + missing)
          if (bad >= 0) throw await notFinite(connection, file, features[k], chunk.rowStart + bad)
        }
        done += count
        if (at + count === blockRows) {
          statistics.add(block, blockRows)
          await output.write(block)
          blockStart += blockRows
        }
      }
      run.onRows(chunk.rowStart + chunk.rows)
    }
    const rest = file.rows - blockStart
    statistics.add(block, rest)
    await output.write(block.subarray(0, rest * features.length))
    await output.close()
    await checkDuplicates(connection, plan, keys)
    return {
      rows: file.rows,
      features,
      idType: plan.idType,
      idKey: plan.idKey,
      table: { bytes: output.bytes, crc32: output.crc32 },
      keys: await writePart(run.folder, `${plan.side}.keys`, [keys]),
      names: plan.idType === 'string' ? await writeNames(run.folder, plan.side, names) : null,
      places: places ? await writePart(run.folder, `${plan.side}.places`, [degrees]) : null,
      mean: Array.from(statistics.mean),
      standardDeviation: Array.from(statistics.standardDeviation()),
    }
  } finally {
    await output.abandon()
  }
}

function expressionsOf(plan: TablePlan): string[] {
  const key = idKeySql(plan.idColumn, plan.idKey)
  const features = plan.features.map((name) => `TRY_CAST(${sqlName(name)} AS FLOAT)`)
  const places = (plan.places ?? []).map((name) => `TRY_CAST(${sqlName(name)} AS DOUBLE)`)
  const names = plan.idType === 'string' ? [`${sqlName(plan.idColumn)}::VARCHAR`] : []
  return [key, ...features, ...places, ...names]
}

/** Copies one column's values into every `stride`-th place; returns the first one that is not finite, −1 without any. */
function transpose(
  values: Float32Array,
  start: number,
  count: number,
  target: Float32Array,
  at: number,
  stride: number,
): number {
  let zero = 0 // stays 0 unless a value is NaN or infinite
  for (let i = 0; i < count; i++) {
    const value = values[start + i]
    zero += value - value
    target[at + i * stride] = value
  }
  return zero === 0 ? -1 : values.findIndex((value, i) => i >= start && !Number.isFinite(value))
}

function floatsOf(vector: DuckDBVector): Float32Array {
  return arrayOf(vector) as Float32Array
}

/** The names of a chunk, as lengths and bytes. */
function encodeNames(file: ParquetFile, vector: DuckDBVector): EncodedNames {
  const names = Array.from({ length: vector.itemCount }, (_, i) => String(vector.getItem(i)))
  const lengths = Uint32Array.from(names, (name) => Buffer.byteLength(name))
  for (const length of lengths)
    if (length > NAME_BYTES_MAX)
      throw new NearrankError(
        'INPUT',
        `Cannot use ${file.name}: ids have at most ${NAME_BYTES_MAX} bytes, found one of ${length}`,
      )
  return { lengths, bytes: Buffer.from(names.join('')) }
}

async function writeNames(folder: string, side: string, names: EncodedNames[]): Promise<PackPart> {
  return writePart(folder, `${side}.names`, [
    ...names.map(({ lengths }) => lengths),
    ...names.map(({ bytes }) => bytes),
  ])
}

async function writePart(folder: string, name: string, parts: ArrayBufferView[]): Promise<PackPart> {
  const file = await DurableFile.create(join(folder, name))
  try {
    for (const part of parts) await file.write(part)
    await file.close()
    return { bytes: file.bytes, crc32: file.crc32 }
  } finally {
    await file.abandon()
  }
}
