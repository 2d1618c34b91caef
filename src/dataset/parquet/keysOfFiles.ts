import type { PathKey } from './duckdb.ts'
import type { ParquetFile } from './parquetFile.ts'

const FILE_INDEX = 'file_index' // DuckDB's number of a file in the list that it reads, from 0

/** SQL of the item of a list that belongs to a row's file; `sql`: of the list. */
export function sqlOfFile(sql: string): string {
  return `(${sql})[${FILE_INDEX}::BIGINT + 1]`
}

/**
 * The keys of files that one reader reads, in the order of the files. Undefined: it cannot read them, since
 * files have other keys than the first, bytes where that has texts, or a column called as DuckDB calls
 * the number of a file.
 */
export function keysOfFiles(files: readonly ParquetFile[]): PathKey[] | undefined {
  const [{ form }] = files
  const namesOf = ({ form: { keys, texts } }: ParquetFile) =>
    JSON.stringify([keys.map(({ name }) => name), texts.toSorted()])
  const hasIndex = ({ columns }: ParquetFile) => columns.some(({ name }) => name.toLowerCase() === FILE_INDEX)
  if (files.some((file) => hasIndex(file) || namesOf(file) !== namesOf(files[0]))) return undefined
  return form.keys.map(({ name, type, sql }, k) => {
    const values = files.map((file) => file.form.keys[k].sql)
    return { name, type, sql: new Set(values).size === 1 ? sql : sqlOfFile(`[${values.join(', ')}]`) }
  })
}
