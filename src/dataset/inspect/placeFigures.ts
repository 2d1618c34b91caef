import { sqlName } from '../parquet/duckdb.ts'
import type { ParquetColumn } from '../parquet/parquetFile.ts'

/** How many values `placeFiguresSql` asks for. */
export const PLACE_FIGURES = 3

/** Rows whose places cannot be right. */
export interface PlaceFigures {
  missing: number // one or both are null or NaN
  outside: number // latitude beyond ±90 or longitude beyond ±180
  swapped: number // of these: they would be a place the other way round
}

/** Aggregates over a table, of which `placeFigures` takes the values; both columns hold numbers. */
export function placeFiguresSql(latitude: ParquetColumn, longitude: ParquetColumn): string[] {
  const degrees = ({ name }: ParquetColumn) => {
    const number = `${sqlName(name)}::DOUBLE`
    return `CASE WHEN NOT isnan(${number}) THEN ${number} END` // NaN is above every bound
  }
  const [lat, lon] = [degrees(latitude), degrees(longitude)]
  const outside = `(abs(${lat}) > 90 OR abs(${lon}) > 180)`
  return [
    `count(*) FILTER (WHERE ${lat} IS NULL OR ${lon} IS NULL)`,
    `count(*) FILTER (WHERE ${outside})`,
    `count(*) FILTER (WHERE ${outside} AND abs(${lat}) <= 180 AND abs(${lon}) <= 90)`,
  ]
}

export function placeFigures(values: readonly unknown[]): PlaceFigures {
  const [missing, outside, swapped] = values.map(Number)
  return { missing, outside, swapped }
}
