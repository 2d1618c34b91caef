import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { FLOAT32_BOUND, firstNotFinite, vectorProblem } from '../../src/features/featureValues.ts'

test('the first value that is not finite, as a plain search finds it', () => {
  const value = fc.oneof(
    fc.float(),
    fc.constantFrom(Number.NaN, Infinity, -Infinity, 3.4028234663852886e38, -3.4028234663852886e38),
  )
  fc.assert(
    fc.property(fc.array(value, { maxLength: 12 }), fc.nat(12), fc.nat(12), (list, start, end) => {
      const values = Float32Array.from(list)
      const last = Math.min(end, values.length)
      const expected = values.findIndex((one, i) => i >= start && i < last && !Number.isFinite(one))
      assert.equal(firstNotFinite(values, start, last), expected)
    }),
  )
})

test('what is within the bound rounds to a finite float32, the bound does not', () => {
  for (const sign of [1, -1]) {
    assert.ok(Number.isFinite(Math.fround(sign * (FLOAT32_BOUND - 2 ** 75))))
    assert.ok(!Number.isFinite(Math.fround(sign * FLOAT32_BOUND)))
  }
})

test('a vector of another length or with a value that is not finite is a problem', () => {
  assert.equal(vectorProblem(Float32Array.of(1, 2), 2), undefined)
  assert.equal(vectorProblem(Float32Array.of(1), 2), 'features must be 2 numbers, found 1')
  assert.equal(
    vectorProblem(Float32Array.of(1, 1e39), 2),
    'feature 1 must be finite as a 32-bit float, found Infinity',
  )
})
