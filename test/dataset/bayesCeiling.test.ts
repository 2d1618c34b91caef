import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bestAccuracy, bestLogLoss, clickProbability } from '../../src/dataset/generator/bayesCeiling.ts'

/** The integral over the normal density, by 20,000 steps of the midpoint rule within ±10 standard deviations. */
function integrated(score: number, noise: number): number {
  const step = 20 / 20_000
  let sum = 0
  for (let i = 0; i < 20_000; i++) {
    const x = -10 + (i + 0.5) * step
    sum += (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) / (1 + Math.exp(-(score + noise * x)))) * step
  }
  return sum
}

test('the click probability is the integral over the noise, difference < 1e-11', () => {
  for (const score of [-40, -7.5, -2, -0.3, 0, 0.1, 1, 3, 12, 700])
    assert.ok(Math.abs(clickProbability(score, 0.1) - integrated(score, 0.1)) < 1e-11, `score ${score}`)
})

test('accuracy and log loss of the best predictor', () => {
  assert.deepEqual([bestAccuracy(0.3), bestAccuracy(0.75), bestAccuracy(1)], [0.7, 0.75, 1])
  assert.ok(Math.abs(bestLogLoss(0.5) - Math.LN2) < 1e-15)
  assert.deepEqual([bestLogLoss(0), bestLogLoss(1)], [0, 0])
})
