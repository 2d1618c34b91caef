import type { DuckDBConnection } from '@duckdb/node-api'
import { basename, dirname, relative, sep } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { planRows } from '../clicks/planRows.ts'
import { type RowsPlan, unusedColumns } from '../clicks/rowsPlan.ts'
import type { DatasetOptions, OpenOptions } from '../options.ts'
import { checkPages } from '../parquet/checksums/checkPages.ts'
import { withDuckDb } from '../parquet/duckdb.ts'
import { columnNamed, type ParquetFile } from '../parquet/parquetFile.ts'
import { columnNames, dataFolder, type SourceFile, sourcesMatching } from '../sources.ts'
import type { Tables } from '../tables/readTables.ts'
import { RowReader } from './rowReader.ts'
import { SCORE_COLUMN } from './writeScores.ts'

/** A file of rows to score. */
export interface FileToScore {
  file: ParquetFile
  source: SourceFile
  name: string // of the file of its scores, relative to their folder
}

export interface FilesToScore {
  files: FileToScore[] // in natural order
  columns: string[] // to copy from each: the ids, then what is asked for
  openReader: () => Promise<RowReader> // of their rows; reads of the tables what pairs need
  check: (file: FileToScore) => Promise<void> // its pages, against the checksums that they have
}

export interface FilesToScoreOptions extends DatasetOptions, OpenOptions {
  files: string | string[] // globs, relative to the data
  copyColumns: readonly string[]
}

/**
 * Opens files of rows, and checks their columns before the first row is read. A column of clicks is not
 * needed.
 * @throws NearrankError INPUT naming file and column, USAGE.
 */
export async function withFilesToScore<T>(
  options: FilesToScoreOptions,
  tables: Tables,
  use: (files: FilesToScore) => Promise<T>,
): Promise<T> {
  const data = await dataFolder(options)
  const sources = await sourcesMatching([options.files].flat(), data, 'rows to score')
  const names = outputNames(
    sources.map(({ path }) => path),
    data,
  )
  const columns = columnsToCopy(options)
  return withDuckDb(options, async (connection: DuckDBConnection) => {
    const plan: RowsPlan = await planRows(connection, options, tables, { sources, isLabelled: false })
    for (const file of plan.files) for (const column of columns) columnNamed(file, column)
    const unused = new Set(unusedColumns(plan, undefined))
    for (const column of columns) unused.delete(column)
    return use({
      files: plan.files.map((file, i) => ({ file, source: sources[i], name: names[i] })),
      columns,
      openReader: () => RowReader.open(connection, plan),
      check: ({ source }) =>
        checkPages({ files: [source], isRead: (name) => !unused.has(name), signal: options.signal }),
    })
  })
}

function columnsToCopy(options: FilesToScoreOptions): string[] {
  const { userId, restaurantId } = columnNames(options)
  const columns = [userId, restaurantId, ...options.copyColumns]
  for (const [i, column] of columns.entries())
    if (column === SCORE_COLUMN || columns.indexOf(column) < i)
      throw new NearrankError(
        'USAGE',
        `Cannot copy the column ${column} (copyColumns, --copy-columns): the file of scores has a column of this name already`,
      )
  return columns
}

/**
 * Paths relative to the innermost folder that holds all of them and is none of a key, such as
 * `day=2026-01-02`, with forward slashes: files of the same name in other such folders mostly come later.
 * `data`: folder whose own name says nothing.
 */
export function outputNames(paths: readonly string[], data: string): string[] {
  let folder = dirname(paths[0])
  const isOfKey = () => folder !== data && /^[^=]+=/.test(basename(folder))
  const isAbove = (path: string) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
  while (!paths.every(isAbove) || isOfKey()) folder = dirname(folder)
  return paths.map((path) => relative(folder, path).split(sep).join('/'))
}
