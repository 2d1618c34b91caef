import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { binaryEntropy, LOG_LOSS_ROWS_MAX, logLossesInto, logLossSumInto } from '../../src/metrics/logLoss.ts'

describe('logLossSumInto', () => {
  test('moderate logits: −log of the probability of what happened, within 1e-12', () => {
    const row = fc.record({
      logit: fc.float({ min: -20, max: 20, noNaN: true }),
      click: fc.integer({ min: 0, max: 1 }),
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: LOG_LOSS_ROWS_MAX, size: 'max' }), (rows) => {
        const each = new Float64Array(rows.length)
        const logits = Float32Array.from(rows, (one) => one.logit)
        logLossesInto(
          each,
          logits,
          Uint8Array.from(rows, (one) => one.click),
          rows.length,
        )
        let wanted = 0
        for (const [i, { logit, click }] of rows.entries()) {
          const odds = Math.exp(click === 1 ? -logit : logit)
          wanted += Math.log1p(odds)
          assert.ok(Math.abs(each[i] - Math.log1p(odds)) <= 1e-14 * (1 + Math.abs(logit)), `${each[i]}`)
        }
        const { sum, probabilities } = lossOf(rows)
        assert.ok(Math.abs(sum - wanted) <= 1e-12 + 1e-12 * wanted, `${sum} against ${wanted}`)
        for (const [i, { logit }] of rows.entries()) {
          const probability = 1 / (1 + Math.exp(-logit))
          assert.ok(Math.abs(probabilities[i] - probability) <= 1e-15 + 1e-13 * probability)
        }
      }),
    )
  })

  test('extreme logits are neither rounded to log 0 nor overflow', () => {
    assert.equal(lossOf([{ logit: 1000, click: 0 }]).sum, 1000)
    assert.equal(lossOf([{ logit: -1000, click: 1 }]).sum, 1000)
    assert.equal(lossOf([{ logit: 1000, click: 1 }]).sum, 0)
    assert.equal(lossOf([{ logit: 0, click: 1 }]).sum, Math.LN2)
    const full = Array.from({ length: LOG_LOSS_ROWS_MAX }, () => ({ logit: 0, click: 0 }))
    assert.ok(Math.abs(lossOf(full).sum - LOG_LOSS_ROWS_MAX * Math.LN2) < 1e-10)
  })

  test('NaN and infinite logits give no finite sum', () => {
    for (const logit of [Number.NaN, Infinity, -Infinity])
      for (const click of [0, 1])
        assert.ok(
          !Number.isFinite(
            lossOf([
              { logit, click },
              { logit: 1, click: 1 },
            ]).sum,
          ),
        )
  })
})

test('binaryEntropy: ln 2 for a fair coin, 0 for a sure one, symmetric', () => {
  assert.ok(Math.abs(binaryEntropy(0.5) - Math.LN2) < 1e-15)
  assert.equal(binaryEntropy(0), 0)
  assert.equal(binaryEntropy(1), 0)
  assert.ok(Math.abs(binaryEntropy(0.1) - 0.325082973391448) < 1e-12) // −0.1·ln 0.1 − 0.9·ln 0.9
  assert.ok(Math.abs(binaryEntropy(0.25) - binaryEntropy(0.75)) < 1e-15)
})

function lossOf(rows: { logit: number; click: number }[]) {
  const probabilities = new Float64Array(rows.length)
  const logits = Float32Array.from(rows, (row) => row.logit)
  const clicks = Uint8Array.from(rows, (row) => row.click)
  return { sum: logLossSumInto(probabilities, logits, clicks, 0, rows.length), probabilities }
}
