import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { type FeatureSpec, numberFeatures } from '../../src/features/featureSpec.ts'
import { goldenCheck } from '../../src/live/goldenCheck.ts'
import { inputsOf, type StateDict } from '../../src/model/network.ts'
import { PairScorer } from '../../src/ranking/pairScorer.ts'
import { isError } from '../dataset/fixture.ts'
import { randomWeights } from '../model/modelFixtures.ts'
import { liveWorld } from './liveFixture.ts'

/** Numbers and a vector of which training saw none missing, as older models have them; and others. */
const CONTEXT: FeatureSpec[] = [
  { name: 'companions', kind: 'number' },
  { name: 'budget', kind: 'number', scale: 'log' },
  { name: 'position', kind: 'number', missing: { value: 3, flag: true } },
  { name: 'mood', kind: 'vector', length: 2 },
  { name: 'device', kind: 'category', values: ['ios', 'web'], dim: 4 },
  { name: 'near', kind: 'cell', place: true, sizesM: [1000], buckets: 5, dim: 4 },
]

/** A model with such a context, and what it is checked with: three users, two restaurants. */
function checked(
  context: FeatureSpec[],
  {
    change = () => {},
    first = (id: number) => id,
  }: { change?: (weights: StateDict) => void; first?: (id: number) => number } = {},
) {
  const features = { users: numberFeatures(['a', 'b']), restaurants: numberFeatures(['c', 'd']), context }
  const network = { ...inputsOf(features), hidden: [8], activations: ['relu' as const] }
  const weights = randomWeights(network, 1)
  change(weights)
  const { memory, tables, writer } = liveWorld({ network, weights })
  const users = [1, 2, 3]
  for (const id of users) writer.putUser({ id, features: Float32Array.of(first(id), -1) })
  const restaurants = [7, 8]
  for (const id of restaurants)
    writer.putRestaurant({ id, features: Float32Array.of(1, id), latitude: 13, longitude: 100 })
  const scorer = new PairScorer(memory.model, tables.restaurants.features)
  return { model: { features, network, weights }, tables, scorer, users, restaurants }
}

describe('goldenCheck', () => {
  test('takes a model whose context must tell numbers, as well as one whose context may be empty', () => {
    for (const context of [CONTEXT, CONTEXT.slice(2, 3), []]) {
      const { model, tables, ...sample } = checked(context)
      goldenCheck(model, tables, sample)
    }
  })

  test('takes scores whose terms nearly cancel, which float32 cannot tell any better', () => {
    // A feature of 1e8 and more, whose mean the biases take away: hundredths are all that is left of a sum.
    const far = (weights: StateDict) => {
      const [weight, bias] = [...weights].map(([, { data }]) => data)
      for (const [out, own] of bias.entries()) {
        weight[4 * out] = 1e-3 * (out + 1)
        bias[out] = own - weight[4 * out] * 1e8
      }
    }
    const { model, tables, ...sample } = checked([], { change: far, first: (id) => 1e8 + 977 * id })
    goldenCheck(model, tables, sample)
    const [, { data }] = [...model.weights][0]
    data[1] += 1
    assert.throws(() => goldenCheck(model, tables, sample), isError('DAMAGED', /the logit of user/))
  })

  test('finds scores that are not those of the weights', () => {
    const { model, tables, ...sample } = checked(CONTEXT)
    const [, { data }] = [...model.weights][0]
    data[0] += 1
    assert.throws(() => goldenCheck(model, tables, sample), isError('DAMAGED', /the logit of user 1/))
  })
})
