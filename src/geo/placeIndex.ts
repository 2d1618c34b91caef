import KDBush from 'kdbush'
import { EARTH_RADIUS_M } from './greatCircle.ts'
import { longitudeReach } from './placeCells.ts'

const DEGREES_PER_RADIAN = 180 / Math.PI
const SLACK = 1 + 1e-9 // against rounding; what it lets in too much, the exact distance leaves out

/**
 * An index of places by where they are, in shared memory: 24 bytes a place, 20 ms for 100,000. Places whose
 * latitude is NaN can never be found.
 */
export function buildPlaceIndex(latitude: Float64Array, longitude: Float64Array): SharedArrayBuffer {
  const index = new KDBush(latitude.length, 64, Float64Array, SharedArrayBuffer)
  for (let place = 0; place < latitude.length; place++)
    // NaN would break the order that the index is built on; no box reaches 1,000°.
    if (Number.isNaN(latitude[place])) index.add(1000, 1000)
    else index.add(longitude[place], latitude[place])
  return index.finish().data as SharedArrayBuffer
}

/** Finds places near a point. */
export class PlaceIndex {
  readonly #index: KDBush

  /** `shared`: of `buildPlaceIndex`. */
  constructor(shared: SharedArrayBuffer) {
    this.#index = KDBush.from(shared)
  }

  get places(): number {
    return this.#index.numItems
  }

  /** All places within `maxDistM` metres of a point (degrees), and some that are a little farther. */
  near(latitude: number, longitude: number, maxDistM: number): number[] {
    const angle = (maxDistM / EARTH_RADIUS_M) * SLACK + 1e-12
    const latitudeReach = angle * DEGREES_PER_RADIAN
    const south = latitude - latitudeReach
    const north = latitude + latitudeReach
    // a pole is within reach
    if (!(south > -90 && north < 90)) return this.#index.range(-180, south, 180, north)
    const reach = longitudeReach(latitude, angle) * SLACK + 1e-9
    const west = longitude - reach
    const east = longitude + reach
    const found = this.#index.range(west, south, east, north)
    // Across the 180th meridian; no pole is within reach, so reach is 90° at most and this is on one side
    // only.
    if (west < -180) return found.concat(this.#index.range(west + 360, south, 180, north))
    if (east > 180) return found.concat(this.#index.range(-180, south, east - 360, north))
    return found
  }
}
