import { messageOf } from '../../errors.ts'
import type { DeclaredFeature } from '../../features/declared.ts'
import type { Side } from '../../features/featureSpec.ts'
import { COLUMNS, type ColumnNames } from '../options.ts'
import { unwrittenIndex } from '../parquet/pandasIndex.ts'
import {
  type CandidateColumns,
  candidateColumns,
  namedAsOther,
  NOT_NUMBERED,
  ROW_INDEX,
  declareFeature,
  idFeature,
} from '../tables/featureColumns.ts'
import { tableColumns } from '../tables/tablePlan.ts'
import { isNumeric } from '../tables/valueTypes.ts'
import { columnWarnings } from './columnWarnings.ts'
import {
  duplicates,
  missingColumn,
  missingIds,
  placeWarnings,
  unreadableColumn,
  unusableId,
  wrongType,
} from './fileWarnings.ts'
import { duplicateIds, idTypeOf, unusableIds } from './idChecks.ts'
import { inspectedColumn, unreadColumn, type Verdict } from './inspectedColumns.ts'
import type { Source } from './openSources.ts'
import { placeFigures, placeFiguresSql } from './placeFigures.ts'
import type { Reader } from './reader.ts'
import type { InspectedColumn, InspectionWarning } from './report.ts'
import { type ColumnSummary, summarizeColumns, type UnreadableColumn } from './summarizeColumns.ts'

export interface TableOptions {
  side: Side
  columns: ColumnNames
  named: readonly string[] | undefined // features
  warn: (warning: InspectionWarning) => void
  onRows: (rowsDone: number) => void
}

export interface InspectedTable {
  columns: InspectedColumn[]
  features: DeclaredFeature[] // in the order of training
  vocabularies: ReadonlyMap<string, readonly string[]> // by column, the most frequent values
}

/** What is in a feature table, and what training would make of it. */
export async function inspectTable(
  reader: Reader,
  source: Source,
  options: TableOptions,
): Promise<InspectedTable> {
  const { side, columns: names, warn, onRows } = options
  const { idColumn } = tableColumns(side, names)
  const places = placesOf(source, options)
  const extra = places ? placeFiguresSql(...places) : []
  const summaries = await summarizeColumns(reader, source, source.columns, { extra, onRows })
  if (places && summaries.extra)
    for (const warning of placeWarnings(
      source.name,
      [names.latitude, names.longitude],
      placeFigures(summaries.extra),
    ))
      warn(warning)
  const candidates = candidatesOf(source, options)
  const columns: InspectedColumn[] = []
  const vocabularies = new Map<string, readonly string[]>()
  for (const summary of summaries.columns) {
    const verdict = verdictOn(source, summary, { ...options, candidates, idColumn })
    if ('problem' in summary) {
      warn(unreadableColumn(source.name, summary.column.name, summary.problem))
      columns.push(unreadColumn(summary, verdict.role))
      continue
    }
    const isCandidate = candidates.columns.includes(summary.column)
    if (isCandidate && verdict.becomes !== null)
      for (const warning of columnWarnings(source.name, summary, verdict.becomes)) warn(warning)
    const onVocabulary = (values: readonly string[]) => vocabularies.set(summary.column.name, values)
    columns.push(await inspectedColumn(reader, source, summary, { ...verdict, onVocabulary }))
  }
  await checkIds(reader, source, idColumn, { columns, warn, side })
  const features = featuresOf(source, columns, { candidates, idColumn, warn })
  return { columns, features, vocabularies }
}

/** Both columns of a place, if they are there and hold numbers. */
function placesOf(source: Source, { side, columns, warn }: TableOptions) {
  const places = [columns.latitude, columns.longitude].map((name) =>
    source.columns.find((column) => column.name === name),
  )
  for (const [i, key] of (['latitude', 'longitude'] as const).entries()) {
    const column = places[i]
    if (column === undefined) {
      if (side === 'restaurants') warn(lacking(source, columns[key], key))
      continue
    }
    if (isNumeric(column)) continue
    if (side === 'restaurants') warn(wrongType(source.name, column.name, 'degrees in numbers', column.type))
    places[i] = undefined
  }
  const [latitude, longitude] = places
  return latitude && longitude ? ([latitude, longitude] as const) : undefined
}

function candidatesOf(source: Source, { columns, named, warn }: TableOptions): CandidateColumns {
  try {
    return candidateColumns(source, named, columns)
  } catch (error) {
    warn({ kind: 'missingColumn', file: source.name, column: null, message: messageOf(error) })
    return candidateColumns(source, undefined, columns)
  }
}

interface VerdictContext extends TableOptions {
  candidates: CandidateColumns
  idColumn: string
}

function verdictOn(
  source: Source,
  summary: ColumnSummary | UnreadableColumn,
  { candidates, side, idColumn, columns, named, warn }: VerdictContext,
): Verdict {
  const { name } = summary.column
  if (candidates.columns.some((column) => column.name === name)) {
    if (!('measured' in summary)) return { role: 'feature', becomes: null }
    try {
      return { role: 'feature', becomes: declareFeature(source, summary.measured, candidates) }
    } catch (error) {
      warn({ kind: 'wrongType', file: source.name, column: name, message: messageOf(error) })
      return { role: 'feature', becomes: 'it cannot be a feature' }
    }
  }
  if (name === idColumn) return { role: 'id', becomes: null }
  if (name === columns.latitude || name === columns.longitude)
    return { role: 'place', becomes: side === 'users' ? namedAsOther(side) : null }
  const left = (becomes: string): Verdict => ({ role: 'feature', becomes })
  if (named) return left('it is not among the named features')
  if (Object.values(columns).includes(name)) return left(namedAsOther(side))
  return left(source.index?.columns.includes(name) ? ROW_INDEX : NOT_NUMBERED)
}

async function checkIds(
  reader: Reader,
  source: Source,
  idColumn: string,
  { columns, warn, side }: { columns: InspectedColumn[]; warn: TableOptions['warn']; side: Side },
): Promise<void> {
  const key = side === 'users' ? 'userId' : 'restaurantId'
  const column = columns.find(({ name }) => name === idColumn)
  if (!column) return warn(lacking(source, idColumn, key))
  if (idTypeOf(source, column) === undefined)
    return warn(wrongType(source.name, idColumn, 'integers or texts to be an id', column.type))
  if (column.missing > 0) warn(missingIds(source.name, idColumn, column.missing))
  const unusable = await unusableIds(reader, source, column)
  if (unusable) warn(unusableId(source.name, idColumn, unusable))
  const found = await duplicateIds(reader, source, column)
  if (found) warn(duplicates(source.name, idColumn, found))
}

/** A column that training needs is not there. */
export function lacking(source: Source, column: string, key: keyof ColumnNames): InspectionWarning {
  const { name, columns, index } = source
  if (index?.unwritten.includes(column))
    return { kind: 'missingColumn', file: name, column, message: `${name}: ${unwrittenIndex(column)}` }
  const [flag] = COLUMNS[key].flag.split(' ')
  return missingColumn(name, column, { flag, names: columns.map((one) => one.name) })
}

function featuresOf(
  source: Source,
  columns: readonly InspectedColumn[],
  { candidates, idColumn, warn }: Pick<VerdictContext, 'candidates' | 'idColumn' | 'warn'>,
): DeclaredFeature[] {
  const features = candidates.columns.flatMap(({ name }) => {
    const feature = columns.find((column) => column.name === name)?.feature
    return feature ? [feature] : []
  })
  if (features.length > 0) return features
  const id = columns.find(({ name, role }) => name === idColumn && role === 'id')
  // As training does: a side that is known by its ids alone has them for its feature.
  if (id && !candidates.areChosen) {
    id.feature = idFeature(idColumn)
    return [id.feature]
  }
  warn({
    kind: 'noFeatures',
    file: source.name,
    column: null,
    message: `${source.name}: no column can be a feature; add some, or name them`,
  })
  return []
}
