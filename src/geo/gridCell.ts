import { murmur32 } from '../random.ts'

const METRES_PER_DEGREE = 111_195 // of latitude, on a sphere with a radius of 6,371,009 m

/**
 * A number for the cell of a grid of about `sizeM` metres that a place (degrees) lies in. Rows go along the
 * parallels; each is cut into as many columns as fit it, so that cells are of the same width everywhere.
 * Below 2^32, mixed so that any part of it will do for a hash.
 */
export function gridCell(latitude: number, longitude: number, sizeM: number): number {
  const height = sizeM / METRES_PER_DEGREE // degrees
  const row = Math.floor((latitude + 90) / height)
  const middle = (row + 0.5) * height - 90
  const around = 360 * Math.cos((Math.min(middle, 89.9) * Math.PI) / 180) // in degrees of latitude
  const columns = Math.max(1, Math.round(around / height))
  const turns = (longitude + 180) / 360
  const column = Math.floor((turns - Math.floor(turns)) * columns)
  return murmur32(Math.imul(row, 0x9e3779b1) ^ column)
}

/** Whether two values are the latitude and longitude of a place, in degrees. */
export function isPlace(latitude: unknown, longitude: unknown): boolean {
  return (
    typeof latitude === 'number' &&
    typeof longitude === 'number' &&
    Math.abs(latitude) <= 90 &&
    Math.abs(longitude) <= 180
  )
}
