import { ROW_NUMBER, sqlName } from '../parquet/duckdb.ts'
import { cellText, type ParquetColumn } from '../parquet/parquetFile.ts'
import { ID_CHARS_MAX, wantedId } from '../../ids.ts'
import { holdsStrings, idKeyOf, idKeySql, kindOfKey, mayExceedKey } from '../tables/idColumn.ts'
import type { Source } from './openSources.ts'
import type { Reader } from './reader.ts'

const IDS_MAX = 4_000_000 // that are held in memory; of more, a part is taken by their hash
const BIGINT = /^(?:(?:TINY|SMALL|BIG|U?TINY|USMALL)INT|U?INTEGER)$/

/** How the ids of a column are compared: by hashes of what they are. */
export type IdType = 'text' | 'integer'

/** undefined: it cannot be a column of ids. Integers of several files may be, together, of a type of none. */
export function idTypeOf(source: Source, column: ParquetColumn): IdType | undefined {
  const { name } = column
  const parts = source.parts?.flatMap(({ columns }) => columns.filter((own) => own.name === name))
  try {
    const types = (parts ?? [column]).map((own) => (holdsStrings(source, own) ? 'text' : 'integer'))
    return types.every((type) => type === types[0]) ? types[0] : undefined
  } catch {
    return undefined
  }
}

export interface DuplicateIds {
  ids: number // about; of a large table
  rows: number // that hold them
  example: string
}

/** Ids that are in several rows of a table; undefined: there are none, or it cannot be told. */
export async function duplicateIds(
  reader: Reader,
  table: Source,
  idColumn: ParquetColumn,
): Promise<DuplicateIds | undefined> {
  const every = partOf(table)
  const key = hashSql(idColumn, { every })
  const rows = await reader.ask(
    `SELECT count(*), sum(rows), min(first) FROM (` +
      `SELECT ${key} AS key, count(*) AS rows, min(${ROW_NUMBER}) AS first FROM ${table.from} ` +
      `WHERE ${key} IS NOT NULL GROUP BY key HAVING count(*) > 1)`,
  )
  if (typeof rows === 'string' || Number(rows[0][0]) === 0) return undefined
  const [ids, count, first] = rows[0].map(Number)
  const example = await cellText(reader.connection, table, idColumn.name, first)
  return { ids: ids * every, rows: count * every, example }
}

export interface UnusableIds {
  rows: number
  example: string
  wanted: string // what every id must be
}

/** Ids of a table that no store and no path can hold; undefined: there are none, or it cannot be told. */
export async function unusableIds(
  reader: Reader,
  table: Source,
  idColumn: ParquetColumn,
): Promise<UnusableIds | undefined> {
  const key = await idKeyOf(reader.connection, table, idColumn)
  if (key !== 'MD5' && !mayExceedKey(idColumn, key)) return undefined
  const name = sqlName(idColumn.name)
  const isUnusable =
    key === 'MD5' ? unusableTextSql(name) : `${name} IS NOT NULL AND ${idKeySql(idColumn.name, key)} IS NULL`
  const rows = await reader.ask(`SELECT count(*), min(${ROW_NUMBER}) FROM ${table.from} WHERE ${isUnusable}`)
  if (typeof rows === 'string' || Number(rows[0][0]) === 0) return undefined
  const [count, first] = rows[0].map(Number)
  const example = await cellText(reader.connection, table, idColumn.name, first)
  return { rows: count, example, wanted: wantedId(kindOfKey(key)) }
}

/** As `parseId` of strings; DuckDB counts code points, of which those beyond U+FFFF are two UTF-16 units. */
function unusableTextSql(name: string): string {
  const text = `${name}::VARCHAR`
  const units = `length(regexp_replace(${text}, '[\\x{10000}-\\x{10FFFF}]', 'xx', 'g'))`
  return `${text} IN ('', '.', '..') OR contains(${text}, chr(0)) OR (length(${text}) > ${ID_CHARS_MAX / 2} AND ${units} > ${ID_CHARS_MAX})`
}

/** SQL for the hash of an id of the clicks, null for most of them: about each n-th is enough. */
export function sampledIdSql(source: Source, column: ParquetColumn, every: number): string | undefined {
  if (idTypeOf(source, column) === undefined) return undefined
  return hashSql(column, { isWide: idTypeOf(source, column) === 'integer', every })
}

/**
 * SQL for two aggregates over clicks: how many ids were looked up in `table`, how many of them were found.
 * undefined: the ids are of another type than those of the table.
 */
export function lookupSql(
  clicks: { source: Source; column: ParquetColumn },
  table: { source: Source; column: ParquetColumn },
): string[] | undefined {
  const type = idTypeOf(table.source, table.column)
  if (type === undefined || type !== idTypeOf(clicks.source, clicks.column)) return undefined
  const isWide = [clicks, table].some(({ column }) => type === 'integer' && !BIGINT.test(column.type))
  const every = partOf(table.source)
  const own = hashSql(clicks.column, { isWide, every })
  const its = hashSql(table.column, { isWide, every })
  const known = `SELECT ${its} FROM ${table.source.from} WHERE ${its} IS NOT NULL`
  return [`count(${own})`, `count(CASE WHEN ${own} IN (${known}) THEN 1 END)`]
}

/**
 * `isWide`: it is compared with integers of more than 64 bits, or unsigned ones. `every`: only about each
 * n-th id has a hash, the same ones in every column.
 */
function hashSql(
  { name, type }: ParquetColumn,
  { isWide = false, every }: { isWide?: boolean; every: number },
): string {
  const integer = isWide || !BIGINT.test(type) ? 'HUGEINT' : 'BIGINT'
  const hash = `hash(${sqlName(name)}::${type === 'VARCHAR' || type === 'UUID' ? 'VARCHAR' : integer})`
  const part = every > 1 ? ` AND ${hash} % ${every} = 0` : ''
  return `CASE WHEN ${sqlName(name)} IS NOT NULL${part} THEN ${hash} END`
}

function partOf({ rows }: Source): number {
  return Math.ceil(rows / IDS_MAX)
}
