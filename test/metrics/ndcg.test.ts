import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { GroupedNdcg } from '../../src/metrics/ndcg.ts'

interface Row {
  user: number
  score: number
  click: number
}

const USERS = 4

describe('GroupedNdcg', () => {
  test('rows of several users, with many ties and more than ten rows each: the sorted lists’ mean', () => {
    const row = fc.record({
      user: fc.integer({ min: 0, max: USERS - 1 }),
      score: fc.oneof(
        fc.integer({ min: -2, max: 2 }),
        fc.float({ noNaN: true, noDefaultInfinity: true, min: -50, max: 50 }),
      ),
      click: fc.integer({ min: 0, max: 1 }),
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 120, size: 'max' }), (rows) => {
        const wanted = bruteForce(rows)
        const found = fill(rows).mean()
        if (wanted === null) assert.equal(found, null)
        else assert.ok(Math.abs((found ?? Number.NaN) - wanted) < 1e-12, `${found} against ${wanted}`)
      }),
      { numRuns: 500 },
    )
  })

  test('a list in the best order has 1, one whose only click is past rank ten has 0', () => {
    assert.equal(ndcgInOrder([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 1)
    assert.equal(ndcgInOrder(Array.from({ length: 15 }, () => 1)), 1)
    assert.equal(ndcgInOrder([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), 0)
    assert.equal(ndcgInOrder([0, 1]), 1 / Math.log2(3))
    // Clicks past rank ten count in the ideal list.
    assert.equal(ndcgInOrder([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]), 1 / Math.log2(3) / (1 + 1 / Math.log2(3)))
  })

  test('equal scores stand in any order, zero and minus zero included, however the rows come', () => {
    const mean = (1 + 1 / Math.log2(3)) / 2
    assert.equal(ndcgOf([3, 3], [1, 0]), mean)
    assert.equal(ndcgOf([3, 3], [0, 1]), mean)
    assert.equal(ndcgOf([-0, 0], [1, 0]), mean)
    const constant = Array.from({ length: 40 }, () => 0.5)
    const clicks = constant.map((_, i) => (i < 8 ? 1 : 0))
    const first = ndcgOf(constant, clicks)
    assert.equal(first, ndcgOf(constant, clicks.toReversed()))
    const all = gain(constant.map(() => 1)) // of ten ranks, a fifth of which are clicks
    assert.ok(Math.abs((first ?? 0) - (0.2 * all) / gain(clicks)) < 1e-12)
  })

  test('users without a click are left out; nobody has one: null', () => {
    const mean = fill([
      { user: 0, score: 1, click: 0 },
      { user: 2, score: 1, click: 1 },
    ]).mean()
    assert.equal(mean, 1)
    assert.equal(fill([{ user: 0, score: 1, click: 0 }]).mean(), null)
    assert.equal(fill([]).mean(), null)
  })
})

function fill(rows: Row[]): GroupedNdcg {
  const ndcg = new GroupedNdcg(USERS)
  const scores = Float32Array.from(rows, (row) => row.score)
  const clicks = Uint8Array.from(rows, (row) => row.click)
  const users = Uint32Array.from(rows, (row) => row.user)
  const half = rows.length >> 1 // in two pieces, as a stream comes
  ndcg.add(scores, clicks, users, 0, half)
  ndcg.add(scores, clicks, users, half, rows.length)
  return ndcg
}

/** One user's rows, best first. */
function ndcgInOrder(clicks: number[]): number | null {
  return ndcgOf(
    clicks.map((_, i) => -i),
    clicks,
  )
}

function ndcgOf(scores: number[], clicks: number[]): number | null {
  return fill(scores.map((score, i) => ({ user: 1, score, click: clicks[i] }))).mean()
}

/** Sorts each user's whole list; a row of several with one score is each of them equally often. */
function bruteForce(rows: Row[]): number | null {
  const means: number[] = []
  for (let user = 0; user < USERS; user++) {
    const own = rows.filter((row) => row.user === user)
    const clicked = own.filter((row) => row.click === 1).length
    if (clicked === 0) continue
    const sorted = own.toSorted((a, b) => Math.fround(b.score) - Math.fround(a.score))
    const ideal = gain(Array.from({ length: clicked }, () => 1))
    const shares = sorted.map(({ score }) => {
      const same = own.filter((row) => Math.fround(row.score) === Math.fround(score))
      return same.filter((row) => row.click === 1).length / same.length
    })
    means.push(gain(shares) / ideal)
  }
  return means.length === 0 ? null : means.reduce((a, b) => a + b, 0) / means.length
}

function gain(clicks: number[]): number {
  return clicks.slice(0, 10).reduce((sum, click, i) => sum + click / Math.log2(i + 2), 0)
}
