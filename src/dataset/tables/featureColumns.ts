import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { declaredFeature, type SourceDeclaration } from '../../features/declaration.ts'
import { type DeclaredFeature, inferFeature, type LeftOut } from '../../features/declared.ts'
import type { FeatureSpec } from '../../features/featureSpec.ts'
import { fitFeature } from '../../features/fit.ts'
import type { ColumnNames } from '../options.ts'
import {
  type ParquetColumn,
  type ParquetFile,
  columnNamed,
  rowsOf,
  type RowsSource,
} from '../parquet/parquetFile.ts'
import { naturalOrder } from '../sources.ts'
import { featureStatistics, type MeasuredColumn, measureColumns } from './tableStatistics.ts'
import { typesFor, valueTypeOf } from './valueTypes.ts'

const NUMBERED = /^f\d+$/
const FEATURES_MAX = 4096

/** The features of a table, fitted to it, in the order of their columns; and what is left out. */
export interface TableFeatures {
  features: FeatureSpec[]
  leftOut: LeftOut[]
}

/** Which columns are features. */
interface ColumnChoice {
  named: string[] | undefined // absent: by what they are called and hold
  idColumn: string
  columns: ColumnNames
  learnsIds: boolean // the ids are a feature, too
  declared: SourceDeclaration
}

/**
 * The features of a table: of the columns that are `named`, else of those called `f<digits>` by number, else
 * of every column that is no id and no place and that has something to say; if there is none, of the ids.
 * @throws NearrankError INPUT where there are none, or a named column cannot be one.
 */
export async function tableFeatures(
  connection: DuckDBConnection,
  file: ParquetFile,
  { named, idColumn, columns, learnsIds, declared }: ColumnChoice,
): Promise<TableFeatures> {
  const rows = rowsOf([file])
  const chosen = named ?? numberedColumns(file, columns)
  if (chosen) checkNames(file, chosen)
  const known = chosen ?? otherColumns(file, columns).map(({ name }) => name)
  const candidates = withDeclared(known, declared).map((name) => columnNamed(file, name))
  const leftOut: LeftOut[] = []
  const features: FeatureSpec[] = []
  for (const [i, measured] of (await measureColumns(connection, rows, candidates)).entries()) {
    const entry = declared.get(measured.name)
    const feature = entry
      ? declaredFeature(measured.name, measured.name === idColumn ? { minCount: 1, ...entry } : entry)
      : chosen
        ? namedFeature(file, candidates[i], measured)
        : inferFeature(measured)
    if (typeof feature === 'string') leftOut.push({ name: measured.name, reason: feature })
    else features.push(await fitted(connection, { file, rows }, feature, measured))
  }
  // A side that is known by its ids alone has them for its feature.
  if ((learnsIds && !declared.has(idColumn)) || (features.length === 0 && !chosen)) {
    const [measured] = await measureColumns(connection, rows, [columnNamed(file, idColumn)])
    const declared = { name: idColumn, kind: 'category', minCount: 1 } as const
    features.push(fitFeature(declared, await featureStatistics(connection, rows, declared, measured)))
  }
  if (features.length === 0) throw noFeatures(file, leftOut)
  if (features.length > FEATURES_MAX)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: at most ${FEATURES_MAX} features are allowed, found ${features.length}`,
    )
  return { features, leftOut }
}

/**
 * The features of the clicks themselves: of the columns `names`, fitted to all files. Of a time, the hour and
 * the day of the week: what comes later has another date.
 * @throws NearrankError INPUT where a column is missing or cannot be one.
 */
export async function contextFeatures(
  connection: DuckDBConnection,
  files: readonly ParquetFile[],
  { names: given, declared: entries }: { names: string[]; declared: SourceDeclaration },
): Promise<FeatureSpec[]> {
  const [first] = files
  checkNames(first, given)
  const names = withDeclared(given, entries)
  if (names.length === 0) return []
  const rows = rowsOf(files)
  const columns = names.map((name) => columnNamed(first, name))
  const features: FeatureSpec[] = []
  for (const [i, measured] of (await measureColumns(connection, rows, columns)).entries()) {
    const entry = entries.get(measured.name)
    const feature = entry ? declaredFeature(measured.name, entry) : namedFeature(first, columns[i], measured)
    if (feature.kind === 'time') feature.parts ??= ['hour', 'weekday']
    features.push(await fitted(connection, { file: first, rows }, feature, measured))
  }
  return features
}

/** The names of candidates, with those that are declared and without those that are declared to be none. */
function withDeclared(names: readonly string[], declared: SourceDeclaration): string[] {
  const further = [...declared.keys()].filter((name) => !names.includes(name))
  return [...names, ...further].filter((name) => declared.get(name) !== false)
}

/** @throws NearrankError INPUT where the column holds no values for such a feature. */
async function fitted(
  connection: DuckDBConnection,
  { file, rows }: { file: ParquetFile; rows: RowsSource },
  feature: DeclaredFeature,
  measured: MeasuredColumn,
): Promise<FeatureSpec> {
  checkColumns(file, [feature])
  return fitFeature(feature, await featureStatistics(connection, rows, feature, measured))
}

/** @throws NearrankError INPUT when a fitted feature has no column, or one of another type. */
export function checkColumns(
  file: ParquetFile,
  features: readonly Pick<FeatureSpec, 'name' | 'kind'>[],
): void {
  for (const { name, kind } of features) {
    const column = columnNamed(file, name)
    if (typesFor(kind).includes(valueTypeOf(column))) continue
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: column ${name} must hold values for a feature of the kind ${kind}, found ${column.type}`,
    )
  }
}

/** @throws NearrankError INPUT when the column is missing or holds no numbers. */
export function checkNumeric(file: ParquetFile, name: string): void {
  const column = columnNamed(file, name)
  const type = valueTypeOf(column)
  if (type === 'integer' || type === 'fraction') return
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${name} must hold numbers, found ${column.type}`,
  )
}

/**
 * A column that was asked for is a feature even if it seems to say nothing; booleans are numbers, 0 and 1.
 */
function namedFeature(file: ParquetFile, column: ParquetColumn, measured: MeasuredColumn): DeclaredFeature {
  const { name } = column
  if (measured.type === 'boolean') return { name, kind: 'number' }
  const declared = inferFeature({ ...measured, missing: 0, distinct: 2 })
  if (typeof declared !== 'string') return declared
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${name} cannot be a feature, ${declared}; found ${column.type}`,
  )
}

function numberedColumns(file: ParquetFile, columns: ColumnNames): string[] | undefined {
  const names = otherColumns(file, columns).map(({ name }) => name)
  const numbered = names.filter((name) => NUMBERED.test(name))
  return numbered.length > 0 ? numbered.toSorted(naturalOrder) : undefined
}

/** Those that are no ids and no places. */
function otherColumns(file: ParquetFile, columns: ColumnNames): ParquetColumn[] {
  const taken = new Set(Object.values(columns))
  return file.columns.filter((column) => !taken.has(column.name))
}

function checkNames(file: ParquetFile, names: string[]): void {
  if (new Set(names).size === names.length) return
  throw new NearrankError('INPUT', `Cannot use ${file.name}: a feature is named twice in ${names.join(', ')}`)
}

function noFeatures(file: ParquetFile, leftOut: readonly LeftOut[]): NearrankError {
  const columns = file.columns.map((column) => `${column.name} ${column.type}`).join(', ')
  const why = leftOut.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: it has no columns to use as features, its columns are ${columns}${why && ` (left out: ${why})`}`,
  )
}
