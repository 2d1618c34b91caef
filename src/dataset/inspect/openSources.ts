import { messageOf } from '../../errors.ts'
import type { Side } from '../../features/featureSpec.ts'
import type { DatasetOptions, Split } from '../options.ts'
import { sqlParquet, sqlPath } from '../parquet/duckdb.ts'
import { type ParquetColumn, type ParquetFile, readParquetFile, statFile } from '../parquet/parquetFile.ts'
import { featureSource, splitPaths, splitPatterns } from '../sources.ts'
import { relative, sep } from 'node:path'
import type { Reader } from './reader.ts'
import type { InspectionWarning } from './report.ts'

/** A feature table, or the click files of a split together. */
export interface Source extends ParquetFile {
  from: string // SQL to select from, with `file_row_number`
  files: number
  bytes: number
}

type Warn = (warning: InspectionWarning) => void

/** A feature table; undefined with a warning if it is missing, damaged or empty. */
export async function openTable(
  { connection }: Reader,
  options: DatasetOptions,
  { data, side, warn }: { data: string; side: Side; warn: Warn },
): Promise<Source | undefined> {
  const fallback = side === 'users' ? 'user_features.parquet' : 'restaurant_features.parquet'
  const given = (side === 'users' ? options.userFile : options.restaurantFile) ?? fallback
  const flag = side === 'users' ? '--user-file' : '--restaurant-file'
  try {
    const { path, name, size } = await featureSource(options, data, side)
    const file = await readParquetFile(connection, path, name)
    if (file.rows > 0) return { ...file, from: sqlParquet(path), files: 1, bytes: size }
    warn(emptyFile(name))
  } catch (error) {
    const message = messageOf(error)
    const isMissing = message.includes('there is no such file')
    warn({
      kind: isMissing ? 'missingFile' : 'unreadable',
      file: given,
      column: null,
      message: isMissing
        ? `${given}: there is no such file with the ${side}; write it, or give its name with ${flag}`
        : `${message}; write ${given} again`,
    })
  }
  return undefined
}

/** The click files of a split; undefined if none can be read, with a warning unless it is a missing test. */
export async function openClicks(
  reader: Reader,
  options: DatasetOptions,
  { data, split, warn }: { data: string; split: Split; warn: Warn },
): Promise<Source | undefined> {
  const name = splitPatterns(options, split).join(', ')
  const paths = await splitPaths(options, data, split)
  const given = split === 'train' ? options.trainFiles : options.testFiles
  if (paths.length === 0 && (split === 'train' || given !== undefined))
    warn({
      kind: 'missingFile',
      file: name,
      column: null,
      message: `${name}: no file with ${split} clicks matches; write some, or give their names with --${split}-files`,
    })
  const files: ParquetFile[] = []
  let bytes = 0
  for (const path of paths) {
    const short = relative(data, path).split(sep).join('/')
    try {
      const file = await readParquetFile(reader.connection, path, short)
      if (file.rows === 0) warn(emptyFile(short))
      else {
        files.push(file)
        bytes += (await statFile(path, short)).size
      }
    } catch (error) {
      warn({
        kind: 'unreadable',
        file: short,
        column: null,
        message: `${messageOf(error)}; write ${short} again`,
      })
    }
  }
  return files.length > 0 ? together(reader, { name, files, bytes, warn }) : undefined
}

interface Parts {
  name: string
  files: ParquetFile[]
  bytes: number
  warn: Warn
}

/** Several files as one source, with the columns of all; files of columns that cannot be united are left. */
async function together(reader: Reader, { name, files, bytes, warn }: Parts): Promise<Source> {
  const [first] = files
  const same = files.filter((file) => signatureOf(file) === signatureOf(first))
  const source = (parts: ParquetFile[], columns: ParquetColumn[], byName: boolean): Source => ({
    path: first.path,
    name: parts.length === 1 ? parts[0].name : name,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    columns,
    from: sqlFiles(parts, byName),
    files: parts.length,
    bytes,
  })
  if (same.length === files.length) return source(files, first.columns, false)
  const described = await reader.ask(`DESCRIBE SELECT * FROM ${sqlFiles(files, true)}`)
  const isUnited = typeof described !== 'string'
  for (const other of files.filter((file) => !same.includes(file)))
    warn(differentColumns(first, other, isUnited))
  if (!isUnited) return source(same, first.columns, false)
  const columns = described
    .map((row) => ({ name: String(row[0]), type: String(row[1]) }))
    .filter((column) => column.name !== 'file_row_number')
  return source(files, columns, true)
}

function differentColumns(first: ParquetFile, other: ParquetFile, isUnited: boolean): InspectionWarning {
  const has = new Map(other.columns.map((column) => [column.name, column.type]))
  const column =
    first.columns.find(({ name, type }) => has.get(name) !== type) ??
    other.columns.find(({ name }) => first.columns.every((known) => known.name !== name))
  const describe = (file: ParquetFile) => {
    const found = file.columns.find(({ name }) => name === column?.name)
    return found ? `is ${found.type}` : 'is missing'
  }
  const left = isUnited ? '' : ', and is not inspected'
  return {
    kind: 'differentColumns',
    file: other.name,
    column: column?.name ?? null,
    message: `${other.name}: column ${column?.name} ${describe(other)}, but ${describe(first)} in ${first.name}${left}; write all click files with the same columns`,
  }
}

function signatureOf({ columns }: ParquetFile): string {
  return JSON.stringify(columns)
}

function sqlFiles(files: readonly ParquetFile[], byName: boolean): string {
  const paths = files.map(({ path }) => sqlPath(path)).join(', ')
  const more = byName ? ', union_by_name = true' : ''
  return `read_parquet([${paths}], file_row_number = true, hive_partitioning = false, binary_as_string = true${more})`
}

function emptyFile(name: string): InspectionWarning {
  return {
    kind: 'empty',
    file: name,
    column: null,
    message: `${name}: it has no rows; write it again, or remove it`,
  }
}
