import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import type { ColumnChunk } from '../parquet/columnStream.ts'
import { arrayOf, firstNull } from '../parquet/duckdb.ts'
import { wantedId } from '../../ids.ts'
import type { BadValue } from './columnEncoders.ts'
import { keyWords, kindOfKey } from './idColumn.ts'
import { IdIndex } from './idIndex.ts'
import type { KeyedPlan, TablePlan } from './tablePlan.ts'
import { type ParquetFile, cellText } from '../parquet/parquetFile.ts'

const DEGREES_MAX = [90, 180]

/** What is said of a value that cannot be encoded; of a number: null, NaN, infinite, or too large. */
export async function badValue(
  connection: DuckDBConnection,
  file: ParquetFile,
  { feature, row, problem }: BadValue,
): Promise<NearrankError> {
  const { name, kind } = feature
  const found = await cellText(connection, file, name, row)
  const reach = /^[-+0-9]/.test(found) ? ' within the range of a 32-bit float' : ''
  const wanted = kind === 'number' ? `must be a finite number${reach}` : problem.replace(/, found .*/s, '')
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${name} ${wanted}, row ${row} holds ${found}`,
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
  if (missing < 0) return
  const row = chunk.rowStart + missing
  const found = await cellText(connection, plan.file, plan.idColumn, row)
  throw new NearrankError(
    'INPUT',
    `Cannot use ${plan.file.name}: column ${plan.idColumn} must hold ${wantedId(kindOfKey(plan.idKey))} in every row, row ${row} holds ${found}`,
  )
}

/** @throws NearrankError INPUT for an id that stands in two rows. */
export async function checkDuplicates(
  connection: DuckDBConnection,
  plan: KeyedPlan,
  keys: Uint32Array,
): Promise<void> {
  const { duplicate } = new IdIndex(keys, keyWords(plan.idKey))
  if (!duplicate) return
  const id = await cellText(connection, plan.file, plan.idColumn, duplicate.row)
  throw new NearrankError(
    'INPUT',
    `Cannot use ${plan.file.name}: column ${plan.idColumn} must hold every id once, ${id} is in row ${duplicate.earlierRow} and row ${duplicate.row}`,
  )
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
    const missing = firstNull(vector)
    const bound = DEGREES_MAX[axis]
    const bad = missing >= 0 ? missing : values.findIndex((value) => !(Math.abs(value) <= bound))
    if (bad >= 0) {
      const column = plan.places?.[axis] ?? ''
      const row = chunk.rowStart + bad
      const found = await cellText(connection, plan.file, column, row)
      throw new NearrankError(
        'INPUT',
        `Cannot use ${plan.file.name}: column ${column} must be degrees from -${bound} to ${bound}, row ${row} holds ${found}`,
      )
    }
    degrees.set(values, axis * plan.file.rows + chunk.rowStart)
  }
}
