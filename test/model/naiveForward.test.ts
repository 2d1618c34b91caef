import assert from 'node:assert/strict'
import { test } from 'node:test'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import type { Network, StateDict } from '../../src/model/network.ts'

const network: Network = { userFeatures: 1, restaurantFeatures: 1, hidden: [2], activations: ['relu'] }
const weights: StateDict = new Map([
  ['model.0.weight', { shape: [2, 2], data: Float32Array.of(1, 2, -3, 4) }],
  ['model.0.bias', { shape: [2], data: Float32Array.of(0.5, -1) }],
  ['model.2.weight', { shape: [1, 2], data: Float32Array.of(2, -1) }],
  ['model.2.bias', { shape: [1], data: Float32Array.of(0.25) }],
])

test('logits worked out by hand, with and without the activation', () => {
  const features = Float64Array.of(1, 1, -1, 0.5, 0, 0)
  // Row 1: [3.5, 0] → 7.25; row 2: [0.5, 4] → -2.75; row 3: [0.5, -1 → 0] → 1.25
  assert.deepEqual([...naiveLogits(network, weights, features)], [7.25, -2.75, 1.25])
  const linear = new Map([...weights].map(([name, tensor]) => [name.replace('2', '1'), tensor]))
  assert.deepEqual(
    [...naiveLogits({ ...network, activations: ['none'] }, linear, features)],
    [7.25, -2.75, 2.25],
  )
})

test('no rows give no logits; broken rows and missing tensors are refused', () => {
  assert.equal(naiveLogits(network, weights, new Float32Array()).length, 0)
  assert.throws(() => naiveLogits(network, weights, new Float32Array(3)), { code: 'INTERNAL' })
  assert.throws(() => naiveLogits(network, new Map(), new Float32Array(2)), {
    message: /model\.0\.weight is missing/,
  })
})
