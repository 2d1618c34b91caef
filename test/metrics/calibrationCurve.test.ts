import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { calibrationCurve } from '../../src/metrics/calibrationCurve.ts'
import { HistogramAuc } from '../../src/metrics/histogramAuc.ts'
import { Random } from '../../src/random.ts'

function curveOf(logits: number[], clicks: number[]) {
  const histogram = new HistogramAuc()
  histogram.add(Float32Array.from(logits), Uint8Array.from(clicks), 0, logits.length)
  return calibrationCurve(histogram, logits.length)
}

describe('calibrationCurve', () => {
  test('tenths of the sorted rows: rows, mean prediction and click rate as a plain calculation finds them', () => {
    const random = new Random(4)
    const rows = Array.from({ length: 20_000 }, () => {
      const logit = Math.fround(3 * random.normal() - 1)
      return { logit, click: random.float() < 1 / (1 + Math.exp(-logit)) ? 1 : 0 }
    })
    const found = curveOf(
      rows.map(({ logit }) => logit),
      rows.map(({ click }) => click),
    )
    const sorted = rows.toSorted((a, b) => a.logit - b.logit)
    assert.equal(found.length, 10)
    assert.equal(
      found.reduce((sum, bin) => sum + bin.rows, 0),
      rows.length,
    )
    for (const [i, bin] of found.entries()) {
      const own = sorted.slice(2000 * i, 2000 * (i + 1))
      const mean = (of: (row: { logit: number; click: number }) => number) =>
        own.reduce((sum, row) => sum + of(row), 0) / own.length
      assert.ok(Math.abs(bin.rows - 2000) <= 10, `${bin.rows} rows`)
      assert.ok(Math.abs(bin.clickRate - mean(({ click }) => click)) < 0.005)
      assert.ok(Math.abs(bin.prediction - mean(({ logit }) => 1 / (1 + Math.exp(-logit)))) < 0.001)
    }
  })

  test('rows of one logit are in one tenth; the mean prediction is that of the logit, however large', () => {
    for (const logit of [-30, -2.7, -1e-30, 0, 0.4, 12]) {
      const [bin, ...others] = curveOf([logit, logit, logit], [0, 1, 0])
      assert.deepEqual([others.length, bin.rows, bin.clickRate], [0, 3, 1 / 3])
      const wanted = 1 / (1 + Math.exp(-logit))
      assert.ok(Math.abs(bin.prediction - wanted) < 2e-5, `${bin.prediction} for ${wanted}`)
    }
  })

  test('fewer than ten rows: a tenth without rows is left out', () => {
    assert.deepEqual(
      curveOf([1, -1], [1, 0]).map(({ rows, clickRate }) => [rows, clickRate]),
      [
        [1, 0],
        [1, 1],
      ],
    )
    assert.deepEqual(curveOf([], []), [])
  })
})
