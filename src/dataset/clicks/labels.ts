import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { arrayOf, isNullAt, sqlName, validBits } from '../parquet/duckdb.ts'
import { cellText, columnNamed, type ParquetFile } from '../parquet/parquetFile.ts'

/** Where labels are, and what makes one a click. */
export interface LabelPlan {
  clickColumn: string
  clickThreshold: number | undefined // undefined: labels are 0 or 1
}

const INTEGER_OR_BOOLEAN = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BOOLEAN)$/
const FLOATING = /^(?:FLOAT|DOUBLE)$/
const FRACTION = /^(?:FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/

/** @throws NearrankError INPUT when the column is missing or holds no numbers. */
export function checkLabels(file: ParquetFile, { clickColumn, clickThreshold }: LabelPlan): void {
  const { type } = columnNamed(file, clickColumn)
  if (INTEGER_OR_BOOLEAN.test(type) || FRACTION.test(type)) return
  const wanted = clickThreshold === undefined ? 'be 0 or 1 in numbers' : 'hold numbers'
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${clickColumn} must ${wanted}, found ${type}`,
  )
}

/**
 * SQL for a label as a click: 0, 1, null for null and NaN, and 2 or more for what is neither 0 nor 1. What
 * clean data does not need stands where it is not evaluated for clean data.
 */
export function clickSql(file: ParquetFile, { clickColumn, clickThreshold }: LabelPlan): string {
  const { type } = columnNamed(file, clickColumn)
  const label = sqlName(clickColumn)
  // To DuckDB, NaN is above every number.
  const isNumber = `${label} IS NOT NULL${FLOATING.test(type) ? ` AND NOT isnan(${label})` : ''}`
  if (clickThreshold !== undefined) {
    // As the column has it: 0.7 in 32 bits is below 0.7 in 64.
    const threshold = type === 'FLOAT' ? Math.fround(clickThreshold) : clickThreshold
    return `CASE WHEN ${isNumber} THEN (${label}::DOUBLE >= '${threshold}'::DOUBLE)::UTINYINT END`
  }
  const other = `CASE WHEN ${isNumber} THEN 2 END`
  if (INTEGER_OR_BOOLEAN.test(type)) return `coalesce(TRY_CAST(${label} AS UTINYINT), ${other})::UTINYINT`
  // A cast would round 0.4 to 0.
  return `CASE WHEN ${label}::DOUBLE = 0 THEN 0 WHEN ${label}::DOUBLE = 1 THEN 1 ELSE ${other} END::UTINYINT`
}

/** The first of a chunk's clicks that is neither 0 nor 1 nor null; −1: none is. */
export function firstWrongClick(vector: DuckDBVector): number {
  const clicks = arrayOf(vector) as Uint8Array
  const bits = validBits(vector)
  return clicks.findIndex((click, i) => click > 1 && !isNullAt(bits, i))
}

/** What is said of a label that is neither 0 nor 1. */
export async function wrongLabel(
  connection: DuckDBConnection,
  { clickColumn }: LabelPlan,
  file: ParquetFile,
  row: number,
): Promise<NearrankError> {
  const found = await cellText(connection, file, clickColumn, row)
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${clickColumn} must be 0 or 1, row ${row} holds ${found}; if these are ratings, set the lowest one that counts as a click with clickThreshold (--click-threshold)`,
  )
}

/** What is said of a label that is null or NaN. */
export async function missingLabel(
  connection: DuckDBConnection,
  { clickColumn, clickThreshold }: LabelPlan,
  file: ParquetFile,
  row: number,
): Promise<NearrankError> {
  const found = await cellText(connection, file, clickColumn, row)
  const wanted = clickThreshold === undefined ? '0 or 1' : 'a number'
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${clickColumn} must be ${wanted}, row ${row} holds ${found}; leave such clicks out with onMissing 'drop' (--on-missing drop)`,
  )
}
