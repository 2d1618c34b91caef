import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { declaredFeature, declaredFeatures, type SourceDeclaration } from '../../features/declaration.ts'
import {
  type ColumnFacts,
  type DeclaredFeature,
  inferFeature,
  type LeftOut,
  NAME_CHARS_MAX,
} from '../../features/declared.ts'
import { type FeatureSpec, isPosition, type Side, SINGULAR } from '../../features/featureSpec.ts'
import { fitFeature } from '../../features/fit.ts'
import type { ColumnNames } from '../options.ts'
import { type ParquetColumn, type ParquetFile, columnNamed, rowsOf } from '../parquet/parquetFile.ts'
import { naturalOrder } from '../sources.ts'
import { featureStatistics, measureChosen, type MeasuredColumn, measureColumns } from './tableStatistics.ts'
import { areAlike, isNumeric, typesFor, valueTypeOf } from './valueTypes.ts'

const DIRECT_DIM = 4 // of what is added to the logit; with more, training learns ids by heart
export const POSITIONS_MAX = 1000
const NUMBERED = /^f\d+$/

/** Why a column is left out, as parts of a sentence. */
export const ROW_INDEX = "it is pandas' row index"
export const NOT_NUMBERED = 'the columns named f and digits are the features'
export const namedAsOther = (side: Side): string =>
  `its name is that of another id, of a place or of the label; to use it, declare it, or name it with --${SINGULAR[side]}-features`

const FEATURES_MAX = 4096

/** The features of a table, fitted to it, in the order of their columns; and what is left out. */
export interface TableFeatures {
  features: FeatureSpec[]
  leftOut: LeftOut[]
  isAssumed: boolean // numbers were taken to be there in every row, unread
}

/** Which columns are features. */
interface ColumnChoice {
  side: Side
  named: string[] | undefined // absent: by what they are called and hold
  idColumn: string
  places: readonly string[] | null // columns of the rows' own place
  columns: ColumnNames
  learnsIds: boolean // the ids are a feature, too
  declared: SourceDeclaration
  assumesWhole: boolean // numbers chosen by their names are taken to be there in every row, unread
}

/**
 * The features of a table: of the columns that are `named`, else of those called `f<digits>` by number, else
 * of every column that is no id and no place and that has something to say; if there is none, of the ids.
 * @throws NearrankError INPUT where there are none, or a named column cannot be one.
 */
export async function tableFeatures(
  connection: DuckDBConnection,
  file: ParquetFile,
  choice: ColumnChoice,
): Promise<TableFeatures> {
  const { named, idColumn, columns, learnsIds, declared, assumesWhole } = choice
  const rows = rowsOf([file])
  const candidates = candidateColumns(file, named, columns, declared)
  const leftOut = named ? [] : passedOver(file, choice, candidates)
  const features: FeatureSpec[] = []
  const add = async (feature: DeclaredFeature, measured: MeasuredColumn) => {
    checkColumns(file, [feature])
    features.push(fitFeature(feature, await featureStatistics(connection, rows, feature, measured)))
  }
  const isAssumed = (column: string) => assumesWhole && !declared.has(column)
  const found = candidates.areChosen
    ? await measureChosen(connection, rows, candidates.columns, isAssumed)
    : await measureColumns(connection, rows, candidates.columns)
  for (const measured of found) {
    const feature = declareFeature(file, measured, candidates)
    if (typeof feature === 'string') leftOut.push({ name: measured.name, reason: feature })
    else await add(measured.name === idColumn ? { ...idFeature(idColumn), ...feature } : feature, measured)
  }
  // A side that is known by its ids alone has them for its feature.
  const isIdWanted = learnsIds || (features.length === 0 && !candidates.areChosen)
  if (isIdWanted && !declared.has(idColumn)) {
    const [measured] = await measureColumns(connection, rows, [columnNamed(file, idColumn)])
    await add(idFeature(idColumn), measured)
  }
  if (features.length === 0) throw noFeatures(file, leftOut)
  if (features.length > FEATURES_MAX)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${file.name}: at most ${FEATURES_MAX} features are allowed, found ${features.length}`,
    )
  const isUnread = (column: ParquetColumn) => isAssumed(column.name) && isNumeric(column)
  return { features, leftOut, isAssumed: candidates.areChosen && candidates.columns.some(isUnread) }
}

/**
 * The features of the clicks themselves: of the columns `names`, fitted to all files.
 * @throws NearrankError INPUT where a column is missing or cannot be one.
 */
export async function contextFeatures(
  connection: DuckDBConnection,
  files: readonly ParquetFile[],
  options: {
    names: string[]
    position: string | undefined // column; undefined: there is none
    declared: SourceDeclaration
    columns: ColumnNames
  },
): Promise<FeatureSpec[]> {
  const { names, position, declared, columns } = options
  const [first] = files
  const named = position === undefined ? names : [...names, position]
  const candidates = candidateColumns(first, named, columns, declared)
  if (candidates.columns.length === 0) return []
  for (const { name } of candidates.columns) {
    if (name === columns.click) throw labelIsNoFeature(name)
    for (const file of files.slice(1)) checkAlike(first, file, name)
  }
  const rows = rowsOf(files, candidates.columns)
  const features: FeatureSpec[] = []
  for (const measured of await measureColumns(connection, rows, candidates.columns)) {
    const feature =
      measured.name === position ? positionFeature(position) : declareFeature(first, measured, candidates)
    if (typeof feature === 'string') continue // none is: they are chosen
    checkColumns(first, [feature])
    const isDeclared = declared.has(feature.name) && feature.parts !== undefined
    const own: DeclaredFeature = {
      ...(isDeclared ? feature : withClickParts(feature, measured)),
      mayBeMissing: true, // in a request
    }
    const fitted = fitFeature(own, await featureStatistics(connection, rows, own, measured))
    if (isPosition(fitted)) checkPositions(first, fitted)
    features.push(fitted)
  }
  return features
}

/** What a column of the clicks becomes if it is named, and nothing is declared of it. */
export function inferClickFeature(measured: ColumnFacts): DeclaredFeature | string {
  const feature = inferNamed(measured)
  return typeof feature === 'string' ? feature : withClickParts(feature, measured)
}

/** As `inferFeature`, but booleans are numbers: 0 and 1. */
function inferNamed(measured: ColumnFacts): DeclaredFeature | string {
  return measured.type === 'boolean' ? { name: measured.name, kind: 'number' } : inferFeature(measured)
}

/** Of a time, the parts that what comes later has, too. */
function withClickParts(feature: DeclaredFeature, { type }: ColumnFacts): DeclaredFeature {
  if (feature.kind !== 'time') return feature
  return { ...feature, parts: type === 'date' ? ['weekday'] : ['hour', 'weekday'] }
}

/** Where on the screen a click was. */
function positionFeature(name: string): DeclaredFeature {
  return { name, kind: 'category', isPosition: true, minCount: 1, maxSize: POSITIONS_MAX, dim: DIRECT_DIM }
}

/** @throws NearrankError INPUT if a position is none. */
export function checkPositions(file: ParquetFile, feature: FeatureSpec): void {
  const values = 'values' in feature ? feature.values : []
  const wrong = values.find((value) => !/^[1-9]\d*$/.test(value))
  if (wrong !== undefined)
    throw new NearrankError(
      'INPUT',
      `Cannot use the column ${feature.name} of ${file.name} and the other click files as positions: they must be integers from 1 (the top), found ${wrong}`,
    )
}

/** Columns of a table that may become features. */
export interface CandidateColumns {
  columns: ParquetColumn[]
  areChosen: boolean // by their names; else whether they say anything decides
  declared?: SourceDeclaration // what is said of them; absent: nothing
}

/**
 * The columns that may become features, in their order; those that are declared are, or are none. One that
 * is `named` is one, whatever is declared.
 * @throws NearrankError INPUT where a named one is missing or named twice.
 */
export function candidateColumns(
  file: ParquetFile,
  named: readonly string[] | undefined,
  columns: ColumnNames,
  declared: SourceDeclaration = new Map(),
): CandidateColumns {
  const chosen = named ?? numberedColumns(file, columns)
  if (chosen) checkNames(file, chosen)
  const known = chosen ?? otherColumns(file, columns).map(({ name }) => name)
  const further = [...declared.keys()].filter((name) => !known.includes(name))
  for (const name of further) columnNamed(file, name) // one that is to be none must be there, too
  const isNone = (name: string) => declared.get(name) === false && !named?.includes(name)
  const names = [...known, ...further].filter((name) => !isNone(name))
  return {
    columns: names.map((name) => columnNamed(file, name)),
    areChosen: chosen !== undefined,
    declared,
  }
}

/**
 * What a candidate becomes, or why it is left out, as a part of a sentence.
 * @throws NearrankError INPUT where it was chosen and cannot be a feature.
 */
export function declareFeature(
  file: ParquetFile,
  measured: ColumnFacts,
  { areChosen, declared }: CandidateColumns,
): DeclaredFeature | string {
  const entry = declared?.get(measured.name)
  if (entry) {
    const feature = declaredFeature(measured.name, entry)
    const isMade = columnNamed(file, measured.name).sql !== undefined
    return isMade && !feature.columns ? { ...feature, isOwnPlace: true } : feature
  }
  return areChosen ? namedFeature(file, measured) : inferFeature(measured)
}

/** The columns that are no candidates, although nobody has said so; and why. */
function passedOver(
  file: ParquetFile,
  { side, idColumn, places, columns, declared }: ColumnChoice,
  { columns: candidates, areChosen }: CandidateColumns,
): LeftOut[] {
  const ofPlaces = declaredFeatures(declared).flatMap((feature) => feature.columns ?? [])
  const known = new Set([idColumn, ...(places ?? []), ...ofPlaces, ...declared.keys()])
  for (const { name } of candidates) known.add(name)
  const taken = new Set(Object.values(columns))
  return file.columns.flatMap(({ name }) => {
    if (known.has(name)) return []
    if (taken.has(name)) return [{ name, reason: namedAsOther(side) }]
    if (file.index?.columns.includes(name)) return [{ name, reason: ROW_INDEX }]
    return areChosen ? [{ name, reason: NOT_NUMBERED }] : []
  })
}

/** The feature of a side that is known by its ids alone. */
export function idFeature(idColumn: string): DeclaredFeature {
  return { name: idColumn, kind: 'category', isId: true, minCount: 1, dim: DIRECT_DIM }
}

/** @throws NearrankError INPUT when a click file lacks a column, or has another type than the first. */
function checkAlike(first: ParquetFile, file: ParquetFile, name: string): void {
  const [own, wanted] = [columnNamed(file, name), columnNamed(first, name)]
  if (areAlike(own, wanted)) return
  throw new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: column ${name} must be ${wanted.type} as in ${first.name}, found ${own.type}; write all click files with the same types`,
  )
}

/** @throws NearrankError INPUT when a fitted feature has no column, or one of another type. */
export function checkColumns(
  file: ParquetFile,
  features: readonly (Pick<FeatureSpec, 'name' | 'kind'> & { zone?: string })[],
): void {
  for (const { name, kind, zone } of features) {
    const column = columnNamed(file, name)
    if (name.length > NAME_CHARS_MAX)
      throw new NearrankError(
        'INPUT',
        `Cannot use ${file.name}: the name of a feature must have at most ${NAME_CHARS_MAX} characters, found column ${name.slice(0, 40)}… with ${name.length}; rename it, or leave it out`,
      )
    if (zone !== undefined && valueTypeOf(column) === 'date')
      throw new NearrankError(
        'INPUT',
        `Cannot use ${file.name}: column ${name} holds days, found ${column.type}, which are the same in every zone; declare the feature without zone`,
      )
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
  const declared = inferNamed({ ...measured, missing: 0, distinct: 2 })
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

/** Those that are no ids, no places, and no row index. */
function otherColumns(file: ParquetFile, columns: ColumnNames): ParquetColumn[] {
  return besideIds(file, columns).filter(({ name }) => !file.index?.columns.includes(name))
}

function besideIds(file: ParquetFile, columns: ColumnNames): ParquetColumn[] {
  const taken = new Set(Object.values(columns))
  return file.columns.filter((column) => !taken.has(column.name))
}

function checkNames(file: ParquetFile, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice === undefined) return
  throw new NearrankError(
    'INPUT',
    `Cannot use the features ${names.join(', ')} of ${file.name}: ${twice} is named twice; name it once`,
  )
}

function labelIsNoFeature(name: string): NearrankError {
  return new NearrankError(
    'USAGE',
    `Cannot use the column ${name} of the clicks as a feature: it is the label that is to be predicted; leave it out`,
  )
}

function noFeatures(file: ParquetFile, leftOut: readonly LeftOut[]): NearrankError {
  const columns = file.columns.map((column) => `${column.name} ${column.type}`).join(', ')
  const why = leftOut.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  return new NearrankError(
    'INPUT',
    `Cannot use ${file.name}: it has no columns to use as features, its columns are ${columns}${why && ` (left out: ${why})`}`,
  )
}
