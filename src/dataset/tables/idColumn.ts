import { NearrankError } from '../../errors.ts'
import { sqlName } from '../parquet/duckdb.ts'
import type { ParquetColumn, ParquetFile } from '../parquet/parquetFile.ts'

/**
 * What an id is compared by: integers by their 64 bits, strings by their 128-bit MD5, which no two ids share
 * by accident (and DuckDB computes at 6 M rows/s, where a join on the strings makes 4 and loses the order).
 */
export type IdKey = 'BIGINT' | 'UBIGINT' | 'MD5'

export type IdType = 'integer' | 'string'

const INTEGER = /^(?:U?(?:TINY|SMALL|BIG)INT|U?INTEGER)$/
const WHOLE_DECIMAL = /^DECIMAL\(\d+,0\)$/ // what Spark makes of unsigned and database integers

/** @throws NearrankError INPUT when the column holds neither integers nor strings. */
export function idTypeOf(file: ParquetFile, column: ParquetColumn): IdType {
  if (INTEGER.test(column.type) || WHOLE_DECIMAL.test(column.type)) return 'integer'
  if (column.type === 'VARCHAR' || column.type === 'UUID') return 'string'
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${column.name} must hold integers or strings to be an id, found ${column.type}`,
  )
}

/** The kind of key for the ids of a feature table. */
export function idKeyOf(file: ParquetFile, column: ParquetColumn): IdKey {
  if (idTypeOf(file, column) === 'string') return 'MD5'
  return column.type === 'UBIGINT' ? 'UBIGINT' : 'BIGINT'
}

/** SQL for the key of a column; null for an id that is null or that such a key cannot hold. */
export function idKeySql(column: string, key: IdKey): string {
  if (key === 'MD5') return `md5_number(${sqlName(column)}::VARCHAR)`
  return `TRY_CAST(${sqlName(column)} AS ${key})`
}

/** Length of a key in 32-bit words. */
export function keyWords(key: IdKey): 2 | 4 {
  return key === 'MD5' ? 4 : 2
}
