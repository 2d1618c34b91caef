import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM, EARTH_RADIUS_M, keepWithin, unitVectors } from '../../src/geo/greatCircle.ts'

interface Point {
  latitude: number
  longitude: number
}

// Not fc.double, which draws bits: most of its numbers are tiny.
const uniform = (min: number, max: number) =>
  fc.nat({ max: 0x7fffffff }).map((drawn) => min + ((max - min) * drawn) / 0x7fffffff)
const point = fc.record({ latitude: uniform(-90, 90), longitude: uniform(-180, 180) })
const anyDistance = [
  { name: 'distanceM', between: haversine },
  { name: 'keepWithin', between: viaVectors },
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
      const step = uniform(-0.1, 0.1)
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

describe('keepWithin, the filter', () => {
  const anyReach = fc.oneof(uniform(0, 2.1e7), fc.constantFrom(0, Math.PI * EARTH_RADIUS_M, Infinity))

  test('any places, any reach: those whose haversine distance is not more, in their order', () => {
    fc.assert(
      fc.property(fc.array(point, { maxLength: 40 }), point, anyReach, (places, from, maxDistM) => {
        const { rows, distances } = within(places, from, maxDistM)
        const wanted = places.map((place) => haversine(from, place))
        // Near antipodes both formulas are exact to 0.2 m only: who is that near to the bound may be in or out.
        const isClear = (row: number) =>
          Math.abs(wanted[row] - maxDistM) > (wanted[row] > 19.9e6 ? 0.5 : 1e-5)
        assert.deepEqual(
          rows.filter(isClear),
          [...places.keys()].filter((row) => isClear(row) && wanted[row] <= maxDistM),
        )
        assert.deepEqual(
          rows,
          rows.toSorted((a, b) => a - b),
          'in their order, each once',
        )
        for (const [i, row] of rows.entries())
          close(distances[i], wanted[row], wanted[row] > 19.9e6 ? 0.5 : 1e-5)
      }),
      { numRuns: 2000 },
    )
  })

  test('a place at the very bound is in, one floating-point step nearer it is out', () => {
    fc.assert(
      fc.property(point, point, (from, place) => {
        const exactM = viaVectors(from, place)
        assert.equal(within([place], from, exactM).rows.length, 1)
        if (exactM > 0) assert.equal(within([place], from, exactM * (1 - 2 ** -52)).rows.length, 0)
      }),
      { numRuns: 2000 },
    )
  })

  test('0 m keeps what is at the spot, and nothing a metre away', () => {
    fc.assert(
      fc.property(point, ({ latitude, longitude }) => {
        const metre = latitude > 0 ? latitude - 1e-5 : latitude + 1e-5
        const places = [
          { latitude: metre, longitude },
          { latitude, longitude },
        ]
        const { rows, distances } = within(places, { latitude, longitude }, 0)
        assert.deepEqual([rows, distances], [[1], [0]])
      }),
    )
  })

  test('half the earth, more, and infinity keep every place, antipodes too', () => {
    fc.assert(
      fc.property(fc.array(point, { maxLength: 20 }), point, (some, from) => {
        const { latitude, longitude } = from
        const antipode = { latitude: -latitude, longitude: longitude > 0 ? longitude - 180 : longitude + 180 }
        const places = [...some, antipode]
        for (const maxDistM of [Math.PI * EARTH_RADIUS_M, 2.1e7, 1e300, Infinity])
          assert.equal(within(places, from, maxDistM).rows.length, places.length)
      }),
    )
  })

  test('a place that is NaN is nowhere, at any reach', () => {
    const nowhere = { latitude: Number.NaN, longitude: Number.NaN }
    for (const maxDistM of [0, 5000, 1e8, Infinity])
      assert.deepEqual(
        within([nowhere, { latitude: 0, longitude: 0 }, nowhere], { latitude: 0, longitude: 0 }, maxDistM)
          .rows,
        [1],
      )
  })

  test('only the first `count` rows asked for are looked at, whatever their order, and nothing else is written', () => {
    const vectors = unitVectors(Float64Array.of(0, 0, 0, 0), Float64Array.of(0, 1, 2, 3))
    const candidates = Uint32Array.of(2, 3, 0, 1, 1)
    const from = { latitude: 0, longitude: 0, maxDistM: 250_000 }
    for (const isInPlace of [false, true]) {
      const rows = isInPlace ? candidates : new Uint32Array(5).fill(9)
      const distances = new Float64Array(5).fill(-1)
      assert.equal(keepWithin(rows, distances, candidates, 4, vectors, from), 3)
      assert.deepEqual([...rows], isInPlace ? [2, 0, 1, 1, 1] : [2, 0, 1, 9, 9])
      for (const [i, degrees] of [2, 0, 1].entries()) close(distances[i], degrees * 111_195.0802335329, 1e-6)
      assert.deepEqual([...distances.subarray(3)], [-1, -1])
    }
    assert.equal(keepWithin(candidates, new Float64Array(0), candidates, 0, vectors, from), 0)
  })
})

function haversine(a: Point, b: Point): number {
  return distanceM(a.latitude, a.longitude, b.latitude, b.longitude)
}

function viaVectors(a: Point, b: Point): number {
  const { rows, distances } = within([b], a, Infinity)
  assert.deepEqual(rows, [0])
  return distances[0]
}

/** What `keepWithin` leaves of all `places`. */
function within(places: Point[], from: Point, maxDistM: number) {
  const vectors = unitVectors(
    Float64Array.from(places, ({ latitude }) => latitude),
    Float64Array.from(places, ({ longitude }) => longitude),
  )
  const candidates = Uint32Array.from(places.keys())
  const rows = new Uint32Array(places.length)
  const distancesM = new Float64Array(places.length)
  const kept = keepWithin(rows, distancesM, candidates, places.length, vectors, { ...from, maxDistM })
  return { rows: [...rows.subarray(0, kept)], distances: [...distancesM.subarray(0, kept)] }
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

test('within 0 m: a pole is one point, and 180° is -180°', () => {
  const both = [
    ...[90, -90].map((latitude) => [latitude, -180, latitude, 77]),
    ...[0, 51.3, -90].map((latitude) => [latitude, 180, latitude, -180]),
  ]
  for (const [latitude, longitude, ...place] of both) {
    const vectors = unitVectors(Float64Array.of(place[0]), Float64Array.of(place[1]))
    const from = { latitude, longitude, maxDistM: 0 }
    const kept = keepWithin(new Uint32Array(1), new Float64Array(1), Uint32Array.of(0), 1, vectors, from)
    assert.equal(kept, 1, `${latitude} ${longitude} to ${place.join(' ')}`)
  }
})
