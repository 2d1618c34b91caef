import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import {
  type ColumnFacts,
  type DeclaredFeature,
  inferFeature,
  type LeftOut,
} from '../../features/declared.ts'
import type { FeatureSpec } from '../../features/featureSpec.ts'
import { fitFeature } from '../../features/fit.ts'
import type { ColumnNames } from '../options.ts'
import { type ParquetColumn, type ParquetFile, columnNamed } from '../parquet/parquetFile.ts'
import { naturalOrder } from '../sources.ts'
import { featureStatistics, measureColumns } from './tableStatistics.ts'
import { typesFor, valueTypeOf } from './valueTypes.ts'

const NUMBERED = /^f\d+$/
const FEATURES_MAX = 4096

/** The features of a table, fitted to it, in the order of their columns; and what is left out. */
export interface TableFeatures {
  features: FeatureSpec[]
  leftOut: LeftOut[]
}

/**
 * The features of a table: of the columns that are `named`, else of those called `f<digits>` by number, else
 * of every column that is no id and no place and that has something to say; if there is none, of the ids.
 * @throws NearrankError INPUT where there are none, or a named column cannot be one.
 */
export async function tableFeatures(
  connection: DuckDBConnection,
  file: ParquetFile,
  { named, idColumn, columns }: { named: string[] | undefined; idColumn: string; columns: ColumnNames },
): Promise<TableFeatures> {
  const candidates = candidateColumns(file, named, columns)
  const leftOut: LeftOut[] = []
  const features: FeatureSpec[] = []
  for (const measured of await measureColumns(connection, file, candidates.columns)) {
    const declared = declareFeature(file, measured, candidates)
    if (typeof declared === 'string') leftOut.push({ name: measured.name, reason: declared })
    else features.push(fitFeature(declared, await featureStatistics(connection, file, declared, measured)))
  }
  if (features.length === 0 && !candidates.areChosen) {
    const [measured] = await measureColumns(connection, file, [columnNamed(file, idColumn)])
    const declared = idFeature(idColumn)
    features.push(fitFeature(declared, await featureStatistics(connection, file, declared, measured)))
  }
  if (features.length === 0) throw noFeatures(file, leftOut)
  if (features.length > FEATURES_MAX)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: at most ${FEATURES_MAX} features are allowed, found ${features.length}`,
    )
  return { features, leftOut }
}

/** Columns of a table that may become features. */
export interface CandidateColumns {
  columns: ParquetColumn[]
  areChosen: boolean // by their names; else whether they say anything decides
}

/**
 * The columns that may become features, in their order.
 * @throws NearrankError INPUT where a named one is missing or named twice.
 */
export function candidateColumns(
  file: ParquetFile,
  named: readonly string[] | undefined,
  columns: ColumnNames,
): CandidateColumns {
  const chosen = named ?? numberedColumns(file, columns)
  if (!chosen) return { columns: otherColumns(file, columns), areChosen: false }
  checkNames(file, chosen)
  return { columns: chosen.map((name) => columnNamed(file, name)), areChosen: true }
}

/**
 * What a candidate becomes, or why it is left out, as a part of a sentence.
 * @throws NearrankError INPUT where it was chosen and cannot be a feature.
 */
export function declareFeature(
  file: ParquetFile,
  measured: ColumnFacts,
  { areChosen }: CandidateColumns,
): DeclaredFeature | string {
  return areChosen ? namedFeature(file, measured) : inferFeature(measured)
}

/** The feature of a side that is known by its ids alone. */
export function idFeature(idColumn: string): DeclaredFeature {
  return { name: idColumn, kind: 'category', minCount: 1 }
}

/** @throws NearrankError INPUT when a fitted feature has no column, or one of another type. */
export function checkColumns(file: ParquetFile, features: readonly FeatureSpec[]): void {
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
function namedFeature(file: ParquetFile, measured: ColumnFacts): DeclaredFeature {
  const { name } = measured
  if (measured.type === 'boolean') return { name, kind: 'number' }
  const declared = inferFeature({ ...measured, missing: 0, distinct: 2 })
  if (typeof declared !== 'string') return declared
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${name} cannot be a feature, ${declared}; found ${columnNamed(file, name).type}`,
  )
}

function numberedColumns(file: ParquetFile, columns: ColumnNames): readonly string[] | undefined {
  const names = otherColumns(file, columns).map(({ name }) => name)
  const numbered = names.filter((name) => NUMBERED.test(name))
  return numbered.length > 0 ? numbered.toSorted(naturalOrder) : undefined
}

/** Those that are no ids and no places. */
function otherColumns(file: ParquetFile, columns: ColumnNames): ParquetColumn[] {
  const taken = new Set(Object.values(columns))
  return file.columns.filter((column) => !taken.has(column.name))
}

function checkNames(file: ParquetFile, names: readonly string[]): void {
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
