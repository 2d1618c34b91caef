import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM, EARTH_RADIUS_M, keepWithin, unitVectors } from '../../src/geo/greatCircle.ts'
import { buildPlaceIndex, PlaceIndex } from '../../src/geo/placeIndex.ts'
import { Random } from '../../src/random.ts'

const HALF_EARTH_M = Math.PI * EARTH_RADIUS_M

interface Point {
  latitude: number
  longitude: number
}

// Not fc.double, which draws bits: most of its numbers are tiny.
const uniform = (min: number, max: number) =>
  fc.nat({ max: 0x7fffffff }).map((drawn) => min + ((max - min) * drawn) / 0x7fffffff)

// Poles and the 180th meridian are where boxes of degrees go wrong: many points lie on or beside them.
const latitude = fc.oneof(
  uniform(-90, 90),
  uniform(89.9, 90),
  uniform(-90, -89.9),
  fc.constantFrom(-90, 0, 90),
)
const longitude = fc.oneof(
  uniform(-180, 180),
  uniform(179.9, 180),
  uniform(-180, -179.9),
  fc.constantFrom(-180, 0, 180),
)
const point = fc.record({ latitude, longitude })
const reach = fc.oneof(
  uniform(0, 50_000),
  uniform(0, HALF_EARTH_M),
  fc.constantFrom(0, HALF_EARTH_M / 2, HALF_EARTH_M, 1e9, Number.MAX_VALUE, Infinity),
)

describe('PlaceIndex', () => {
  test('any places, any reach: near() has all that haversine finds within it, each once', () => {
    fc.assert(fc.property(fc.array(point, { maxLength: 200, size: 'max' }), point, reach, checkNear), {
      numRuns: 2000,
    })
  })

  test('places about a point at a distance near the reach, anywhere on earth', () => {
    const around = fc.array(
      fc.record({
        bearing: uniform(0, 2 * Math.PI),
        share: fc.oneof(uniform(0, 1.2), fc.constantFrom(1 - 1e-9, 1, 1 + 1e-9)),
      }),
      { minLength: 1, maxLength: 60, size: 'max' },
    )
    fc.assert(
      fc.property(point, reach, around, (from, maxDistM, offsets) => {
        const reachM = Math.min(maxDistM, HALF_EARTH_M)
        const places = offsets.map(({ bearing, share }) => travelled(from, bearing, share * reachM))
        checkNear(places, from, maxDistM)
      }),
      { numRuns: 2000 },
    )
  })

  test('a box, not the whole earth: 100,000 places of a city, few of them farther than the corner of the square', () => {
    const random = new Random(1)
    const places = Array.from({ length: 100_000 }, () => ({
      latitude: 13.58 + 0.59 * random.float(),
      longitude: 100.3 + 0.55 * random.float(),
    }))
    const index = indexOf(places)
    assert.equal(index.places, 100_000)
    const from = { latitude: 13.9, longitude: 100.6 }
    const found = index.near(from.latitude, from.longitude, 5000)
    for (const row of found) assert.ok(haversine(from, places[row]) < 5000 * Math.SQRT2 * 1.001)
    checkNear(places, from, 5000)
    checkNear(places, from, 1e6)
    assert.equal(index.near(from.latitude, from.longitude, 1e6).length, 100_000)
  })

  test('row numbers on both sides of 65,536 places, where the index changes their width', () => {
    for (const count of [65_535, 65_536, 65_537, 70_000]) {
      const places = Array.from({ length: count }, (_, row) => ({
        latitude: (row % 180) - 89.5,
        longitude: ((row * 7) % 359) - 179.5,
      }))
      const last = places[count - 1]
      assert.ok(
        indexOf(places)
          .near(last.latitude, last.longitude, 1)
          .includes(count - 1),
      )
      checkNear(places, last, 300_000)
    }
  })

  test('a place without a latitude is never found, whatever the reach and however many there are', () => {
    const nowhere = { latitude: Number.NaN, longitude: Number.NaN }
    fc.assert(
      fc.property(
        fc.array(fc.option(point, { nil: nowhere }), { maxLength: 300, size: 'max' }),
        point,
        reach,
        checkNear,
      ),
      { numRuns: 500 },
    )
    const index = indexOf(Array.from({ length: 1000 }, () => nowhere))
    for (const maxDistM of [0, 1e6, Infinity]) assert.deepEqual(index.near(90, 180, maxDistM), [])
  })

  test('no place, one place', () => {
    const none = indexOf([])
    assert.equal(none.places, 0)
    for (const maxDistM of [0, 1e6, Infinity]) assert.deepEqual(none.near(0, 0, maxDistM), [])
    const one = indexOf([{ latitude: 10, longitude: 20 }])
    assert.deepEqual(one.near(10, 20, 0), [0])
    assert.deepEqual(one.near(10.1, 20, 5000), [])
    assert.deepEqual(one.near(-10, -160, Infinity), [0])
  })
})

/** near() and then the exact filter find what haversine does; near() finds nothing twice and no place that is not there. */
function checkNear(places: Point[], from: Point, maxDistM: number): void {
  const found = indexOf(places).near(from.latitude, from.longitude, maxDistM)
  assert.equal(new Set(found).size, found.length, 'a place found twice')
  for (const row of found) assert.ok(!Number.isNaN(places[row].latitude))
  const vectors = unitVectors(
    Float64Array.from(places, (place) => place.latitude),
    Float64Array.from(places, (place) => place.longitude),
  )
  const rows = Uint32Array.from(found)
  const distances = new Float64Array(rows.length)
  const kept = keepWithin(rows, distances, rows, rows.length, vectors, { ...from, maxDistM })
  const isKept = new Set(rows.subarray(0, kept))
  for (const [row, place] of places.entries()) {
    const wantedM = haversine(from, place)
    // Near antipodes both formulas are exact to 0.2 m only: who is that near to the bound may be in or out.
    if (Math.abs(wantedM - maxDistM) <= (wantedM > 19.9e6 ? 0.5 : 1e-5)) continue
    assert.equal(isKept.has(row), wantedM <= maxDistM, `${JSON.stringify(place)} at ${wantedM} m`)
  }
}

function indexOf(places: Point[]): PlaceIndex {
  const shared = buildPlaceIndex(
    Float64Array.from(places, (place) => place.latitude),
    Float64Array.from(places, (place) => place.longitude),
  )
  assert.ok(shared instanceof SharedArrayBuffer)
  return new PlaceIndex(shared)
}

function haversine(a: Point, b: Point): number {
  return distanceM(a.latitude, a.longitude, b.latitude, b.longitude)
}

/** Where one arrives who goes `metres` along a great circle. */
function travelled(from: Point, bearing: number, metres: number): Point {
  const [p, q] = [from.latitude, from.longitude].map((degrees) => (degrees * Math.PI) / 180)
  const angle = metres / EARTH_RADIUS_M
  const sine = Math.sin(p) * Math.cos(angle) + Math.cos(p) * Math.sin(angle) * Math.cos(bearing)
  const east = Math.sin(bearing) * Math.sin(angle) * Math.cos(p)
  const turned = q + Math.atan2(east, Math.cos(angle) - Math.sin(p) * sine)
  const degrees = (turned * 180) / Math.PI
  return {
    latitude: (Math.asin(Math.max(-1, Math.min(1, sine))) * 180) / Math.PI,
    longitude: degrees - 360 * Math.round(degrees / 360),
  }
}
