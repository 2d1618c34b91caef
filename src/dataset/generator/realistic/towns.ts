import { Random } from '../../../random.ts'
import { cumulative, STREAMS } from './draw.ts'

export const TOWNS = 8
const LATITUDES = [13.1, 14.5]
const LONGITUDES = [99.9, 101.3]

export const METRES_PER_DEGREE = 111_195
/** Of a degree of longitude in one of latitude, at the middle of all towns. */
export const LONGITUDE_SCALE = Math.cos((13.8 * Math.PI) / 180)

/** Town k is drawn with a weight of 1 / (k + 1). */
export const TOWN_SUMS = cumulative(Float64Array.from({ length: TOWNS }, (_, k) => 1 / (k + 1)))

export interface Centres {
  latitudes: Float64Array // [TOWNS]
  longitudes: Float64Array
}

/** Where the towns of a seed lie. */
export function townCentres(seed: number): Centres {
  const random = new Random(seed, STREAMS.towns)
  const between = ([lowest, highest]: number[]) => lowest + random.float() * (highest - lowest)
  const latitudes = Float64Array.from({ length: TOWNS }, () => between(LATITUDES))
  return { latitudes, longitudes: Float64Array.from({ length: TOWNS }, () => between(LONGITUDES)) }
}

/** Normally distributed around `centre` (degrees of latitude), to a millionth of a degree. */
export function latitudeAround(random: Random, centre: number, spreadM: number): number {
  return Math.round((centre + (random.normal() * spreadM) / METRES_PER_DEGREE) * 1e6) / 1e6
}

export function longitudeAround(random: Random, centre: number, spreadM: number): number {
  const metresPerDegree = METRES_PER_DEGREE * LONGITUDE_SCALE
  return Math.round((centre + (random.normal() * spreadM) / metresPerDegree) * 1e6) / 1e6
}
