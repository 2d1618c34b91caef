import type { DuckDBConnection } from '@duckdb/node-api'
import { declaredOf } from '../../features/declaration.ts'
import { type FeatureSpec, isPosition } from '../../features/featureSpec.ts'
import { pairsFor } from '../../features/pairs/pairsFor.ts'
import type { DatasetOptions, OpenOptions } from '../options.ts'
import { type ParquetFile, readParquetFile } from '../parquet/parquetFile.ts'
import { columnNames, featureSource, type SourceFile } from '../sources.ts'
import { contextFeatures } from '../tables/featureColumns.ts'
import { keyWords } from '../tables/idColumn.ts'
import { IdIndex } from '../tables/idIndex.ts'
import { declaredPlaces, fittedPlaces, withPlaces } from '../tables/placeColumns.ts'
import { type FeatureTable, readKeys, readPlacelessKeys, type Tables } from '../tables/readTables.ts'
import { checkClickFile, type RowsPlan } from './rowsPlan.ts'

/** Checks every file's columns before the first row is read. */
export async function planRows(
  connection: DuckDBConnection,
  options: DatasetOptions & OpenOptions,
  tables: Tables,
  { data, sources, isLabelled }: { data: string; sources: readonly SourceFile[]; isLabelled: boolean },
): Promise<RowsPlan> {
  const columns = columnNames(options)
  const side = async (column: string, table: FeatureTable) => {
    const words = keyWords(table.idKey)
    const index = new IdIndex(await readKeys(table), words)
    const { name } = await featureSource(options, data, table.side)
    const placelessKeys = await readPlacelessKeys(table)
    const placeless = placelessKeys.length === 0 ? null : new IdIndex(placelessKeys, words)
    return { column, table: name, key: table.idKey, index, placeless }
  }
  const { fitted, contextFeatures: names = [], positionColumn: position } = options
  const declared = declaredOf(options.features, 'context')
  const files: ParquetFile[] = []
  for (const source of sources) {
    const read = await readParquetFile(connection, source.path, source.name)
    const cells = fitted ? fittedPlaces(fitted.context ?? []) : declaredPlaces(read, declared)
    const placed = withPlaces(read, cells, [columns.latitude, columns.longitude])
    files.push(withPosition(placed, fitted?.context ?? []))
  }
  const context = fitted
    ? fitted.context
    : await contextFeatures(connection, files, { names, position, declared, columns })
  const places = [columns.latitude, columns.longitude]
  const hasPlaces = files.every((file) =>
    places.every((name) => file.columns.some((one) => one.name === name)),
  )
  const features = {
    users: tables.users.features,
    restaurants: tables.restaurants.features,
    ...(context && { context }),
  }
  const wanted = { hasPlaces, declared: declaredOf(options.features, 'pairs') }
  const pairs = fitted ? (fitted.pairs ?? []) : pairsFor(features, wanted)
  const needsPlaces = pairs.some(({ kind }) => kind === 'distance')
  const plan = {
    tables,
    context: context ?? [],
    pairs: { features: pairs, places: needsPlaces ? places : [] },
    user: await side(columns.userId, tables.users),
    restaurant: await side(columns.restaurantId, tables.restaurants),
    isLabelled,
    clickColumn: columns.click,
    clickThreshold: options.clickThreshold,
    group: isLabelled ? (options.groupColumn ?? null) : null,
    onMissing: options.onMissing ?? 'fail',
  }
  for (const file of files) checkClickFile(file, plan)
  return { files, ...plan }
}

/** A file as if it told the position of its rows, which nobody needs who only scores them. */
function withPosition(file: ParquetFile, context: readonly FeatureSpec[]): ParquetFile {
  const position = context.find(isPosition)
  if (!position || file.columns.some(({ name }) => name === position.name)) return file
  return {
    ...file,
    columns: [...file.columns, { name: position.name, type: 'VARCHAR', sql: 'NULL::VARCHAR' }],
  }
}
