import { type Side, SIDES } from '../../features/featureSpec.ts'
import type { ColumnNames } from '../options.ts'
import { type ParquetColumn, sqlColumn } from '../parquet/parquetFile.ts'
import { inferClickFeature } from '../tables/featureColumns.ts'
import { tableColumns } from '../tables/tablePlan.ts'
import { labelFigures, labelFiguresSql, labelSql, mayBeLabel } from './clickFigures.ts'
import { type Box, clickPlaceColumns, clickPlacesSql, clickPlaceWarnings } from './clickPlaces.ts'
import { columnWarnings, leakWarning } from './columnWarnings.ts'
import { labelWarnings, missingIds, unreadableColumn, withoutFeatures, wrongType } from './fileWarnings.ts'
import { idTypeOf, lookupSql } from './idChecks.ts'
import { inspectedColumn, unreadColumn } from './inspectedColumns.ts'
import { lacking } from './inspectTable.ts'
import { labelLeak } from './labelLeak.ts'
import type { Source } from './openSources.ts'
import type { Reader } from './reader.ts'
import type { ClickFiles, ColumnRole, InspectedColumn, InspectionWarning } from './report.ts'
import { mostlyNew, newShares, type SeenIds, seenIds, seenIdsSql } from './seenIds.ts'
import { type ColumnSummary, summarizeColumns } from './summarizeColumns.ts'

export interface ClicksOptions {
  columns: ColumnNames
  tables: Partial<Record<Side, Source>>
  box: Box | undefined // of the restaurants; undefined: it is not known
  train: InspectedClicks | undefined // given: these are test clicks, of which only what it needs is read
  warn: (warning: InspectionWarning) => void
  onRows: (rowsDone: number) => void
}

export interface InspectedClicks {
  files: ClickFiles
  columns: InspectedColumn[]
  source: Source
  seen: SeenIds // of training clicks
  hasPlaces: boolean // they say where the user was
}

/** What is in the click files of a split. */
export async function inspectClicks(
  reader: Reader,
  source: Source,
  options: ClicksOptions,
): Promise<InspectedClicks> {
  const { columns: names, train, warn, onRows } = options
  const label = neededColumns(source, options).find(({ name }) => name === names.click)
  const lookups = SIDES.flatMap((side) => lookupOf(source, side, options))
  const labelled = label ? labelFiguresSql(label) : []
  const places = clickPlaceColumns(source, names)
  const placed = places ? clickPlacesSql(places, options.box) : []
  const ids = seenIdsSql(source, { names, tables: options.tables, ...(train && { train }) })
  const columns = source.columns.filter(({ name }) => !train || roleOf(name, names) !== 'context')
  const parts = [labelled, placed, lookups.flatMap(({ sql }) => sql), ids.flatMap(({ sql }) => sql)]
  const extra = parts.flat()
  const summaries = await summarizeColumns(reader, source, columns, { extra, onRows })
  const files: ClickFiles = {
    name: source.name,
    files: source.files,
    rows: source.rows,
    bytes: source.bytes,
    clicks: null,
    clickRate: null,
    withoutUser: null,
    withoutRestaurant: null,
    newUser: null,
    newRestaurant: null,
  }
  const [labelValues, placeValues, lookupValues, idValues] = partsOf(summaries.extra ?? [], parts)
  if (label && labelValues.length > 0) {
    const figures = labelFigures(labelValues)
    for (const warning of labelWarnings(source.name, label.name, figures)) warn(warning)
    const rows = figures.clicks + figures.noClicks
    files.clicks = figures.clicks
    files.clickRate = rows > 0 ? figures.clicks / rows : null
  }
  for (const [i, { side, table, column }] of lookups.entries()) {
    const [asked, found] = lookupValues.slice(2 * i).map(Number)
    if (!(asked > 0)) continue
    const share = (asked - found) / asked
    files[side === 'users' ? 'withoutUser' : 'withoutRestaurant'] = share
    if (share > 0) warn(withoutFeatures(source.name, { column: column.name, table: table.name, share }))
  }
  if (places && placeValues.length > 0)
    for (const warning of clickPlaceWarnings(source.name, names, placeValues)) warn(warning)
  for (const found of train ? newShares(ids, idValues) : []) {
    files[found.side === 'users' ? 'newUser' : 'newRestaurant'] = found.share
    const warning = mostlyNew(source.name, found)
    if (warning) warn(warning)
  }
  const inspected: InspectedColumn[] = []
  for (const summary of summaries.columns) {
    const role = roleOf(summary.column.name, names)
    if ('problem' in summary) {
      const file = await unreadableFile(reader, source, summary.column)
      warn(unreadableColumn(file, summary.column.name, summary.problem))
      inspected.push(unreadColumn(summary, role))
    } else inspected.push(await inspectColumn(reader, source, summary, { role, label, warn }))
  }
  const seen = train ? {} : seenIds(ids, idValues)
  return { files, columns: inspected, source, seen, hasPlaces: places !== undefined }
}

/** The first of the files that a column cannot be read of; all of them if each can be, by itself. */
async function unreadableFile(reader: Reader, source: Source, column: ParquetColumn): Promise<string> {
  for (const { name, from } of source.parts ?? [])
    if (typeof (await reader.ask(`SELECT bit_xor(hash(${sqlColumn(column)})) FROM ${from}`)) === 'string')
      return name
  return source.name
}

/** The values of each of the parts that were asked for together. */
function partsOf(values: readonly unknown[], parts: readonly (readonly string[])[]): unknown[][] {
  let at = 0
  return parts.map(({ length }) => values.slice(at, (at += length)))
}

async function inspectColumn(
  reader: Reader,
  source: Source,
  summary: ColumnSummary,
  { role, label, warn }: { role: ColumnRole; label: ParquetColumn | undefined; warn: ClicksOptions['warn'] },
): Promise<InspectedColumn> {
  const { column, measured } = summary
  if (role === 'id' && measured.missing > 0) warn(missingIds(source.name, column.name, measured.missing))
  if (role !== 'context') return inspectedColumn(reader, source, summary, { role, becomes: null })
  const becomes = inferClickFeature(measured)
  for (const warning of columnWarnings(source.name, summary, becomes)) warn(warning)
  const leak = label && (await labelLeak(reader, source, summary, labelSql(label)))
  const warning = leak && leakWarning(source.name, column.name, { ...leak, rows: source.rows })
  if (warning) warn(warning)
  return inspectedColumn(reader, source, summary, { role, becomes })
}

function roleOf(name: string, { userId, restaurantId, click }: ColumnNames): ColumnRole {
  if (name === userId || name === restaurantId) return 'id'
  return name === click ? 'click' : 'context'
}

/** Those that training needs, as far as they are there, with a warning for each that does not do. */
function neededColumns(source: Source, { columns: names, warn }: ClicksOptions): ParquetColumn[] {
  return (['userId', 'restaurantId', 'click'] as const).flatMap((key) => {
    const column = source.columns.find(({ name }) => name === names[key])
    if (!column) {
      warn(lacking(source, names[key], key))
      return []
    }
    if (key === 'click' && !mayBeLabel(column))
      warn(wrongType(source.name, column.name, '0 or 1 in numbers', column.type))
    if (key !== 'click' && idTypeOf(source, column) === undefined)
      warn(wrongType(source.name, column.name, 'integers or texts to be an id', column.type))
    return [column]
  })
}

/** How to look up the ids of one side in its table, if both are there and of one type. */
function lookupOf(source: Source, side: Side, { columns: names, tables, warn }: ClicksOptions) {
  const table = tables[side]
  const { idColumn } = tableColumns(side, names)
  const [own, its] = [source, table].map((file) => file?.columns.find(({ name }) => name === idColumn))
  if (!table || !own || !its) return []
  const sql = lookupSql({ source, column: own }, { source: table, column: its })
  if (sql) return [{ side, table, column: own, sql }]
  const type = idTypeOf(table, its)
  if (type && idTypeOf(source, own))
    warn(wrongType(source.name, own.name, `${type}s as ${table.name} does`, own.type))
  return []
}
