import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { foldNetwork } from '../../src/model/foldNetwork.ts'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import { inputWidth, type Network, type StateDict } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { attribute } from '../../src/ranking/explain/attribute.ts'
import { network as anyNetwork, normals, normalWeights } from './rankingFixture.ts'

const draw = (random: Random, net: Network) => Float64Array.from(normals(random, inputWidth(net), 2))
const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0)

/**
 * Integrated gradients by the book: central differences of the unfolded network at the midpoints of many
 * steps.
 */
function integrated(
  net: Network,
  weights: StateDict,
  [from, to]: [Float64Array, Float64Array],
  steps: number,
) {
  const inputs = from.length
  const nudge = 1e-4
  const effects = new Float64Array(inputs)
  for (let step = 0; step < steps; step++) {
    const at = from.map((value, i) => value + ((step + 0.5) / steps) * (to[i] - value))
    const rows = new Float64Array(2 * inputs * inputs)
    for (let i = 0; i < inputs; i++)
      for (const [k, sign] of [1, -1].entries()) {
        rows.set(at, (2 * i + k) * inputs)
        rows[(2 * i + k) * inputs + i] += sign * nudge
      }
    const logits = naiveLogits(net, weights, rows)
    for (let i = 0; i < inputs; i++)
      effects[i] += (((logits[2 * i] - logits[2 * i + 1]) / (2 * nudge)) * (to[i] - from[i])) / steps
  }
  return effects
}

test('on any network, effects add up to what the logit changes, to rounding, and logits are its own', () => {
  fc.assert(
    fc.property(anyNetwork, fc.integer(), (net, seed) => {
      const random = new Random(seed)
      const weights = normalWeights(net, random)
      const [from, to] = [draw(random, net), draw(random, net)]
      const { start, end, effects } = attribute(foldNetwork(net, weights), from, to)
      const [naiveStart, naiveEnd] = [from, to].map((x) => naiveLogits(net, weights, x)[0])
      assert.ok(Math.abs(start - naiveStart) < 1e-5 * (1 + Math.abs(start)))
      assert.ok(Math.abs(end - naiveEnd) < 1e-5 * (1 + Math.abs(end)))
      const size = 1 + effects.reduce((total, effect) => total + Math.abs(effect), 0)
      assert.ok(Math.abs(sum(effects) - (end - start)) < 1e-12 * size, `${sum(effects)} ${end - start}`)
    }),
    { numRuns: 300 },
  )
})

for (const [hidden, activations, tolerance] of [
  [[], [], 1e-5],
  [[7], ['none'], 1e-5],
  [[12, 9], ['none', 'relu'], 2e-3],
  [[20], ['relu'], 2e-3],
  [[20, 12], ['relu', 'relu'], 1e-2],
  [[12, 9, 7], ['relu', 'relu', 'relu'], 1e-2],
] as const)
  test(`they are integrated gradients, relative error < ${tolerance}: hidden layers ${hidden.join(', ') || 'none'} ${activations.join(', ')}`, () => {
    const net: Network = {
      userFeatures: 6,
      restaurantFeatures: 4,
      hidden: [...hidden],
      activations: [...activations],
    }
    for (let seed = 1; seed <= 3; seed++) {
      const random = new Random(seed)
      const weights = normalWeights(net, random)
      const line: [Float64Array, Float64Array] = [draw(random, net), draw(random, net)]
      const { effects } = attribute(foldNetwork(net, weights), ...line)
      const wanted = integrated(net, weights, line, 2500)
      const scale = Math.max(...wanted.map(Math.abs))
      assert.ok(scale > 0.05, `${scale}`)
      for (const [i, effect] of effects.entries())
        assert.ok(Math.abs(effect - wanted[i]) < tolerance * scale, `seed ${seed}: ${effect} ${wanted[i]}`)
    }
  })

test('an input that does not move, or that no unit reads, has no effect at all', () => {
  const net: Network = {
    userFeatures: 3,
    restaurantFeatures: 2,
    hidden: [9, 5],
    activations: ['relu', 'relu'],
  }
  const random = new Random(3)
  const weights = normalWeights(net, random)
  const first = weights.get('model.0.weight')!.data
  for (let unit = 0; unit < 9; unit++) first[5 * unit + 1] = 0
  const [from, to] = [draw(random, net), draw(random, net)]
  to[3] = from[3]
  const { effects } = attribute(foldNetwork(net, weights), from, to)
  assert.deepEqual([effects[1] + 0, effects[3] + 0], [0, 0])
  assert.ok([0, 2, 4].every((input) => Math.abs(effects[input]) > 1e-3))
})

test('units that are 0 at both ends, at one of them, or that pass 0 once', () => {
  // logit = relu(x0) − 2 relu(x1): by hand.
  const net: Network = { userFeatures: 1, restaurantFeatures: 1, hidden: [2], activations: ['relu'] }
  const weights: StateDict = new Map([
    ['model.0.weight', { shape: [2, 2], data: Float32Array.of(1, 0, 0, 1) }],
    ['model.0.bias', { shape: [2], data: Float32Array.of(0, 0) }],
    ['model.2.weight', { shape: [1, 2], data: Float32Array.of(1, -2) }],
    ['model.2.bias', { shape: [1], data: Float32Array.of(0.5) }],
  ])
  for (const [from, to, wanted] of [
    [
      [-1, -1],
      [-2, 0],
      [0, 0],
    ],
    [
      [-1, 0],
      [3, 0],
      [3, 0],
    ],
    [
      [0, 3],
      [2, -1],
      [2, 6],
    ],
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  ]) {
    const found = attribute(foldNetwork(net, weights), Float64Array.from(from), Float64Array.from(to))
    assert.deepEqual(
      Array.from(found.effects, (effect) => effect + 0), // −0 is 0
      wanted,
    )
  }
})
