import { type PathKey, sqlText } from './duckdb.ts'

const NULL = '__HIVE_DEFAULT_PARTITION__' // as Spark and Hive write it

/**
 * The columns that the folders of a path tell, `/`-separated, as in `train/date=2026-01-01/part-0.parquet`:
 * dates, integers and texts, in which `%2F` and the like stand for what a file's name cannot hold.
 */
export function pathKeys(path: string): PathKey[] {
  const keys = new Map<string, PathKey>()
  for (const folder of path.split('/').slice(0, -1)) {
    const [, name, text] = /^([^=]+)=(.*)$/.exec(folder) ?? []
    if (name !== undefined) keys.set(name.toLowerCase(), { name: decoded(name), ...valueOf(decoded(text)) })
  }
  return [...keys.values()]
}

function valueOf(text: string): Pick<PathKey, 'type' | 'sql'> {
  if (text === NULL) return { type: 'VARCHAR', sql: 'NULL::VARCHAR' }
  if (/^-?\d{1,18}$/.test(text)) return { type: 'BIGINT', sql: `${text}::BIGINT` }
  if (isDate(text)) return { type: 'DATE', sql: `DATE ${sqlText(text)}` }
  return { type: 'VARCHAR', sql: sqlText(text) }
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
