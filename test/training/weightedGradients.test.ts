import assert from 'node:assert/strict'
import { test } from 'node:test'
import { initialState } from '../../src/model/initialize.ts'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import type { Network, StateDict } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { type Batch, CrewHarness, relativeError } from './crewHarness.ts'

const network: Network = {
  userFeatures: 3,
  restaurantFeatures: 2,
  hidden: [7, 5],
  activations: ['none', 'relu'],
}
const initial = initialState(network, 7)
const FEATURES = 5
const STEP = 1e-7

function drawBatch(rows: number, seed: number): Batch & { weights: Float32Array } {
  const random = new Random(seed)
  return {
    features: Float32Array.from({ length: rows * FEATURES }, () => random.normal()),
    clicks: Uint8Array.from({ length: rows }, () => random.below(2)),
    weights: Float32Array.from({ length: rows }, () => [0, 0.25, 1, 2, 30][random.below(5)]),
  }
}

/** Some rows of a batch, in any order, as often as one likes. */
function rowsOf({ features, clicks }: Batch, rows: number[]): Batch {
  return {
    features: Float32Array.from(
      rows.flatMap((row) => [...features.subarray(row * FEATURES, (row + 1) * FEATURES)]),
    ),
    clicks: rows.map((row) => clicks[row]),
  }
}

/** Loss and gradients of one step on a batch. */
async function stepOn(batch: Batch): Promise<{ loss: number; gradients: StateDict }> {
  const harness = new CrewHarness({ network, batches: [batch], initial })
  try {
    const loss = await harness.step(0)
    const gradients = new Map(
      Array.from(harness.gradients, ([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
    )
    return { loss, gradients }
  } finally {
    await harness.close()
  }
}

async function assertAlike(batch: Batch, other: Batch, bound: number): Promise<void> {
  const [found, wanted] = [await stepOn(batch), await stepOn(other)]
  assert.ok(Math.abs(found.loss / wanted.loss - 1) <= bound, `${found.loss}, ${wanted.loss}`)
  for (const [name, { data }] of wanted.gradients) {
    const error = relativeError(found.gradients.get(name)!.data, data)
    assert.ok(error <= bound, `${name}: ${error}`)
  }
}

/** Mean of the weighted entropies over that of the weights, all in float64. */
function meanLoss(state: StateDict, { features, clicks, weights = [] }: Batch): number {
  const logits = naiveLogits(network, state, features)
  let [sum, total] = [0, 0]
  for (const [i, z] of logits.entries()) {
    sum += weights[i] * (Math.max(z, 0) - clicks[i] * z + Math.log1p(Math.exp(-Math.abs(z))))
    total += weights[i]
  }
  return sum / total
}

test('with weights, gradients agree with numeric differentiation of the weighted mean, < 1e-4', async () => {
  const batch = drawBatch(150, 1)
  const { loss, gradients } = await stepOn(batch)
  assert.ok(Math.abs(loss - meanLoss(initial, batch)) < 1e-6)
  const [difference, wanted]: number[][] = [[], []]
  for (const [name, { shape, data }] of initial)
    for (const [i, value] of data.entries()) {
      const lossAt = (change: number) => {
        const moved = Float64Array.from(data) as unknown as Float32Array // naiveLogits only reads numbers
        moved[i] = value + change
        return meanLoss(new Map(initial).set(name, { shape, data: moved }), batch)
      }
      const gradient = (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP)
      wanted.push(gradient)
      difference.push(gradients.get(name)!.data[i] - gradient)
    }
  assert.ok(Math.hypot(...wanted) > 1e-3)
  assert.ok(Math.hypot(...difference) < 1e-4 * Math.hypot(...wanted))
})

test('equal weights are no weights, to the bit', async () => {
  const batch = drawBatch(150, 2)
  const plain = { features: batch.features, clicks: batch.clicks }
  for (const weight of [1, 3, Math.fround(0.7)])
    await assertAlike({ ...plain, weights: batch.weights.map(() => weight) }, plain, 0)
})

test('a row of weight 2 is the row twice, one of weight 0 is not there', async () => {
  const batch = drawBatch(90, 3)
  const weights = batch.weights.map((_, row) => row % 3)
  const repeated = [...weights].flatMap((weight, row) => Array.from({ length: weight }, () => row))
  await assertAlike({ ...batch, weights }, rowsOf(batch, repeated), 1e-5)
})

test('weights as far apart as they may be leave everything finite', async () => {
  const batch = drawBatch(64, 4)
  const { loss, gradients } = await stepOn({
    ...batch,
    weights: batch.weights.map((_, row) => 1e-30 * 1e51 ** (row % 2)),
  })
  const odd = Array.from({ length: 32 }, (_, i) => 2 * i + 1)
  const alone = await stepOn(rowsOf(batch, odd))
  assert.ok(Math.abs(loss / alone.loss - 1) < 1e-5)
  for (const [name, { data }] of alone.gradients)
    assert.ok(relativeError(gradients.get(name)!.data, data) < 1e-5, name)
})
