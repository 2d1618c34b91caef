import assert from 'node:assert/strict'
import { test } from 'node:test'
import { initialState } from '../../src/model/initialize.ts'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import type { Activation, Network, StateDict } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { CrewHarness } from './crewHarness.ts'

const NETWORKS: [hidden: number[], activations: Activation[]][] = [
  [[], []],
  [[5], ['none']],
  [[9], ['relu']],
  [
    [8, 3],
    ['none', 'relu'],
  ],
  [
    [7, 16, 5],
    ['none', 'none', 'relu'],
  ],
  [
    [6, 4],
    ['relu', 'none'],
  ],
  [
    [10, 9, 8, 7],
    ['relu', 'none', 'relu', 'none'],
  ],
  [
    [4, 4, 4],
    ['relu', 'relu', 'relu'],
  ],
  [
    [40, 33],
    ['none', 'relu'],
  ],
]
const ROWS = [1, 6, 67, 150]
const STEP = 1e-7

for (const [hidden, activations] of NETWORKS)
  for (const rows of ROWS)
    test(`gradients of [${hidden.join()}] ${activations.join()} over ${rows} rows agree with numeric differentiation in float64, < 1e-4`, async () => {
      const random = new Random(hidden.length, rows)
      const network: Network = { userFeatures: 3, restaurantFeatures: 2, hidden, activations }
      const features = Float32Array.from({ length: rows * 5 }, () => random.normal())
      const clicks = Float32Array.from({ length: rows }, () => random.below(2))
      const initial = initialState(network, rows)
      const harness = new CrewHarness({ network, batches: [{ features, clicks }], initial })
      try {
        const loss = await harness.step(0)
        assert.ok(Math.abs(loss - meanLoss(network, initial, features, clicks)) < 1e-6)
        const found = harness.gradients
        const difference: number[] = []
        const wanted: number[] = []
        for (const [name, { data }] of initial)
          for (let draw = 0; draw < 12; draw++) {
            const i = random.below(data.length)
            const gradient = numericGradient(network, initial, name, i, features, clicks)
            wanted.push(gradient)
            difference.push(found.get(name)!.data[i] - gradient)
          }
        assert.ok(Math.hypot(...wanted) > 1e-3)
        assert.ok(Math.hypot(...difference) < 1e-4 * Math.hypot(...wanted))
      } finally {
        await harness.close()
      }
    })

/** Mean binary cross-entropy, all in float64. */
function meanLoss(network: Network, state: StateDict, features: Float32Array, clicks: Float32Array): number {
  const logits = naiveLogits(network, state, features)
  let sum = 0
  for (let i = 0; i < clicks.length; i++)
    sum += Math.max(logits[i], 0) - clicks[i] * logits[i] + Math.log1p(Math.exp(-Math.abs(logits[i])))
  return sum / clicks.length
}

/** Central difference. The step is small, so that next to no row crosses the kink of a ReLU within it. */
function numericGradient(
  network: Network,
  state: StateDict,
  name: string,
  i: number,
  features: Float32Array,
  clicks: Float32Array,
): number {
  const { shape, data } = state.get(name)!
  const lossAt = (change: number) => {
    const moved = Float64Array.from(data) as unknown as Float32Array // naiveLogits only reads numbers
    moved[i] += change
    return meanLoss(network, new Map(state).set(name, { shape, data: moved }), features, clicks)
  }
  return (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP)
}
