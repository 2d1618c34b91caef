import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { Calibration } from '../../src/metrics/calibration.ts'

describe('Calibration', () => {
  test('the weighted gap of each of 20 bins, against a calculation bin by bin', () => {
    const row = fc.record({
      probability: fc.integer({ min: 0, max: 1000 }).map((i) => i / 1000), // edges of bins included
      click: fc.integer({ min: 0, max: 1 }),
    })
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 200, size: 'max' }), (rows) => {
        let wanted = 0
        for (let bin = 0; bin < 20; bin++) {
          const isLast = bin === 19
          const own = rows.filter(
            ({ probability: p }) => p * 20 >= bin && (p * 20 < bin + 1 || (isLast && p === 1)),
          )
          if (own.length === 0) continue
          const mean = (pick: (row: { probability: number; click: number }) => number) =>
            own.reduce((sum, each) => sum + pick(each), 0) / own.length
          wanted += (own.length / rows.length) * Math.abs(mean((r) => r.click) - mean((r) => r.probability))
        }
        const found = errorOf(
          rows.map((r) => r.probability),
          rows.map((r) => r.click),
        )
        assert.ok(Math.abs(found - wanted) < 1e-12, `${found} against ${wanted}`)
      }),
    )
  })

  test('by hand: two bins, each off in its own direction', () => {
    // Bin 0.20 … 0.25: says 0.2, sees 1; bin 0.90 … 0.95: says 0.9, sees 0.5. (1·0.8 + 2·0.4) / 3
    assert.ok(Math.abs(errorOf([0.2, 0.9, 0.9], [1, 1, 0]) - 1.6 / 3) < 1e-12)
  })

  test('sure and right is 0, sure and wrong is 1, nothing is NaN', () => {
    assert.equal(errorOf([0, 1, 1], [0, 1, 1]), 0)
    assert.equal(errorOf([1, 0], [0, 1]), 1)
    assert.ok(Number.isNaN(errorOf([], [])))
  })

  test('clicks are read from their own start on', () => {
    const calibration = new Calibration()
    calibration.add(Float64Array.of(1, 0), Uint8Array.of(0, 1, 1, 0), 2, 2)
    assert.equal(calibration.error(), 0)
  })
})

function errorOf(probabilities: number[], clicks: number[]): number {
  const calibration = new Calibration()
  calibration.add(Float64Array.from(probabilities), Uint8Array.from(clicks), 0, clicks.length)
  return calibration.error()
}
