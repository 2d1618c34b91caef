import { EARTH_RADIUS_M } from './greatCircle.ts'

const STEPS = 2 ** 16 // around the earth; also from pole to pole
const DEGREES_PER_RADIAN = 180 / Math.PI

/**
 * The cell of a place: its latitude in 305 m steps and its longitude in 611 m steps, 16 bits each; four bytes
 * in place of a vector's 24.
 */
export function cellOf(latitude: number, longitude: number): number {
  return ((latitudeStep(latitude) << 16) | longitudeStep(longitude)) >>> 0
}

/**
 * Keeps, of the first `count` places `candidates`, those whose cells a circle of `maxDistM` metres around a
 * point (degrees) may reach: writes them to `rows`, in their order, and returns how many they are. `rows` may
 * be `candidates`. Its table stays in a core's cache, which that of vectors does not: a candidate out of
 * reach costs some nanoseconds and no read from memory.
 */
export function keepInReach(
  rows: Uint32Array,
  candidates: Uint32Array,
  count: number,
  cells: Uint32Array, // [places], of `cellOf`
  from: { latitude: number; longitude: number; maxDistM: number },
): number {
  const angle = from.maxDistM / EARTH_RADIUS_M
  const reach = angle * DEGREES_PER_RADIAN
  // One more step on either side, against rounding.
  const south = latitudeStep(Math.max(-90, from.latitude - reach)) - 1
  const height = latitudeStep(Math.min(90, from.latitude + reach)) + 1 - south
  const sideways = longitudeReach(from.latitude, angle)
  const west = longitudeStep(from.longitude - sideways) - 1
  const width = Math.min(STEPS - 1, Math.ceil((2 * sideways * STEPS) / 360) + 2)
  let kept = 0
  for (let i = 0; i < count; i++) {
    const row = candidates[i]
    const cell = cells[row]
    rows[kept] = row
    const northward = (cell >>> 16) - south
    const eastward = (cell - west) & 0xffff // modulo 2^16, so that the 180th meridian is nothing special
    // No branch: who is within reach is random, and a wrong guess costs more than all of this. Negative where
    // one of the three is.
    kept += 1 + ((northward | (height - northward) | (width - eastward)) >> 31)
  }
  return kept
}

/** How far a circle reaches to the east and the west, degrees: all around where it holds a pole. */
export function longitudeReach(latitude: number, angle: number): number {
  if (!(Math.abs(latitude) + angle * DEGREES_PER_RADIAN < 90)) return 180
  return (
    Math.asin(Math.min(1, Math.sin(angle) / Math.cos(latitude / DEGREES_PER_RADIAN))) * DEGREES_PER_RADIAN
  )
}

function latitudeStep(latitude: number): number {
  return Math.min(STEPS - 1, Math.floor(((latitude + 90) * STEPS) / 180))
}

function longitudeStep(longitude: number): number {
  return Math.floor(((longitude + 180) * STEPS) / 360) & 0xffff
}
