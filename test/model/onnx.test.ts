import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as ort from 'onnxruntime-web/wasm'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import type { Network, StateDict } from '../../src/model/network.ts'
import { encodeOnnx } from '../../src/model/onnx.ts'
import { scoreOf } from '../../src/model/scoreOf.ts'
import { Random } from '../../src/random.ts'
import { randomWeights } from './modelFixtures.ts'

ort.env.wasm.numThreads = 1

const NETWORKS: Record<string, Network> = {
  'no hidden layer': { userFeatures: 4, restaurantFeatures: 3, hidden: [], activations: [] },
  'one, relu': { userFeatures: 2, restaurantFeatures: 1, hidden: [5], activations: ['relu'] },
  'one, none': { userFeatures: 1, restaurantFeatures: 1, hidden: [1], activations: ['none'] },
  'two, none and relu (RankNet)': {
    userFeatures: 30,
    restaurantFeatures: 10,
    hidden: [256, 128],
    activations: ['none', 'relu'],
  },
  'two, relu and none': {
    userFeatures: 5,
    restaurantFeatures: 6,
    hidden: [9, 8],
    activations: ['relu', 'none'],
  },
  three: {
    userFeatures: 7,
    restaurantFeatures: 3,
    hidden: [17, 1, 33],
    activations: ['relu', 'none', 'relu'],
  },
}

/** Click probabilities of rows of features, written apart from the source: per row, by recursion over the tensors. */
function probabilities(network: Network, weights: StateDict, rows: number[][]): number[] {
  const names = [...weights.keys()].filter((name) => name.endsWith('.weight'))
  const through = (x: number[], depth: number): number[] => {
    if (depth === names.length) return x
    const { shape, data } = weights.get(names[depth])!
    const bias = weights.get(names[depth].replace('weight', 'bias'))!.data
    const y = Array.from({ length: shape[0] }, (_, out) => {
      const weight = data.subarray(out * shape[1], (out + 1) * shape[1])
      return x.reduce((sum, value, k) => sum + value * weight[k], 0) + bias[out]
    })
    return through(
      network.activations[depth] === 'relu' ? y.map((value) => (value > 0 ? value : 0)) : y,
      depth + 1,
    )
  }
  return rows.map((row) => 1 / (1 + Math.exp(-through(row, 0)[0])))
}

for (const [name, network] of Object.entries(NETWORKS))
  test(`ONNX Runtime gives the scores of a float64 forward within 1e-5: ${name}`, async () => {
    const featureCount = network.userFeatures + network.restaurantFeatures
    const weights = randomWeights(network, 1)
    const session = await ort.InferenceSession.create(
      encodeOnnx(network, weights, { producerVersion: '1.2.3' }),
    )
    assert.deepEqual(session.inputNames, ['features'])
    assert.deepEqual(session.outputNames, ['score'])
    for (const rowCount of [0, 1, 7, 1000]) {
      const random = new Random(2, rowCount)
      const features = Float32Array.from({ length: rowCount * featureCount }, () => 2 * random.normal())
      const rows = Array.from({ length: rowCount }, (_, row) => [
        ...features.subarray(row * featureCount, (row + 1) * featureCount),
      ])
      const expected = probabilities(network, weights, rows)
      const { score } = await session.run({
        features: new ort.Tensor('float32', features, [rowCount, featureCount]),
      })
      assert.equal(score.type, 'float32')
      assert.deepEqual(score.dims, [rowCount])
      const found = score.data as Float32Array
      assert.equal(found.length, rowCount)
      for (const [row, value] of expected.entries())
        assert.ok(Math.abs(found[row] - value) <= 1e-5, `row ${row}: ${found[row]} against ${value}`)
      if (rowCount === 1000)
        assert.ok(Math.max(...expected) - Math.min(...expected) > 0.01, 'the scores differ from row to row')

      const logits = naiveLogits(network, weights, features)
      assert.equal(logits.length, rowCount)
      for (const [row, value] of expected.entries())
        assert.ok(Math.abs(1 / (1 + Math.exp(-logits[row])) - value) <= 1e-12, `naive row ${row}`)
    }
    await session.release()
  })

test('ONNX Runtime gives the scores of a model that only orders as Nearrank tells them', async () => {
  const network = NETWORKS['two, relu and none']
  const weights = randomWeights(network, 1)
  const session = await ort.InferenceSession.create(
    encodeOnnx(network, weights, { producerVersion: '1', scores: 'order' }),
  )
  const random = new Random(3)
  const features = Float32Array.from({ length: 500 * 11 }, () => 300 * random.normal())
  const { score } = await session.run({ features: new ort.Tensor('float32', features, [500, 11]) })
  const logits = naiveLogits(network, weights, features)
  assert.ok(Math.max(...logits) > 17, 'where a probability would be 1')
  for (const [row, found] of (score.data as Float32Array).entries())
    assert.ok(Math.abs(found - scoreOf(logits[row], 'order')) < 1e-5, `row ${row}`)
  const [output] = session.outputMetadata
  assert.deepEqual(output.isTensor && output.shape, ['N'])
  await session.release()
})

test('the model names its producer, inputs and shapes where ONNX Runtime looks for them', async () => {
  const network = NETWORKS['one, relu']
  const session = await ort.InferenceSession.create(
    encodeOnnx(network, randomWeights(network, 1), { producerVersion: '1.2.3' }),
  )
  const [input] = session.inputMetadata
  assert.ok(input.isTensor)
  assert.deepEqual([input.name, input.type, input.shape], ['features', 'float32', ['N', 3]])
  const [output] = session.outputMetadata
  assert.ok(output.isTensor)
  assert.deepEqual([output.name, output.type, output.shape], ['score', 'float32', ['N']])
  await session.release()
})

test('the same weights give the same bytes, other ones other bytes', () => {
  const network = NETWORKS['one, relu']
  const encode = (seed: number) => encodeOnnx(network, randomWeights(network, seed), { producerVersion: '1' })
  assert.deepEqual(encode(1), encode(1))
  assert.notDeepEqual(encode(1), encode(2))
})

test('weights of another network are refused', () => {
  const weights = randomWeights(NETWORKS['one, none'], 1)
  assert.throws(() => encodeOnnx(NETWORKS['one, relu'], weights, { producerVersion: '1' }), {
    name: 'NearrankError',
    message: /model\.0\.weight must have shape \[5, 3\], found \[1, 2\]/,
  })
})
