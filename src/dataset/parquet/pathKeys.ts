import { type PathKey, sqlText } from './duckdb.ts'

const INTEGER = /^-?\d{1,18}$/
const NULL = '__HIVE_DEFAULT_PARTITION__' // as Spark and Hive write it

/** Of each key in lower case, the type that it has in all of some paths. */
export type KeyTypes = ReadonlyMap<string, string>

/**
 * What the values of a key are over all paths: dates, integers, or else texts. Where one is null, it is a
 * null of what the others are.
 */
export function keyTypes(paths: readonly string[]): KeyTypes {
  const types = new Map<string, string>()
  for (const path of paths)
    for (const [name, { text }] of keysOf(path)) {
      if (text === NULL) continue
      const [before, own] = [types.get(name), typeOf(text)]
      types.set(name, before === undefined || before === own ? own : 'VARCHAR')
    }
  return types
}

/**
 * The columns that the folders of a path tell, `/`-separated, as in `train/date=2026-01-01/part-0.parquet`,
 * of the types that `keyTypes` found; `%2F` and the like stand for what a file's name cannot hold.
 */
export function pathKeys(path: string, types: KeyTypes): PathKey[] {
  return Array.from(keysOf(path), ([key, { name, text }]) => {
    const type = types.get(key) ?? 'VARCHAR'
    return { name, type, sql: text === NULL ? `NULL::${type}` : `${sqlText(plain(text))}::${type}` }
  })
}

function keysOf(path: string): Map<string, { name: string; text: string }> {
  const keys = new Map<string, { name: string; text: string }>()
  for (const folder of path.split('/').slice(0, -1)) {
    const [, name, text] = /^([^=]+)=(.*)$/.exec(folder) ?? []
    if (name !== undefined) keys.set(name.toLowerCase(), { name: decoded(name), text: decoded(text) })
  }
  return keys
}

/** An integer without leading zeros: as a text, too, it is the category that it is as a number. */
function plain(text: string): string {
  return INTEGER.test(text) ? String(BigInt(text)) : text
}

function typeOf(text: string): string {
  if (INTEGER.test(text)) return 'BIGINT'
  return isDate(text) ? 'DATE' : 'VARCHAR'
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a name that only looks encoded
  }
}
