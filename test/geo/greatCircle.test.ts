import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM, distancesInto, EARTH_RADIUS_M, unitVectors } from '../../src/geo/greatCircle.ts'

interface Point {
  latitude: number
  longitude: number
}

const point = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
})
const anyDistance = [
  { name: 'distanceM', between: haversine },
  { name: 'distancesInto', between: viaVectors },
]

for (const { name, between } of anyDistance)
  describe(name, () => {
    test('a degree of the equator or of a meridian is 111,195.08 m, from pole to pole 20,015,114 m', () => {
      const degreeM = 111_195.0802335329 // π · 6,371,008.8 / 180
      close(between({ latitude: 0, longitude: 10 }, { latitude: 0, longitude: 11 }), degreeM, 1e-6)
      close(between({ latitude: 50, longitude: 7 }, { latitude: 51, longitude: 7 }), degreeM, 1e-6)
      close(between({ latitude: 90, longitude: 0 }, { latitude: -90, longitude: 123 }), 180 * degreeM, 0.3)
      close(between({ latitude: 0, longitude: 0 }, { latitude: 0, longitude: 180 }), 180 * degreeM, 0.3)
      close(between({ latitude: 0, longitude: 179.5 }, { latitude: 0, longitude: -179.5 }), degreeM, 1e-6)
    })

    test('Berlin to Tokyo is 8,918 km, the well-known distance, within 2 km', () => {
      const berlin = { latitude: 52.5167, longitude: 13.3833 }
      const tokyo = { latitude: 35.7, longitude: 139.7667 }
      close(between(berlin, tokyo), 8_918_000, 2000)
    })

    test('any two points: the arctangent formula (Vincenty on a sphere), symmetric, never NaN', () => {
      fc.assert(
        fc.property(point, point, (a, b) => {
          const found = between(a, b)
          const wanted = vincenty(a, b)
          const nearAntipodes = wanted > 19.9e6
          close(found, wanted, nearAntipodes ? 0.3 : 1e-5)
          close(between(b, a), found, nearAntipodes ? 0.3 : 1e-6)
        }),
        { numRuns: 2000 },
      )
    })

    test('points near each other: exact to a micrometre', () => {
      const step = fc.double({ min: -0.1, max: 0.1, noNaN: true })
      fc.assert(
        fc.property(point, step, step, (a, dLatitude, dLongitude) => {
          const latitude = Math.max(-90, Math.min(90, a.latitude + dLatitude))
          const b = { latitude, longitude: a.longitude + dLongitude }
          close(between(a, b), vincenty(a, b), 1e-6)
        }),
        { numRuns: 1000 },
      )
    })

    test('antipodes whose rounded haversine, or half chord, is above 1', () => {
      const half = Math.PI * EARTH_RADIUS_M
      close(
        between({ latitude: -50.76, longitude: 130.65 }, { latitude: 50.76, longitude: 130.65 - 180 }),
        half,
        0.5,
      )
      close(
        between({ latitude: 16.89, longitude: -36.79 }, { latitude: -16.89, longitude: 143.21 }),
        half,
        0.5,
      )
    })

    test('the same point is 0 away; antipodes are numbers, half the circumference', () => {
      fc.assert(
        fc.property(point, ({ latitude, longitude }) => {
          assert.equal(between({ latitude, longitude }, { latitude, longitude }), 0)
          const opposite = {
            latitude: -latitude,
            longitude: longitude > 0 ? longitude - 180 : longitude + 180,
          }
          close(between({ latitude, longitude }, opposite), Math.PI * EARTH_RADIUS_M, 0.5)
        }),
      )
    })
  })

test('distancesInto writes the first `count` rows asked for, in their order, and nothing more', () => {
  const vectors = unitVectors(Float64Array.of(0, 0, 0), Float64Array.of(0, 1, 2))
  const out = new Float64Array(4).fill(-1)
  distancesInto(out, vectors, Uint32Array.of(2, 0, 1), 2, { latitude: 0, longitude: 0 })
  close(out[0], 2 * 111_195.0802335329, 1e-6)
  assert.deepEqual([...out.subarray(1)], [0, -1, -1])
})

function haversine(a: Point, b: Point): number {
  return distanceM(a.latitude, a.longitude, b.latitude, b.longitude)
}

function viaVectors(a: Point, b: Point): number {
  const out = new Float64Array(1)
  const vectors = unitVectors(Float64Array.of(b.latitude), Float64Array.of(b.longitude))
  distancesInto(out, vectors, Uint32Array.of(0), 1, a)
  return out[0]
}

/** Another formula, exact at every distance: the angle by its sine and cosine. */
function vincenty(a: Point, b: Point): number {
  const [p, q, d] = [a.latitude, b.latitude, b.longitude - a.longitude].map((x) => (x * Math.PI) / 180)
  const across = Math.cos(q) * Math.sin(d)
  const along = Math.cos(p) * Math.sin(q) - Math.sin(p) * Math.cos(q) * Math.cos(d)
  const cosine = Math.sin(p) * Math.sin(q) + Math.cos(p) * Math.cos(q) * Math.cos(d)
  return EARTH_RADIUS_M * Math.atan2(Math.hypot(across, along), cosine)
}

function close(found: number, wanted: number, withinM: number): void {
  assert.ok(Math.abs(found - wanted) <= withinM, `${found} m against ${wanted} m`)
}
