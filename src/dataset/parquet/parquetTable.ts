import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { ROW_NUMBER, sqlParquet } from './duckdb.ts'
import { pandasIndex } from './pandasIndex.ts'
import { keysOfFiles, sqlOfFile } from './keysOfFiles.ts'
import { type FileToOpen, type ParquetFile, ParquetOpener } from './parquetFile.ts'
import type { KeyFeature } from './pathKeys.ts'

/**
 * The files of a table as one: their rows one after the other, in the order of `sources`. `features`: those
 * known that keys of their paths may be.
 * @throws NearrankError INPUT for a file that cannot be read, or has other columns than the first.
 */
export async function readParquetTable(
  connection: DuckDBConnection,
  sources: readonly FileToOpen[],
  { name, features }: { name: string; features?: readonly KeyFeature[] },
): Promise<ParquetFile> {
  const names = sources.map((source) => source.name)
  const opener = new ParquetOpener(connection, names, { ...(features && { features }) })
  const files: ParquetFile[] = []
  for (const source of sources) files.push(await opener.open(source))
  const [read, ...others] = files
  const first = { ...read, index: await pandasIndex(connection, read.path) }
  if (others.length === 0) return first
  for (const other of others) checkSameColumns(first, other)
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  return { ...first, name, rows, parts: files, from: sqlTable(files) }
}

/** The file that a row of a table is in, and where in that. */
export function rowInFile({ name, parts = [] }: ParquetFile, row: number): { name: string; row: number } {
  let start = 0
  for (const file of parts) {
    if (row < start + file.rows) return { name: file.name, row: row - start }
    start += file.rows
  }
  return { name, row }
}

/** One reader of all files where that is possible: one of each would take 1 MiB and 2 ms a file. */
function sqlTable(files: readonly ParquetFile[]): string {
  const starts: number[] = []
  let rows = 0
  for (const file of files) {
    starts.push(rows)
    rows += file.rows
  }
  const [{ form }] = files
  const keys = keysOfFiles(files)
  if (!keys || form.hasOwn) {
    const selects = files.map(
      ({ from }, i) => `SELECT * REPLACE (${ROW_NUMBER} + ${starts[i]} AS ${ROW_NUMBER}) FROM ${from}`,
    )
    return `(${selects.join(' UNION ALL BY NAME ')})`
  }
  const paths = files.map(({ path }) => path)
  return sqlParquet(paths, { ...form, keys, rowStart: sqlOfFile(`'[${starts.join(', ')}]'::BIGINT[]`) })
}

function checkSameColumns(first: ParquetFile, other: ParquetFile): void {
  const typeIn = (file: ParquetFile, name: string) =>
    file.columns.find((column) => column.name === name)?.type ?? 'missing'
  for (const { name } of [...first.columns, ...other.columns])
    if (typeIn(first, name) !== typeIn(other, name))
      throw new NearrankError(
        'INPUT',
        `Cannot use ${other.name}: its column ${name} is ${typeIn(other, name)}, in ${first.name} it is ${typeIn(first, name)}; write all files of a table with the same columns`,
      )
}
