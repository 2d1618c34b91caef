import { NearrankError } from '../../errors.ts'
import type { SourceDeclaration } from '../../features/declaration.ts'
import type { FeatureSpec } from '../../features/featureSpec.ts'
import { sqlName } from '../parquet/duckdb.ts'
import type { ParquetColumn, ParquetFile } from '../parquet/parquetFile.ts'
import { checkNumeric } from './featureColumns.ts'

/** A feature that is a place, and the two columns that it is from; absent: the row's own place. */
interface PlaceFeature {
  name: string
  columns?: readonly [latitude: string, longitude: string]
}

/**
 * The places that are declared: in two columns, or the row's own where no column has the feature's name. One
 * that is a column, a list of two numbers, is as any other.
 */
export function declaredPlaces(file: ParquetFile, declared: SourceDeclaration): PlaceFeature[] {
  return [...declared].flatMap(([name, entry]): PlaceFeature[] => {
    if (entry === false || entry.kind !== 'cell') return []
    const { latitude, longitude } = entry as { latitude?: string; longitude?: string }
    if (latitude !== undefined && longitude !== undefined) return [{ name, columns: [latitude, longitude] }]
    return file.columns.some((column) => column.name === name) ? [] : [{ name }]
  })
}

/** The same of features that are fitted. */
export function fittedPlaces(features: readonly FeatureSpec[]): PlaceFeature[] {
  return features.flatMap((feature): PlaceFeature[] => {
    if (feature.kind !== 'cell' || (!feature.place && !feature.columns)) return []
    return [{ name: feature.name, ...(feature.columns && { columns: feature.columns }) }]
  })
}

/** The columns that features are made of. */
export function columnsFor(features: readonly FeatureSpec[]): string[] {
  return features.flatMap((feature) => [
    feature.name,
    ...('columns' in feature ? (feature.columns ?? []) : []),
  ])
}

/**
 * The file with one more column for each place, a list of latitude and longitude. `own`: the columns of the
 * rows' own place; null: they have none.
 * @throws NearrankError INPUT if one of the two columns is missing or holds no numbers.
 */
export function withPlaces(
  file: ParquetFile,
  places: readonly PlaceFeature[],
  own: readonly [latitude: string, longitude: string] | null,
): ParquetFile {
  const added = places.flatMap(({ name, columns = own }) => {
    if (columns === null) return []
    checkCase(file, name)
    for (const column of columns) checkNumeric(file, column)
    const [latitude, longitude] = columns.map(sqlName)
    const list = [latitude, longitude].map((column) => `TRY_CAST(${column} AS DOUBLE)`).join(', ')
    const sql = `(CASE WHEN ${latitude} IS NOT NULL AND ${longitude} IS NOT NULL THEN [${list}] END)`
    return [{ name, type: 'DOUBLE[]', sql }]
  })
  if (added.length === 0) return file
  const names = new Set(added.map(({ name }) => name))
  return { ...file, columns: [...file.columns.filter(({ name }) => !names.has(name)), ...added] }
}

/** @throws NearrankError INPUT if a column has the name in other letters: DuckDB would read that one. */
function checkCase(file: ParquetFile, name: string): void {
  const isOther = (column: ParquetColumn) =>
    column.name !== name && column.name.toLowerCase() === name.toLowerCase()
  const other = file.columns.find(isOther)
  if (other)
    throw new NearrankError(
      'INPUT',
      `Cannot use the feature ${name}: ${file.name} has a column ${other.name}, which only upper and lower case tell from it; give the feature another name`,
    )
}
