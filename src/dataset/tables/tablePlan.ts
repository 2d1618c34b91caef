import type { DuckDBConnection } from '@duckdb/node-api'
import { NearrankError } from '../../errors.ts'
import { declaredFeatures, declaredOf } from '../../features/declaration.ts'
import type { LeftOut } from '../../features/declared.ts'
import { type FeatureSpec, type Side, SIDES } from '../../features/featureSpec.ts'
import type { ColumnNames, DatasetOptions, OpenOptions } from '../options.ts'
import { columnNamed, type ParquetFile, rowsOf } from '../parquet/parquetFile.ts'
import { readParquetTable } from '../parquet/parquetTable.ts'
import { checkMetadata, columnNames, type SourceFile, tableName } from '../sources.ts'
import { checkColumns, checkNumeric, tableFeatures } from './featureColumns.ts'
import { columnsBeside, growFeatures } from './growFeatures.ts'
import { holdsStrings, type IdKey } from './idColumn.ts'
import { declaredPlaces, fittedPlaces, withPlaces } from './placeColumns.ts'

const ID_FLAGS = { users: '--user-id-column', restaurants: '--restaurant-id-column' } as const

/** What to take from a feature table: decided before anything is read. */
export interface TablePlan {
  side: Side
  file: ParquetFile
  idColumn: string
  features: FeatureSpec[] // named as their columns
  leftOut: LeftOut[]
  places: [latitude: string, longitude: string] | null
}

/** A plan whose ids have been looked at. */
export interface KeyedPlan extends TablePlan {
  idKey: IdKey
}

/**
 * Decides what is taken from the two files; fits the features to them, unless `options` has them fitted, or
 * grows these. `assumesWhole`: numbers chosen by their names are not read for it, but taken to be finite in
 * every row, which packing finds out; `isAssumed`: some are.
 */
export async function planTables(
  connection: DuckDBConnection,
  options: DatasetOptions & OpenOptions,
  sources: SourceFile[][], // of either side
  { assumesWhole }: { assumesWhole: boolean },
): Promise<{ plans: TablePlan[]; isAssumed: boolean }> {
  const columns = columnNames(options)
  const plans: TablePlan[] = []
  let isAssumed = false
  for (const [i, side] of SIDES.entries()) {
    for (const source of sources[i]) checkMetadata(source, options)
    const fitted = options.fitted?.[side]
    const declared = declaredOf(options.features, side)
    const read = await readParquetTable(connection, sources[i], {
      name: tableName(options, side),
      features: fitted ?? declaredFeatures(declared),
    })
    if (read.rows === 0) throw new NearrankError('INPUT', `Cannot use ${read.name}: it has no rows`)
    const { idColumn, places } = tableColumns(side, columns)
    const file = withPlaces(read, fitted ? fittedPlaces(fitted) : declaredPlaces(read, declared), places)
    holdsStrings(file, columnNamed(file, idColumn, ID_FLAGS[side])) // or integers; nothing else
    for (const place of places ?? []) checkNumeric(file, place)
    const named = side === 'users' ? options.userFeatures : options.restaurantFeatures
    const learnsIds = options.ids === side || options.ids === 'both'
    if (fitted) checkColumns(file, fitted)
    if (fitted) {
      const features = options.grows
        ? await growFeatures(connection, rowsOf([file]), fitted, declared)
        : [...fitted]
      const leftOut = options.grows ? columnsBeside(file, fitted, columns) : []
      plans.push({ side, file, idColumn, features, leftOut, places })
    } else {
      const choice = { side, named, idColumn, places, columns, learnsIds, declared, assumesWhole }
      const { features, leftOut, ...made } = await tableFeatures(connection, file, choice)
      plans.push({ side, file, idColumn, features, leftOut, places })
      isAssumed ||= made.isAssumed
    }
  }
  return { plans, isAssumed }
}

/** The columns of a side's file that are no features. */
export function tableColumns(side: Side, columns: ColumnNames): Pick<TablePlan, 'idColumn' | 'places'> {
  if (side === 'users') return { idColumn: columns.userId, places: null }
  return { idColumn: columns.restaurantId, places: [columns.latitude, columns.longitude] }
}
