import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { linePath, nearestPoint, niceTicks } from '../../../src/console/parts/chart/scale.ts'

test('ticks are round, rise, and hold the values between their ends', () => {
  assert.deepEqual(niceTicks(0, 7, 3), [0, 5, 10])
  assert.deepEqual(niceTicks(0, 0.0042, 3), [0, 0.002, 0.004, 0.006])
  assert.deepEqual(niceTicks(0.301, 0.318, 3), [0.3, 0.31, 0.32])
  assert.deepEqual(niceTicks(0, 0, 3), [0, 0.5])
  fc.assert(
    fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (from, length) => {
      const [min, max] = [from / 1000, (from + length) / 1000]
      const ticks = niceTicks(min, max, 3)
      assert.ok(ticks.length >= 2 && ticks.length <= 6, String(ticks))
      assert.ok(ticks[0] <= min + 1e-6 && ticks[ticks.length - 1] >= max - 1e-6, String(ticks))
      const steps = ticks.slice(1).map((tick, i) => tick - ticks[i])
      assert.ok(steps.every((step) => step > 0 && Math.abs(step - steps[0]) < 1e-6 * steps[0] + 1e-9))
    }),
  )
})

test('a line breaks where there is nothing, and a lone point is still drawn', () => {
  const path = (points: [number, number | null][]) =>
    linePath(
      points,
      (x) => 10 * x,
      (y) => 100 - y,
    )
  assert.equal(
    path([
      [0, 1],
      [1, 2],
      [2, null],
      [3, 4],
    ]),
    'M0.0 99.0L10.0 98.0M30.0 96.0h0',
  )
  assert.equal(
    path([
      [0, null],
      [1, null],
    ]),
    '',
  )
  assert.equal(path([]), '')
})

test('the nearest point is one that has a value', () => {
  const points = [
    [0, 1],
    [1, null],
    [2, 5],
  ] as const
  assert.equal(nearestPoint(points, 0.9), 0)
  assert.equal(nearestPoint(points, 1.1), 2)
  assert.equal(nearestPoint([[1, null]], 1), -1)
})
