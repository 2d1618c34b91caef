import { formatPercent } from '../../format.ts'
import type { ColumnNames } from '../options.ts'
import { sqlName } from '../parquet/duckdb.ts'
import type { ParquetColumn } from '../parquet/parquetFile.ts'
import { isNumeric } from '../tables/valueTypes.ts'
import { placeWarnings } from './fileWarnings.ts'
import type { Source } from './openSources.ts'
import { PLACE_FIGURES, placeFigures, placeFiguresSql } from './placeFigures.ts'
import type { InspectedColumn, InspectionWarning } from './report.ts'

const MARGIN_DEGREES = 1 // about 110 km: nobody is shown a restaurant that far away
const FAR_SHARE_MAX = 0.1

/** Where all restaurants are, degrees. */
export interface Box {
  latitudes: readonly [south: number, north: number]
  longitudes: readonly [west: number, east: number]
}

type Places = readonly [latitude: ParquetColumn, longitude: ParquetColumn]

/** The box of the restaurants, from the columns of their table; undefined: they have no places. */
export function boxOf(columns: readonly InspectedColumn[], names: ColumnNames): Box | undefined {
  const range = (name: string) => {
    const column = columns.find((one) => one.name === name)
    return typeof column?.low === 'number' && typeof column.high === 'number'
      ? ([column.low, column.high] as const)
      : undefined
  }
  const [latitudes, longitudes] = [range(names.latitude), range(names.longitude)]
  return latitudes && longitudes ? { latitudes, longitudes } : undefined
}

/** The columns that say where the user was; undefined: there are none, or they hold no numbers. */
export function clickPlaceColumns({ columns }: Source, names: ColumnNames): Places | undefined {
  const [latitude, longitude] = [names.latitude, names.longitude].map((name) =>
    columns.find((one) => one.name === name && isNumeric(one)),
  )
  return latitude && longitude ? [latitude, longitude] : undefined
}

/** Aggregates over clicks, of which `clickPlaceWarnings` takes the values. */
export function clickPlacesSql([latitude, longitude]: Places, box: Box | undefined): string[] {
  const figures = placeFiguresSql(latitude, longitude)
  if (!box) return figures
  const [lat, lon] = [latitude, longitude].map(({ name }) => `${sqlName(name)}::DOUBLE`)
  const within = (value: string, [low, high]: readonly [number, number]) =>
    `${value} BETWEEN ${low - MARGIN_DEGREES} AND ${high + MARGIN_DEGREES}` // NaN is not
  const near = (a: string, b: string) => `${within(a, box.latitudes)} AND ${within(b, box.longitudes)}`
  return [
    ...figures,
    `count(CASE WHEN NOT isnan(${lat}) AND NOT isnan(${lon}) THEN 1 END)`,
    `count(CASE WHEN ${near(lat, lon)} THEN 1 END)`,
    `count(CASE WHEN ${near(lon, lat)} THEN 1 END)`,
  ]
}

/** What is wrong with the places of clicks; those that are missing count as unknown. */
export function clickPlaceWarnings(
  file: string,
  { latitude, longitude }: ColumnNames,
  values: readonly unknown[],
): InspectionWarning[] {
  const figures = { ...placeFigures(values), missing: 0 }
  const warnings = placeWarnings(file, [latitude, longitude], figures)
  const [places = 0, near = 0, nearSwapped = 0] = values.slice(PLACE_FIGURES).map(Number)
  if (warnings.length > 0 || places === 0 || (places - near) / places <= FAR_SHARE_MAX) return warnings
  const text =
    nearSwapped > near
      ? `look swapped: ${formatPercent(nearSwapped / places)} of the places are near the restaurants the other way round, ${formatPercent(near / places)} as they are; swap them`
      : `are more than ${MARGIN_DEGREES} degree away from all restaurants in ${formatPercent((places - near) / places)} of the places; write where the user was, in degrees as for the restaurants`
  const message = `${file}: columns ${latitude} and ${longitude} ${text}`
  return [{ kind: 'place', file, column: latitude, message }]
}
