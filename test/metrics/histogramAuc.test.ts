import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { HistogramAuc } from '../../src/metrics/histogramAuc.ts'
import { Random } from '../../src/random.ts'

interface Row {
  score: number
  click: number
}

const finiteFloat = fc.float({ noNaN: true, noDefaultInfinity: true })
const separated = fc.integer({ min: -6, max: 6 }).map((i) => i / 2) // never two values in one bin
const click = fc.integer({ min: 0, max: 1 })

describe('HistogramAuc', () => {
  test('scores that are well apart: exactly the share of ordered pairs, ties half', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ score: separated, click }), { maxLength: 60, size: 'max' }),
        (rows) => {
          const auc = fill(rows)
          const exact = areaOfPairs(rows)
          if (exact === null) assert.equal(auc.area(), null)
          else
            assert.ok(Math.abs((auc.area() ?? Number.NaN) - exact) < 1e-12, `${auc.area()} against ${exact}`)
        },
      ),
    )
  })

  test('any float32 scores: within the bound that it states', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ score: finiteFloat, click }), { maxLength: 60, size: 'max' }),
        (rows) => {
          const auc = fill(rows)
          const exact = areaOfPairs(rows)
          if (exact === null) assert.equal(auc.area(), null)
          else assert.ok(Math.abs((auc.area() ?? Number.NaN) - exact) <= auc.errorBound() + 1e-12)
        },
      ),
    )
  })

  test('20,000 scores near each other: area within 1e-5 of the sorted one, bound below 1e-3', () => {
    const random = new Random(7)
    const rows = Array.from({ length: 20_000 }, () => {
      const score = Math.fround(0.03 + 0.01 * random.normal())
      return { score, click: random.float() < 1 / (1 + Math.exp(-100 * (score - 0.03))) ? 1 : 0 }
    })
    const auc = fill(rows)
    const exact = areaBySorting(rows)
    assert.ok(exact > 0.6 && exact < 0.9, `${exact}`)
    assert.ok(Math.abs((auc.area() ?? Number.NaN) - exact) < 1e-5, `${auc.area()} against ${exact}`)
    assert.ok(auc.errorBound() < 1e-3, `${auc.errorBound()}`)
  })

  test('floats next to each other in size by 2^-12 are told apart, at every magnitude and sign', () => {
    for (const size of [1e-38, 1e-20, 1e-3, 1, 3, 1e4, 1e30])
      for (const sign of [1, -1]) {
        const [low, high] = [sign * size, sign * size * (1 + 2 ** -12)].toSorted((a, b) => a - b)
        const auc = fill([
          { score: high, click: 1 },
          { score: low, click: 0 },
        ])
        assert.equal(auc.area(), 1, `${low} and ${high}`)
      }
  })

  test('zero and minus zero tie; so do equal scores', () => {
    assert.equal(
      fill([
        { score: 0, click: 0 },
        { score: -0, click: 1 },
      ]).area(),
      0.5,
    )
    assert.equal(
      fill([
        { score: -0, click: 0 },
        { score: 0, click: 1 },
      ]).area(),
      0.5,
    )
    assert.equal(fill(Array.from({ length: 9 }, (_, i) => ({ score: 1.5, click: i % 2 }))).area(), 0.5)
  })

  test('one class only, or nothing: null', () => {
    assert.equal(fill([]).area(), null)
    assert.equal(fill([{ score: 1, click: 1 }]).area(), null)
    assert.equal(fill([{ score: 1, click: 0 }]).area(), null)
    assert.equal(fill([]).errorBound(), 0)
  })

  test('only rows start … end − 1 count', () => {
    const auc = new HistogramAuc()
    auc.add(Float32Array.of(9, 1, 2, -9), Uint8Array.of(0, 0, 1, 1), 1, 3)
    assert.equal(auc.area(), 1)
  })
})

function fill(rows: Row[]): HistogramAuc {
  const auc = new HistogramAuc()
  const scores = Float32Array.from(rows, (row) => row.score)
  auc.add(
    scores,
    Uint8Array.from(rows, (row) => row.click),
    0,
    rows.length,
  )
  return auc
}

/** Every pair of a positive and a negative. */
function areaOfPairs(rows: Row[]): number | null {
  const positives = rows.filter((row) => row.click === 1)
  const negatives = rows.filter((row) => row.click === 0)
  if (positives.length === 0 || negatives.length === 0) return null
  let won = 0
  for (const p of positives)
    for (const n of negatives) won += p.score > n.score ? 1 : p.score === n.score ? 0.5 : 0
  return won / positives.length / negatives.length
}

/** Mann–Whitney's U from the ranks; the scores must be almost all different (ties are ranked as sorted). */
function areaBySorting(rows: Row[]): number {
  const sorted = rows.toSorted((a, b) => a.score - b.score)
  const positives = sorted.filter((row) => row.click === 1).length
  let rankSum = 0
  for (const [i, row] of sorted.entries()) if (row.click === 1) rankSum += i + 1
  return (rankSum - (positives * (positives + 1)) / 2) / positives / (rows.length - positives)
}
