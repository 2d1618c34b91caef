import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { type ColumnChunk, fileRow } from '../parquet/columnStream.ts'
import { arrayOf, firstNull, isNullAt, validBits } from '../parquet/duckdb.ts'
import { type Side, SINGULAR } from '../../features/featureSpec.ts'
import { NONE_MISSING } from '../../features/encodeRow.ts'
import { wantedId } from '../../ids.ts'
import type { BadValue } from './columnEncoders.ts'
import { keyWords, kindOfKey } from './idColumn.ts'
import { IdIndex } from './idIndex.ts'
import type { KeyedPlan, TablePlan } from './tablePlan.ts'
import { type ParquetFile, cellText } from '../parquet/parquetFile.ts'
import { rowInFile } from '../parquet/parquetTable.ts'

const DEGREES_MAX = [90, 180]

/**
 * What is said of a value that cannot be encoded; of a number: null, NaN, infinite, or too large. `side`: of
 * the feature; absent: it is of the clicks.
 */
export async function badValue(
  connection: DuckDBConnection,
  file: ParquetFile,
  { feature, row, problem, side }: BadValue & { side?: Side },
): Promise<NearrankError> {
  const { name, kind } = feature
  const found = await cellText(connection, file, name, row)
  const at = rowInFile(file, row)
  const reach = /^[-+0-9]/.test(found) ? ' within the range of a 32-bit float' : ''
  const wanted = kind === 'number' ? `must be a finite number${reach}` : problem.replace(/, found .*/s, '')
  const canBeMissing = 'missing' in feature && feature.missing !== undefined
  const isMissing = found === 'null' || found.toLowerCase() === 'nan'
  const how = side ? ` ("${SINGULAR[side]}.${name}": false among the features)` : ''
  const correctIt = `correct it, or train without the column${how}`
  const advice = isMissing && !canBeMissing ? NONE_MISSING : correctIt
  return new NearrankError(
    'INPUT',
    `Cannot use ${at.name}: column ${name} ${wanted}, row ${at.row} holds ${found}; ${advice}`,
  )
}

/** @throws NearrankError INPUT for an id that is null or that its key cannot hold. */
export async function checkId(
  connection: DuckDBConnection,
  plan: KeyedPlan,
  chunk: ColumnChunk,
  ids: DuckDBVector,
): Promise<void> {
  const missing = firstNull(ids)
  if (missing >= 0) throw await unusableId(connection, plan, fileRow(chunk, missing))
}

/** What is said of an id that is null or that its key cannot hold. */
export async function unusableId(
  connection: DuckDBConnection,
  { file, idColumn, idKey }: KeyedPlan,
  row: number,
): Promise<NearrankError> {
  const found = await cellText(connection, file, idColumn, row)
  const at = rowInFile(file, row)
  const advice = found === 'null' ? `; leave such rows out with onMissing 'drop' (--on-missing drop)` : ''
  return new NearrankError(
    'INPUT',
    `Cannot use ${at.name}: column ${idColumn} must hold ${wantedId(kindOfKey(idKey))} in every row, row ${at.row} holds ${found}${advice}`,
  )
}

/** @throws NearrankError INPUT for an id that stands in two rows. */
export async function checkDuplicates(
  connection: DuckDBConnection,
  plan: KeyedPlan,
  keys: Uint32Array,
): Promise<void> {
  const { duplicate } = new IdIndex(keys, keyWords(plan.idKey))
  if (duplicate) throw await duplicateId(connection, plan, duplicate.earlierRow, duplicate.row)
}

/** What is said of an id that stands in two rows. */
export async function duplicateId(
  connection: DuckDBConnection,
  { file, idColumn }: KeyedPlan,
  earlierRow: number,
  row: number,
): Promise<NearrankError> {
  const id = await cellText(connection, file, idColumn, row)
  const [first, second] = [earlierRow, row].map((one) => {
    const at = rowInFile(file, one)
    return `row ${at.row}${file.parts ? ` of ${at.name}` : ''}`
  })
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${idColumn} must hold every id once, ${id} is in ${first} and ${second}; use one of its rows with onDuplicate 'first' or 'last' (--on-duplicate first)`,
  )
}

/** The first of the latitudes (axis 0) or longitudes (1) from `start` on that is no degrees; −1: none is. */
export function firstBadDegree(vector: DuckDBVector, values: Float64Array, axis: number, start = 0): number {
  const bits = validBits(vector)
  const bound = DEGREES_MAX[axis]
  for (let i = start; i < values.length; i++)
    if (!(Math.abs(values[i]) <= bound) || isNullAt(bits, i)) return i
  return -1
}

/** Copies latitudes and longitudes. @throws NearrankError INPUT for one that is no degrees. */
export async function takePlaces(
  connection: DuckDBConnection,
  plan: TablePlan,
  chunk: ColumnChunk,
  vectors: DuckDBVector[],
  degrees: Float64Array, // [2, rows]
): Promise<void> {
  for (const [axis, vector] of vectors.entries()) {
    const values = arrayOf(vector) as Float64Array
    const bad = firstBadDegree(vector, values, axis)
    if (bad >= 0) {
      const bound = DEGREES_MAX[axis]
      const column = plan.places?.[axis] ?? ''
      const row = fileRow(chunk, bad)
      const found = await cellText(connection, plan.file, column, row)
      const at = rowInFile(plan.file, row)
      throw new NearrankError(
        'INPUT',
        `Cannot use ${at.name}: column ${column} must be degrees from -${bound} to ${bound}, row ${at.row} holds ${found}; leave such restaurants and their clicks out with onBadPlace 'drop' (--on-bad-place drop)`,
      )
    }
    degrees.set(values, axis * (degrees.length / 2) + chunk.rowStart)
  }
}
