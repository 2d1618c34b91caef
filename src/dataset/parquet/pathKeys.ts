import type { FeatureSpec } from '../../features/featureSpec.ts'
import { type PathKey, sqlText } from './duckdb.ts'

const INTEGER = /^-?\d{1,18}$/
/** Those that mean a number: months and hours may begin with 0; longer ones that do are codes. */
const NUMBER = /^(0\d|-?(0|[1-9]\d{0,17}))$/
const NULL = '__HIVE_DEFAULT_PARTITION__' // as Spark and Hive write it

/** Of each key in lower case, the type that it has in all of some paths. */
export type KeyTypes = ReadonlyMap<string, string>

/** A feature that a key may be. */
export type KeyFeature = Pick<FeatureSpec, 'name' | 'kind'>

/**
 * What the values of a key are over all paths: dates, integers, or else texts; and where it is known which
 * feature they are, what that takes. Where one is null, it is a null of what the others are.
 */
export function keyTypes(paths: readonly string[], features: readonly KeyFeature[] = []): KeyTypes {
  const values = new Map<string, Set<string>>()
  for (const path of paths)
    for (const [name, { text }] of keysOf(path)) {
      const texts = values.get(name) ?? new Set()
      values.set(name, text === NULL ? texts : texts.add(text))
    }
  const kinds = new Map(features.map(({ name, kind }) => [name.toLowerCase(), kind]))
  const types = Array.from(values, ([name, texts]) => [name, typeOf([...texts], kinds.get(name))] as const)
  return new Map(types.filter((entry): entry is readonly [string, string] => entry[1] !== undefined))
}

/**
 * The columns that the folders of a path tell, `/`-separated, as in `train/date=2026-01-01/part-0.parquet`,
 * of the types that `keyTypes` found; `%2F` and the like stand for what a file's name cannot hold.
 */
export function pathKeys(path: string, types: KeyTypes): PathKey[] {
  return Array.from(keysOf(path), ([key, { name, text }]) => {
    const type = types.get(key) ?? 'VARCHAR'
    return { name, type, sql: text === NULL ? `NULL::${type}` : `${sqlText(text)}::${type}` }
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

/** Undefined: nothing tells. */
function typeOf(texts: readonly string[], kind: KeyFeature['kind'] | undefined): string | undefined {
  if (kind === 'category' || kind === 'text') return 'VARCHAR'
  if (texts.length === 0) return kind && (kind === 'time' ? 'DATE' : 'BIGINT')
  const integer = kind === 'number' ? INTEGER : NUMBER
  if (texts.every((text) => integer.test(text))) return 'BIGINT'
  return texts.every(isDate) ? 'DATE' : 'VARCHAR'
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
