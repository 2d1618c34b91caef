import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM, unitVectors } from '../../src/geo/greatCircle.ts'
import { cellOf } from '../../src/geo/placeCells.ts'
import { mix32 } from '../../src/random.ts'
import { RankPass, type RankingSource, type RankWhere } from '../../src/ranking/rankPass.ts'
import { uniform } from './rankingFixture.ts'

// Places north of the user, a place each 0.01° (1,112 m).
const PLACES = 30
const STEP_M = 1111.950802335329
const latitudes = Float64Array.from({ length: PLACES }, (_, row) => row * 0.01)
const vectors = unitVectors(latitudes, new Float64Array(PLACES))
const cells = Uint32Array.from(latitudes, (latitude) => cellOf(latitude, 0))
const here: RankWhere = { latitude: 0, longitude: 0, size: 20, maxDistM: 1e6, sortByDistance: false }
const all = Array.from({ length: PLACES }, (_, row) => row)
const byId = (rowA: number, rowB: number) => mix32(rowA) < mix32(rowB) // another order than that of rows

describe('RankPass', () => {
  test('any request, one pass for all: what filtering and sorting the candidates gives, equal ones by isBefore', () => {
    const where = fc.record({
      latitude: uniform(0, 0.3),
      longitude: uniform(-0.05, 0.05),
      size: fc.integer({ min: 1, max: 40 }),
      maxDistM: uniform(0, 40_000),
      sortByDistance: fc.boolean(),
    })
    const candidates = fc.array(fc.nat({ max: PLACES - 1 }), { maxLength: 50, size: 'max' })
    const logits = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: PLACES, maxLength: PLACES })
    const pass = new RankPass()
    fc.assert(
      fc.property(candidates, where, logits, (rows, request, scores) => {
        const near = [...new Set(rows)]
          .map((row) => ({
            row,
            logit: scores[row],
            at: distanceM(request.latitude, request.longitude, latitudes[row], 0),
          }))
          .filter(({ at }) => at <= request.maxDistM)
        const key = (each: { logit: number; at: number }) => (request.sortByDistance ? each.at : -each.logit)
        near.sort((a, b) => key(a) - key(b) || (byId(a.row, b.row) ? -1 : 1))
        const found = rank(rows, request, scores, pass)
        assert.deepEqual(
          found.map(({ row }) => row),
          near.slice(0, request.size).map(({ row }) => row),
        )
        for (const [i, { logit, distanceM: d }] of found.entries()) {
          assert.equal(logit, near[i].logit)
          assert.ok(Math.abs(d - near[i].at) < 1e-6)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('by distance it is the nearest that are returned, not the best put in order', () => {
    const found = rank([5, 1, 9, 3], { ...here, size: 2, sortByDistance: true }, [])
    assert.deepEqual(
      found.map(({ row }) => row),
      [1, 3],
    )
    assert.ok(Math.abs(found[0].distanceM - STEP_M) < 1e-6)
  })

  test('equal distances by isBefore too', () => {
    const atOneSpot = unitVectors(new Float64Array(PLACES), new Float64Array(PLACES))
    const pass = new RankPass()
    pass.candidates.set(all)
    const source = { ...sourceOf([]), vectors: atOneSpot, cells: new Uint32Array(PLACES).fill(cellOf(0, 0)) }
    assert.equal(pass.run(PLACES, { ...here, size: 7, sortByDistance: true }, source), 7)
    assert.deepEqual(
      Array.from(pass.order.subarray(0, 7), (at) => pass.rows[at]),
      all.toSorted((a, b) => (byId(a, b) ? -1 : 1)).slice(0, 7),
    )
  })

  test('only what is within reach is scored, and that once', () => {
    const seen: number[] = []
    const pass = new RankPass()
    pass.candidates.set([20, 0, 1, 29, 0, 1])
    const scoreInto = (logits: Float64Array, rows: Uint32Array, count: number) => {
      seen.push(...rows.subarray(0, count))
      logits.fill(0, 0, count)
    }
    assert.equal(pass.run(6, { ...here, maxDistM: 2000 }, { ...sourceOf([]), scoreInto }), 2)
    assert.deepEqual(seen, [0, 1])
  })

  test('a place exactly at the limit is within it; 0 m keeps what is at the spot; nothing gives nothing', () => {
    const { distanceM: exactM } = rank([3], here, [])[0]
    assert.equal(rank([3], { ...here, maxDistM: exactM }, []).length, 1)
    assert.equal(rank([3], { ...here, maxDistM: exactM - 1e-3 }, []).length, 0)
    assert.deepEqual(
      rank([0, 1], { ...here, maxDistM: 0 }, []).map(({ row }) => row),
      [0],
    )
    assert.deepEqual(rank([], here, []), [])
  })

  test('a score that is no number within reach is left out and counted, by distance too; beyond reach nobody asks', () => {
    for (const logit of [Number.NaN, Infinity, -Infinity])
      for (const sortByDistance of [false, true]) {
        const pass = new RankPass()
        pass.candidates.set([29, 0, 2, 1])
        const where = { ...here, maxDistM: 5000, sortByDistance }
        const found = pass.run(4, where, sourceOf([0, 0, logit]))
        assert.equal(found, 2)
        assert.deepEqual(
          [...pass.order.subarray(0, 2)].map((at) => pass.rows[at]).toSorted((a, b) => a - b),
          [0, 1],
        )
        assert.deepEqual([pass.notFinite, pass.notFiniteRow], [1, 2])
        pass.candidates.set([29, 0, 2, 1])
        assert.equal(pass.run(4, { ...where, maxDistM: 2000 }, sourceOf([0, 0, logit])), 2)
        assert.equal(pass.notFinite, 0)
      }
  })

  test('reserve makes room, and never less than there was', () => {
    const pass = new RankPass()
    for (const count of [0, 1024, 1025, 3, 100_000, 7]) {
      pass.reserve(count)
      for (const room of [pass.candidates, pass.rows, pass.logits, pass.distancesM, pass.order])
        assert.ok(room.length >= count)
      pass.candidates.fill(0, 0, count)
      pass.candidates[count - 1] = 5
      assert.equal(pass.run(count, { ...here, size: 1 }, sourceOf([0, 0, 0, 0, 0, 9])), Math.min(1, count))
      if (count > 0) assert.equal(pass.rows[pass.order[0]], 5)
    }
  })
})

function sourceOf(logitOfRow: number[]): RankingSource {
  return {
    vectors,
    cells,
    scoreInto: (logits, rows, count) => {
      for (let i = 0; i < count; i++) logits[i] = logitOfRow[rows[i]] ?? 0
    },
    isBefore: byId,
  }
}

function rank(rows: number[], where: RankWhere, logitOfRow: number[], pass = new RankPass()) {
  pass.reserve(rows.length)
  pass.candidates.set(rows)
  const ranked = pass.run(rows.length, where, sourceOf(logitOfRow))
  assert.ok(ranked >= 0)
  return Array.from(pass.order.subarray(0, ranked), (at) => ({
    row: pass.rows[at],
    logit: pass.logits[at],
    distanceM: pass.distancesM[at],
  }))
}
