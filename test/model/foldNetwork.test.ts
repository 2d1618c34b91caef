import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { type EffectiveLayer, foldNetwork } from '../../src/model/foldNetwork.ts'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import {
  type Activation,
  inputWidth,
  linearLayers,
  type Network,
  type StateDict,
} from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'

const embedding = fc.record(
  {
    name: fc.constant('user.id'),
    side: fc.constant('users' as const),
    codes: fc.constant(2),
    slots: fc.constant(1),
    dim: fc.constantFrom(0, 4, 8),
    direct: fc.constant(true as const),
  },
  { requiredKeys: ['name', 'side', 'codes', 'slots', 'dim'] },
)

const network = fc
  .array(fc.record({ units: fc.integer({ min: 1, max: 9 }), activation: fc.constantFrom('none', 'relu') }), {
    maxLength: 5,
  })
  .chain((hidden) =>
    fc.record({
      userFeatures: fc.integer({ min: 1, max: 6 }),
      restaurantFeatures: fc.integer({ min: 1, max: 4 }),
      embeddings: fc.array(embedding, { maxLength: 3 }),
      hidden: fc.constant(hidden.map(({ units }) => units)),
      activations: fc.constant(hidden.map(({ activation }): Activation => activation)),
    }),
  )

describe('foldNetwork', () => {
  test('any network: the logits of the unfolded one in float64, error below 1e-5 of their scale', () => {
    fc.assert(
      fc.property(network, fc.integer(), (net, seed) => {
        const random = new Random(seed)
        const weights = randomWeights(net, random)
        const width = inputWidth(net)
        const features = Float64Array.from({ length: 5 * width }, () => 2 * random.normal())
        const wanted = naiveLogits(net, weights, features)
        const layers = foldNetwork(net, weights)
        for (const [row, logit] of wanted.entries()) {
          const found = forward(layers, features.subarray(row * width, (row + 1) * width))
          assert.ok(Math.abs(found - logit) <= 1e-5 * (1 + Math.abs(logit)), `${found} against ${logit}`)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('by hand: two layers without activation, then ReLU, then the output', () => {
    const net: Network = {
      userFeatures: 1,
      restaurantFeatures: 1,
      hidden: [2, 1],
      activations: ['none', 'relu'],
    }
    const weights: StateDict = new Map([
      ['model.0.weight', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
      ['model.0.bias', { shape: [2], data: Float32Array.of(5, 6) }],
      ['model.1.weight', { shape: [1, 2], data: Float32Array.of(10, -1) }],
      ['model.1.bias', { shape: [1], data: Float32Array.of(0.5) }],
      ['model.3.weight', { shape: [1, 1], data: Float32Array.of(7) }],
      ['model.3.bias', { shape: [1], data: Float32Array.of(8) }],
    ])
    assert.deepEqual(foldNetwork(net, weights), [
      { inputs: 2, outputs: 1, weight: Float32Array.of(7, 16), bias: Float32Array.of(44.5), relu: true },
      { inputs: 1, outputs: 1, weight: Float32Array.of(7), bias: Float32Array.of(8), relu: false },
    ])
  })

  test('shapes: runs become one layer, no hidden layer stays one, the last has one output and no ReLU', () => {
    assert.deepEqual(shapes([256, 128], ['none', 'relu']), ['40>128 relu', '128>1'])
    assert.deepEqual(shapes([], []), ['40>1'])
    assert.deepEqual(shapes([9, 8], ['none', 'none']), ['40>1'])
    assert.deepEqual(shapes([9, 8], ['relu', 'none']), ['40>9 relu', '9>1'])
    const id = { name: 'user.id', side: 'users' as const, codes: 2, slots: 1, dim: 4, direct: true as const }
    assert.deepEqual(shapes([24, 10, 6], ['relu', 'none', 'relu'], [id]), ['44>26 relu', '26>8 relu', '8>1'])
    assert.deepEqual(shapes([24, 10, 6], ['relu', 'none', 'relu']), ['40>24 relu', '24>6 relu', '6>1'])
  })

  test('summed in float64: large terms that cancel leave no error', () => {
    const net: Network = { userFeatures: 1, restaurantFeatures: 1, hidden: [3], activations: ['none'] }
    const weights: StateDict = new Map([
      ['model.0.weight', { shape: [3, 2], data: Float32Array.of(1e8, 0, 1, 0, -1e8, 0) }],
      ['model.0.bias', { shape: [3], data: Float32Array.of(1e8, 1, -1e8) }],
      ['model.1.weight', { shape: [1, 3], data: Float32Array.of(1, 1, 1) }],
      ['model.1.bias', { shape: [1], data: Float32Array.of(0) }],
    ])
    const [layer] = foldNetwork(net, weights)
    assert.deepEqual([...layer.weight, ...layer.bias], [1, 0, 1])
  })

  test('the weights are not changed; a missing or short tensor is refused by name', () => {
    const net: Network = { userFeatures: 2, restaurantFeatures: 1, hidden: [2], activations: ['none'] }
    const weights = randomWeights(net, new Random(2))
    const copy = structuredClone(weights)
    foldNetwork(net, weights)
    assert.deepEqual(weights, copy)
    weights.set('model.1.weight', { shape: [1, 1], data: new Float32Array(1) })
    assert.throws(() => foldNetwork(net, weights), {
      code: 'DAMAGED',
      message: /model\.1\.weight must hold 2 numbers, found 1/,
    })
    weights.delete('model.0.bias')
    assert.throws(() => foldNetwork(net, weights), {
      message: /model\.0\.bias must hold 2 numbers, found none/,
    })
  })
})

function shapes(
  hidden: number[],
  activations: Activation[],
  embeddings: Network['embeddings'] = [],
): string[] {
  const net = { userFeatures: 30, restaurantFeatures: 10, embeddings, hidden, activations }
  return foldNetwork(net, randomWeights(net, new Random(1))).map(
    ({ inputs, outputs, weight, bias, relu }) => {
      assert.equal(weight.length, inputs * outputs)
      assert.equal(bias.length, outputs)
      return `${inputs}>${outputs}${relu ? ' relu' : ''}`
    },
  )
}

function randomWeights(net: Network, random: Random): StateDict {
  const weights: StateDict = new Map()
  for (const { name, inputs, outputs } of linearLayers(net)) {
    const draw = (length: number) => Float32Array.from({ length }, () => random.normal() / Math.sqrt(inputs))
    weights.set(`${name}.weight`, { shape: [outputs, inputs], data: draw(inputs * outputs) })
    weights.set(`${name}.bias`, { shape: [outputs], data: draw(outputs) })
  }
  return weights
}

function forward(layers: EffectiveLayer[], features: Float64Array): number {
  let x = [...features]
  for (const { inputs, weight, bias, relu } of layers)
    x = Array.from(bias, (b, o) => {
      const sum = x.reduce((total, value, i) => total + value * weight[o * inputs + i], b)
      return relu ? Math.max(0, sum) : sum
    })
  return x[0]
}
