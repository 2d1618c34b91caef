import { messageOf } from '../../errors.ts'
import { isMissing } from '../../files.ts'
import type { Side } from '../../features/featureSpec.ts'
import type { DatasetOptions, Split } from '../options.ts'
import { sqlParquet } from '../parquet/duckdb.ts'
import type { KeyFeature } from '../parquet/pathKeys.ts'
import { keysOfFiles } from '../parquet/keysOfFiles.ts'
import {
  describedColumns,
  type ParquetColumn,
  type ParquetFile,
  ParquetOpener,
} from '../parquet/parquetFile.ts'
import { readParquetTable } from '../parquet/parquetTable.ts'
import {
  columnNames,
  nameOf,
  type SourceFile,
  sourceFile,
  splitPaths,
  splitPatterns,
  tableName,
  tableSources,
} from '../sources.ts'
import { areAlike } from '../tables/valueTypes.ts'
import { mayBeLabel } from './clickFigures.ts'
import type { Reader } from './reader.ts'
import type { InspectionWarning } from './report.ts'

/** A feature table, or the click files of a split together. */
export interface Source extends ParquetFile {
  files: number
  bytes: number
}

type Warn = (warning: InspectionWarning) => void

/** A feature table; undefined with a warning if it is missing, damaged or empty. */
export async function openTable(
  { connection, pages }: Reader,
  options: DatasetOptions,
  { data, side, warn }: { data: string; side: Side; warn: Warn },
): Promise<Source | undefined> {
  const given = tableName(options, side)
  const flag = side === 'users' ? '--user-file' : '--restaurant-file'
  try {
    const sources = await tableSources(options, data, side)
    const file = await readParquetTable(connection, sources, { name: given })
    const bytes = sources.reduce((sum, { size }) => sum + size, 0)
    pages.begin(sources)
    if (file.rows > 0) return { ...file, files: sources.length, bytes }
    warn(emptyFile(file.name))
  } catch (error) {
    const isAbsent = error instanceof Error && isMissing(error.cause)
    warn({
      kind: isAbsent ? 'missingFile' : 'unreadable',
      file: given,
      column: null,
      message: isAbsent
        ? `${given}: there is no such file with the ${side}; write it, or give its name with ${flag}`
        : withAdvice(messageOf(error), given),
    })
  }
  return undefined
}

/** Writing a file again does not help who may not read it. */
function withAdvice(problem: string, name: string): string {
  return /permission is denied/i.test(problem) ? problem : `${problem}; write ${name} again`
}

/**
 * The click files of a split; undefined if none can be read, with a warning unless it is a missing test.
 * `features`: what a model would have learned of training clicks.
 */
export async function openClicks(
  reader: Reader,
  options: DatasetOptions,
  { data, split, warn, features }: { data: string; split: Split; warn: Warn; features?: KeyFeature[] },
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
  const files: SizedFile[] = []
  const checked: SourceFile[] = []
  const names = paths.map((path) => nameOf(data, path))
  const opener = new ParquetOpener(reader.connection, names, { ...(features && { features }) })
  for (const path of paths) {
    const short = nameOf(data, path)
    try {
      const own = await sourceFile(data, path)
      const file = await opener.open(own)
      if (file.rows === 0) warn(emptyFile(short))
      else {
        checked.push(own)
        files.push({ ...file, bytes: own.size })
      }
    } catch (error) {
      warn({
        kind: 'unreadable',
        file: short,
        column: null,
        message: withAdvice(messageOf(error), short),
      })
    }
  }
  reader.pages.begin(checked)
  return files.length > 0
    ? together(reader, { name, files, click: columnNames(options).click, warn })
    : undefined
}

interface SizedFile extends ParquetFile {
  bytes: number
}

interface Parts {
  name: string
  files: SizedFile[]
  click: string // column
  warn: Warn
}

/**
 * Several files as one source, with the columns of all. Files whose columns hold values of other types than
 * those of the first are left out.
 */
async function together(reader: Reader, { name, files, click, warn }: Parts): Promise<Source> {
  const [first] = files
  const source = (parts: SizedFile[], columns: ParquetColumn[]): Source => ({
    path: first.path,
    form: first.form,
    name: parts.length === 1 ? parts[0].name : name,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    columns,
    from: sqlFiles(parts, columns !== first.columns),
    files: parts.length,
    parts,
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
  })
  const others = files.filter((file) => differingColumn(first, file) !== undefined)
  if (others.length === 0) return source(files, first.columns)
  const alike = files.filter((file) => !others.includes(file) || isAlike(first, file, click))
  const described = await reader.ask(`DESCRIBE SELECT * FROM ${sqlFiles(alike, true)}`)
  const united = typeof described === 'string' ? files.filter((file) => !others.includes(file)) : alike
  const differences = Map.groupBy(others, (other) => differenceOf(first, other, united.includes(other)))
  for (const [difference, same] of differences) warn(differentColumns(first, same, difference))
  if (typeof described === 'string') return source(united, first.columns)
  return source(united, describedColumns(described))
}

/** Whether the columns that both have hold values of the same types; labels may be of several. */
function isAlike(first: ParquetFile, other: ParquetFile, click: string): boolean {
  return other.columns.every((column) => {
    const own = first.columns.find(({ name }) => name === column.name)
    if (own === undefined || areAlike(own, column)) return true
    return column.name === click && mayBeLabel(own) && mayBeLabel(column)
  })
}

/** The first column that only one of two files has, or that has two types; their order does not matter. */
function differingColumn(first: ParquetFile, other: ParquetFile): string | undefined {
  const [its, firsts] = [typesOf(other), typesOf(first)]
  return [...firsts.keys(), ...its.keys()].find((name) => its.get(name) !== firsts.get(name))
}

/** As a part of a sentence. */
function differenceOf(first: ParquetFile, other: ParquetFile, isUnited: boolean): string {
  const name = differingColumn(first, other) ?? ''
  const typeIn = (file: ParquetFile) => typesOf(file).get(name) ?? 'missing'
  const result = isUnited ? '' : ', so it is not inspected'
  return `column ${name} is ${typeIn(other)}, in ${first.name} it is ${typeIn(first)}${result}`
}

function typesOf({ columns }: ParquetFile): Map<string, string> {
  return new Map(columns.map(({ name, type }) => [name, type]))
}

function differentColumns(
  first: ParquetFile,
  [other, ...more]: readonly ParquetFile[],
  difference: string,
): InspectionWarning {
  const also = more.length === 0 ? '' : ` (and ${more.length} more)`
  return {
    kind: 'differentColumns',
    file: other.name,
    column: differingColumn(first, other) ?? null,
    message: `${other.name}${also}: ${difference}; write all click files with the same columns`,
  }
}

function sqlFiles(files: readonly ParquetFile[], byName: boolean): string {
  const forms = files.map(({ form }) => form)
  const texts = [...new Set(forms.flatMap((form) => form.texts))]
  const hasOwn = forms.some((form) => form.hasOwn)
  const read = (some: readonly ParquetFile[], keys = some[0].form.keys) =>
    sqlParquet(
      some.map(({ path }) => path),
      { hasOwn, texts, keys, byName },
    )
  const keys = keysOfFiles(files)
  if (keys) return read(files, keys)
  // Files of one folder have the same keys.
  const folders = Map.groupBy(files, ({ form }) => JSON.stringify(form.keys))
  const selects = [...folders.values()].map((some) => `SELECT * FROM ${read(some)}`)
  return `(${selects.join(' UNION ALL BY NAME ')})`
}

function emptyFile(name: string): InspectionWarning {
  return {
    kind: 'empty',
    file: name,
    column: null,
    message: `${name}: it has no rows; write it again, or remove it`,
  }
}
