import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import type { IdKind } from '../../ids.ts'
import { sqlName } from '../parquet/duckdb.ts'
import type { ParquetColumn, ParquetFile } from '../parquet/parquetFile.ts'

/**
 * What an id is compared by: integers by their 64 bits, strings by their 128-bit MD5, which no two ids share
 * by accident (and DuckDB computes at 6 M rows/s, where a join on the strings makes 4 and loses the order).
 */
export type IdKey = keyof typeof KINDS

const KINDS = { BIGINT: 'integer', UBIGINT: 'unsigned', MD5: 'string' } as const satisfies Record<
  string,
  IdKind
>
const INTEGER = /^(?:U?(?:TINY|SMALL|BIG)INT|U?INTEGER)$/
const WHOLE_DECIMAL = /^DECIMAL\((\d+),0\)$/ // what Spark makes of unsigned and database integers
const INT64_DIGITS = 18 // any integer of so many digits has 63 bits

/**
 * Whether a column holds strings; if not, it holds integers.
 * @throws NearrankError INPUT if it holds neither.
 */
export function holdsStrings(file: ParquetFile, column: ParquetColumn): boolean {
  if (INTEGER.test(column.type) || WHOLE_DECIMAL.test(column.type)) return false
  if (column.type === 'VARCHAR' || column.type === 'UUID') return true
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${column.name} must hold integers or strings to be an id, found ${column.type}`,
  )
}

/**
 * The kind of key for the ids of a feature table. Reads a column of
 * long decimals, to see whether they are signed.
 */
export async function idKeyOf(
  connection: DuckDBConnection,
  file: ParquetFile,
  column: ParquetColumn,
): Promise<IdKey> {
  if (holdsStrings(file, column)) return 'MD5'
  const digits = Number(WHOLE_DECIMAL.exec(column.type)?.[1] ?? 0)
  if (digits <= INT64_DIGITS) return column.type === 'UBIGINT' ? 'UBIGINT' : 'BIGINT'
  const result = await connection.run(
    `SELECT max(${sqlName(column.name)}) > ${2n ** 63n - 1n} FROM ${file.from}`,
  )
  return (await result.getRowsJS())[0][0] === true ? 'UBIGINT' : 'BIGINT'
}

/** SQL for the key of a column; null for an id that is null or that such a key cannot hold. */
export function idKeySql(column: string, key: IdKey): string {
  if (key === 'MD5') return `md5_number(${sqlName(column)}::VARCHAR)`
  return `TRY_CAST(${sqlName(column)} AS ${key})`
}

/** Whether a column may hold ids that such a key cannot hold: a null key may then stand for one of them. */
export function mayExceedKey({ type }: ParquetColumn, key: IdKey): boolean {
  if (key === 'MD5') return false
  const digits = WHOLE_DECIMAL.exec(type)?.[1]
  if (digits !== undefined) return key === 'UBIGINT' || Number(digits) > INT64_DIGITS
  return key === 'UBIGINT' ? !type.startsWith('U') : type === 'UBIGINT'
}

/** The kind of all ids that have such keys. */
export function kindOfKey(key: IdKey): IdKind {
  return KINDS[key]
}

/** Length of a key in 32-bit words. */
export function keyWords(key: IdKey): 2 | 4 {
  return key === 'MD5' ? 4 : 2
}
