import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM, unitVectors } from '../../src/geo/greatCircle.ts'
import { rankCandidates, type RankRequest } from '../../src/ranking/rankCandidates.ts'

// Places north of the user, a place each 0.01° (1,112 m); the logit of a row is in `logits`.
const PLACES = 30
const STEP_M = 1111.950802335329
const latitudes = Float64Array.from({ length: PLACES }, (_, row) => row * 0.01)
const vectors = unitVectors(latitudes, new Float64Array(PLACES))
const here = { latitude: 0, longitude: 0 }

describe('rankCandidates', () => {
  test('any request: what filtering and sorting all candidates gives', () => {
    const request = fc.record({
      candidateRows: fc.array(fc.integer({ min: 0, max: PLACES - 1 }), { maxLength: 50, size: 'max' }),
      latitude: fc.double({ min: 0, max: 0.3, noNaN: true }),
      longitude: fc.double({ min: -0.05, max: 0.05, noNaN: true }),
      size: fc.integer({ min: 1, max: 40 }),
      maxDistM: fc.double({ min: 0, max: 40_000, noNaN: true }),
      sortByDistance: fc.boolean(),
    })
    const logits = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: PLACES, maxLength: PLACES })
    fc.assert(
      fc.property(request, logits, (req, scores) => {
        const near = [...new Set(req.candidateRows)]
          .map((row) => ({
            row,
            logit: scores[row],
            at: distanceM(req.latitude, req.longitude, latitudes[row], 0),
          }))
          .filter(({ at }) => at <= req.maxDistM)
        const key = (each: { logit: number; at: number }) => (req.sortByDistance ? each.at : -each.logit)
        near.sort((a, b) => key(a) - key(b) || a.row - b.row)
        const found = rank(req, scores)
        assert.deepEqual(
          found.map(({ row }) => row),
          near.slice(0, req.size).map(({ row }) => row),
        )
        for (const [i, { logit, distanceM: d }] of found.entries()) {
          assert.equal(logit, near[i].logit)
          assert.ok(Math.abs(d - near[i].at) < 1e-6)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('defaults: 20 at most, within 5,000 m, best first', () => {
    const all = Array.from({ length: PLACES }, (_, row) => row)
    const found = rank({ ...here, candidateRows: all }, all)
    assert.deepEqual(
      found.map(({ row }) => row),
      [4, 3, 2, 1, 0],
    ) // row 4 is 4,448 m away, row 5 5,560 m
    const many = rank({ ...here, candidateRows: all, maxDistM: 1e6 }, all)
    assert.equal(many.length, 20)
    assert.equal(many[0].row, 29)
  })

  test('by distance it is the nearest that are returned, not the best put in order', () => {
    const found = rank(
      { ...here, candidateRows: [5, 1, 9, 3], size: 2, maxDistM: 1e6, sortByDistance: true },
      [],
    )
    assert.deepEqual(
      found.map(({ row }) => row),
      [1, 3],
    )
    assert.ok(Math.abs(found[0].distanceM - STEP_M) < 1e-6)
  })

  test('equal scores by row, a candidate named twice once, the typed array of the request unchanged', () => {
    const candidateRows = Uint32Array.of(7, 2, 7, 5, 2)
    const found = rank({ ...here, candidateRows, maxDistM: 1e6 }, [])
    assert.deepEqual(
      found.map(({ row }) => row),
      [2, 5, 7],
    )
    assert.deepEqual([...candidateRows], [7, 2, 7, 5, 2])
  })

  test('only what is within reach is scored', () => {
    const seen: number[] = []
    rankCandidates(
      { ...here, candidateRows: [20, 0, 1, 29], maxDistM: 2000 },
      {
        vectors,
        scoreInto: (logits, rows, count) => {
          seen.push(...rows.subarray(0, count))
          logits.fill(0, 0, count)
        },
      },
    )
    assert.deepEqual(seen, [0, 1])
  })

  test('a place exactly at the limit is within it; 0 m keeps what is at the spot; nothing gives nothing', () => {
    const { distanceM: exactM } = rank({ ...here, candidateRows: [3] }, [])[0]
    assert.equal(rank({ ...here, candidateRows: [3], maxDistM: exactM }, []).length, 1)
    assert.equal(rank({ ...here, candidateRows: [3], maxDistM: exactM - 1e-3 }, []).length, 0)
    assert.deepEqual(
      rank({ ...here, candidateRows: [0, 1], maxDistM: 0 }, []).map(({ row }) => row),
      [0],
    )
    assert.deepEqual(rank({ ...here, candidateRows: [] }, []), [])
  })

  test('a request out of its bounds is refused, saying what is wanted and what was found', () => {
    const good = { ...here, candidateRows: [1] }
    const bad: [Partial<RankRequest>, RegExp][] = [
      [{ latitude: 90.1 }, /latitude must be degrees from −90 to 90, found 90\.1/],
      [{ latitude: Number.NaN }, /latitude .* found NaN/],
      [{ longitude: -181 }, /longitude .* found -181/],
      [{ size: 0 }, /size must be an integer from 1, found 0/],
      [{ size: 1.5 }, /size .* found 1\.5/],
      [{ maxDistM: -1 }, /maxDistM must be metres, 0 or more, found -1/],
      [{ maxDistM: Number.NaN }, /maxDistM .* found NaN/],
      [{ candidateRows: [PLACES] }, /candidateRows must be rows of restaurants, 0 … 29, found 30/],
      [{ candidateRows: [0, -1] }, /candidateRows .* found -1/],
      [{ candidateRows: [0.5] }, /candidateRows .* found 0\.5/],
      [{ candidateRows: Uint32Array.of(4_000_000_000) }, /candidateRows .* found 4000000000/],
    ]
    for (const [part, message] of bad)
      assert.throws(() => rank({ ...good, ...part }, []), { name: 'NearrankError', code: 'INPUT', message })
  })

  test('a score that is no number is refused, naming the row', () => {
    for (const logit of [Number.NaN, Infinity])
      assert.throws(() => rank({ ...here, candidateRows: [0, 2] }, [0, 0, logit]), {
        code: 'NOT_FINITE',
        message: /restaurant row 2 has/,
      })
  })
})

function rank(request: RankRequest, logitOfRow: number[]) {
  return rankCandidates(request, {
    vectors,
    scoreInto: (logits, rows, count) => {
      for (let i = 0; i < count; i++) logits[i] = logitOfRow[rows[i]] ?? 0
    },
  })
}
