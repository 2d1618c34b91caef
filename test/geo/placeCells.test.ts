import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM, EARTH_RADIUS_M } from '../../src/geo/greatCircle.ts'
import { cellOf, keepInReach, longitudeReach } from '../../src/geo/placeCells.ts'
import { Random } from '../../src/random.ts'

const HALF_EARTH_M = Math.PI * EARTH_RADIUS_M

interface Point {
  latitude: number
  longitude: number
}

// Not fc.double, which draws bits: most of its numbers are tiny.
const uniform = (min: number, max: number) =>
  fc.nat({ max: 0x7fffffff }).map((drawn) => min + ((max - min) * drawn) / 0x7fffffff)
const onGrid = (max: number) => fc.integer({ min: -32_768, max: 32_768 }).map((step) => (max * step) / 32_768)
const latitude = fc.oneof(
  uniform(-90, 90),
  uniform(89.9, 90),
  uniform(-90, -89.9),
  onGrid(90),
  fc.constantFrom(-90, 0, 90),
)
const longitude = fc.oneof(
  uniform(-180, 180),
  uniform(179.9, 180),
  uniform(-180, -179.9),
  onGrid(180),
  fc.constantFrom(-180, 0, 180),
)
const point = fc.record({ latitude, longitude })
const reach = fc.oneof(
  uniform(0, 20_000),
  uniform(0, HALF_EARTH_M),
  fc.constantFrom(0, HALF_EARTH_M / 2, HALF_EARTH_M, 1e300, Infinity),
)

describe('place cells', () => {
  test('a cell is 32 bits, the corners of the earth included; ±180° is one meridian', () => {
    fc.assert(
      fc.property(point, ({ latitude: p, longitude: q }) => {
        const cell = cellOf(p, q)
        assert.deepEqual([...Uint32Array.of(cell)], [cell])
      }),
    )
    assert.equal(cellOf(13, 180), cellOf(13, -180))
    assert.equal(cellOf(-90, -180), 0)
    assert.equal(cellOf(90, 179.9999), 2 ** 32 - 1)
  })

  test('any places, any reach: all within it are kept, in their order', () => {
    fc.assert(fc.property(fc.array(point, { maxLength: 100, size: 'max' }), point, reach, checkKept), {
      numRuns: 2000,
    })
  })

  test('places of the same parallel, of the same meridian, and beside: near the edges of the box', () => {
    const offsets = fc.array(fc.tuple(uniform(-1.1, 1.1), uniform(-1.1, 1.1)), {
      minLength: 1,
      maxLength: 60,
    })
    fc.assert(
      fc.property(point, reach, offsets, (from, maxDistM, all) => {
        const angle = Math.min(maxDistM / EARTH_RADIUS_M, Math.PI)
        const places = all.map(([up, across]) => {
          const q = from.longitude + across * longitudeReach(from.latitude, angle)
          return {
            latitude: Math.max(-90, Math.min(90, from.latitude + (up * angle * 180) / Math.PI)),
            longitude: q - 360 * Math.round(q / 360),
          }
        })
        checkKept(places, from, maxDistM)
      }),
      { numRuns: 2000 },
    )
  })

  test('what is far beyond the reach is left out: of a city, little more than the square around the circle', () => {
    const random = new Random(1)
    const places = Array.from({ length: 20_000 }, () => ({
      latitude: 13.58 + 0.59 * random.float(),
      longitude: 100.3 + 0.55 * random.float(),
    }))
    const from = { latitude: 13.9, longitude: 100.6 }
    for (const maxDistM of [0, 1000, 5000, 10_000]) {
      const kept = keptOf(places, from, maxDistM)
      const cornerM = Math.SQRT2 * (maxDistM + 3 * 611)
      for (const row of kept) assert.ok(between(from, places[row]) < cornerM)
    }
  })

  test('longitudeReach is how far east the circle goes: not less, and the circle is there', () => {
    fc.assert(
      fc.property(uniform(-89, 89), uniform(0, 1), (from, share) => {
        const angle = (share * 0.999 * (90 - Math.abs(from)) * Math.PI) / 180
        const degrees = longitudeReach(from, angle)
        // Where the circle touches its easternmost meridian, the sine of the latitude is sin(from) / cos(angle).
        const sine = Math.sin((from * Math.PI) / 180) / Math.cos(angle)
        const touching = (Math.asin(Math.max(-1, Math.min(1, sine))) * 180) / Math.PI
        const foundM = distanceM(from, 0, touching, degrees)
        assert.ok(Math.abs(foundM - angle * EARTH_RADIUS_M) < 0.1, `${foundM} m`)
      }),
    )
    for (const [from, angle] of [
      [90, 0],
      [-90, 0.1],
      [80, 0.2],
      [0, 4],
      [0, Infinity],
    ])
      assert.equal(longitudeReach(from, angle), 180)
  })

  test('only the first `count` candidates, into another array or in place', () => {
    const cells = Uint32Array.of(cellOf(0, 0), cellOf(10, 0), cellOf(0.001, 0), cellOf(0, 0), cellOf(0, 10))
    const from = { latitude: 0, longitude: 0, maxDistM: 1000 }
    const candidates = Uint32Array.of(3, 1, 2, 4, 0, 0)
    const rows = new Uint32Array(6).fill(9)
    assert.equal(keepInReach(rows, candidates, 5, cells, from), 3)
    assert.deepEqual([...rows.subarray(0, 3)], [3, 2, 0])
    assert.deepEqual([...candidates], [3, 1, 2, 4, 0, 0])
    assert.equal(keepInReach(candidates, candidates, 5, cells, from), 3)
    assert.deepEqual([...candidates.subarray(0, 3)], [3, 2, 0])
    assert.equal(keepInReach(rows, candidates, 0, cells, from), 0)
  })
})

function checkKept(places: Point[], from: Point, maxDistM: number): void {
  const kept = keptOf(places, from, maxDistM)
  assert.deepEqual(
    kept,
    [...new Set(kept)].toSorted((a, b) => a - b),
  )
  const isKept = new Set(kept)
  for (const [row, place] of places.entries()) {
    const apartM = between(from, place)
    const sureM = apartM > 19.9e6 ? maxDistM - 0.5 : maxDistM - 1e-5 // near antipodes haversine is exact to 0.2 m only
    if (apartM <= sureM || apartM === 0) assert.ok(isKept.has(row), `${JSON.stringify(place)} at ${apartM} m`)
  }
}

function between(a: Point, b: Point): number {
  return distanceM(a.latitude, a.longitude, b.latitude, b.longitude)
}

function keptOf(places: Point[], from: Point, maxDistM: number): number[] {
  const cells = Uint32Array.from(places, (place) => cellOf(place.latitude, place.longitude))
  const rows = new Uint32Array(places.length)
  const candidates = Uint32Array.from(places.keys())
  const kept = keepInReach(rows, candidates, rows.length, cells, { ...from, maxDistM })
  return [...rows.subarray(0, kept)]
}
