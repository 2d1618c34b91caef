import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RowEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import type { FeaturesOf, FeatureSpec, Side } from '../../src/features/featureSpec.ts'
import { pairEncoder } from '../../src/features/pairs/pairEncoder.ts'
import type { RawRow } from '../../src/features/rawRow.ts'
import { rowShape, widthOf } from '../../src/features/rowShape.ts'
import type { RawValue } from '../../src/features/values.ts'
import { distanceM, unitVectors } from '../../src/geo/greatCircle.ts'
import { naiveInputs, naiveLogits } from '../../src/model/naiveForward.ts'
import { inputsOf, inputWidth, type Network } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { ContextEncoder } from '../../src/ranking/contextEncoder.ts'
import { Explainer } from '../../src/ranking/explain/explainer.ts'
import type { Explanation } from '../../src/ranking/explain/types.ts'
import { Ranker } from '../../src/ranking/ranker.ts'
import { randomWeights } from '../model/modelFixtures.ts'

const WORDS = ['thai', 'pizza', 'sushi', 'grill', 'vegan', 'never seen']
const VALUES = WORDS.slice(0, 5)
const FEATURES: Required<FeaturesOf> = {
  users: [
    { name: 'age', kind: 'number', missing: { value: 40, flag: true } },
    { name: 'likes', kind: 'categories', values: VALUES, dim: 8, maxValues: 3 },
    { name: 'city', kind: 'category', values: ['north', 'south'], dim: 4 },
  ],
  restaurants: [
    { name: 'cuisines', kind: 'categories', values: VALUES, dim: 4, maxValues: 2 },
    { name: 'price', kind: 'number' },
    { name: 'taste', kind: 'vector', length: 2, missing: { values: [1, 2], flag: false } },
    {
      name: 'opened',
      kind: 'time',
      parts: ['days', 'month'],
      dim: 4,
      missing: { value: 18_000, flag: true },
    },
    { name: 'menu', kind: 'text', buckets: 9, dim: 4, maxValues: 3 },
  ],
  context: [
    { name: 'hurry', kind: 'number', scale: 'log', missing: { value: 3, flag: true } },
    { name: 'time', kind: 'time', parts: ['hour', 'weekday'], dim: 4, missing: { value: 0, flag: false } },
    { name: 'device', kind: 'category', values: ['ios', 'android'], dim: 4 },
  ],
  pairs: [
    { name: 'distance', kind: 'distance', dim: 4 },
    { name: 'taste', kind: 'overlap', user: 'likes', restaurant: 'cuisines' },
  ],
}
/** The same, with all other kinds of pairs, a category that only pairs use, and a cell. */
const MORE: Required<FeaturesOf> = {
  users: FEATURES.users,
  restaurants: [
    ...FEATURES.restaurants,
    { name: 'district', kind: 'category', values: ['north', 'south'], dim: 0 },
    { name: 'area', kind: 'cell', columns: ['a', 'b'], sizesM: [500, 5000], buckets: 11, dim: 4 },
  ],
  context: FEATURES.context,
  pairs: [
    ...FEATURES.pairs,
    { name: 'gap', kind: 'difference', restaurant: 'price', context: 'hurry' },
    {
      name: 'mood',
      kind: 'cross',
      user: 'likes',
      context: 'time.hour',
      sizes: [7, 26],
      buckets: 50,
      dim: 4,
      maxValues: 2,
    },
    {
      name: 'popularity',
      kind: 'rate',
      restaurant: 'district',
      sizes: [4],
      buckets: 4,
      prior: 20,
      folds: 5,
      rows: [10, 0, 100, 400],
      clicks: [1, 0, 30, 40],
    },
  ],
}
const NAMES = [
  'user.age',
  'user.likes',
  'user.city',
  'restaurant.cuisines',
  'restaurant.price',
  'restaurant.taste',
  'restaurant.opened',
  'restaurant.menu',
  'context.hurry',
  'context.time',
  'context.device',
  'pair.distance',
  'pair.taste',
]
const COUNTS = { users: 30, restaurants: 90 }
const DAYS = 5 // input of the network
const CENTRE = { latitude: 13.8, longitude: 100.5 }
const CONTEXT = { hurry: 5, time: '2026-11-27T13:30:00Z', device: 'ios' }

function drawValue(random: Random, { kind, name }: FeatureSpec): RawValue {
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)]
  const list = () => Array.from({ length: random.below(5) }, () => pick(WORDS))
  if (random.below(5) === 0 && name !== 'price') return null
  switch (kind) {
    case 'number':
      return Math.fround(random.normal())
    case 'vector':
      return [random.below(9), random.below(9) / 2]
    case 'category':
      return pick(['north', 'south', 'never seen'])
    case 'categories':
      return list()
    case 'text':
      return list().join(' ')
    case 'time':
      return 1.5e12 + random.below(2e8)
    case 'cell':
      return [13.8 + random.float(), 100.5]
  }
}

interface World {
  features: Required<FeaturesOf>
  network: Network
  weights: ReturnType<typeof randomWeights>
  raw: Record<Side, RawRow[]>
  rows: Record<Side, Float32Array>
  latitude: Float64Array
  longitude: Float64Array
}

function makeWorld(
  { hidden, activations }: Pick<Network, 'hidden' | 'activations'>,
  seed: number,
  all = FEATURES,
): World {
  const random = new Random(seed)
  const network: Network = { ...inputsOf(all), hidden, activations }
  const weights = randomWeights(network, seed)
  // As they are, the scores of a deep network hardly differ.
  for (const { data } of weights.values()) for (const [i, value] of data.entries()) data[i] = 2 * value
  // Days are as large as they are; training folds their scale into the weights.
  const { shape, data: first } = weights.get('model.0.weight')!
  for (let unit = 0; unit < shape[0]; unit++) first[unit * shape[1] + DAYS] /= 5000
  const table = (side: Side) => {
    const features = all[side]
    const width = widthOf(features)
    const words = wordsOf(new Float32Array(COUNTS[side] * width))
    const raw = Array.from({ length: COUNTS[side] }, () =>
      Object.fromEntries(features.map((feature) => [feature.name, drawValue(random, feature)])),
    )
    const encoder = new RowEncoder(features)
    for (const [row, values] of raw.entries())
      assert.equal(encoder.encodeInto(words, row * width, Object.values(values)), undefined)
    return { raw, rows: words.f32 }
  }
  const [users, restaurants] = [table('users'), table('restaurants')]
  const degrees = (centre: number) =>
    Float64Array.from({ length: COUNTS.restaurants }, () => centre + 0.1 * random.normal())
  return {
    features: all,
    network,
    weights,
    raw: { users: users.raw, restaurants: restaurants.raw },
    rows: { users: users.rows, restaurants: restaurants.rows },
    latitude: degrees(CENTRE.latitude),
    longitude: degrees(CENTRE.longitude),
  }
}

const encodedContext = () => new ContextEncoder(FEATURES.context).encode(CONTEXT).slice()

/** The inputs of a pair, put together from the encoders alone. */
function inputsOfPair(world: World, user: number, row: number): Float64Array {
  const { features, network, weights, rows, latitude, longitude } = world
  const own = (side: Side, at: number) =>
    rows[side].slice(at * widthOf(features[side]), (at + 1) * widthOf(features[side]))
  const [users, restaurants] = [own('users', user), own('restaurants', row)]
  const [context, pairs] = [rowShape(features.context), rowShape(features.pairs)]
  const told = wordsOf(encodedContext()).u32
  const click = wordsOf(new Float32Array(context.words + pairs.words))
  click.u32.set(told.subarray(0, context.numbers))
  click.u32.set(told.subarray(context.numbers), context.numbers + pairs.numbers)
  const pair = {
    user: { ...wordsOf(users), at: 0 },
    restaurant: { ...wordsOf(restaurants), at: 0 },
    context: { ...click, at: 0 },
    distanceM: distanceM(CENTRE.latitude, CENTRE.longitude, latitude[row], longitude[row]),
  }
  const encoder = pairEncoder(features.pairs, features)
  encoder.setUser(pair)
  encoder.encodeInto(click, context.numbers, context.words + pairs.numbers, pair)
  return naiveInputs(network, weights)({ users, restaurants, click: click.f32 })
}

interface Asked {
  user: number
  maxDistM: number
}

function explainedWith(world: World, { user, maxDistM }: Asked) {
  const { features, network, weights, rows, raw, latitude, longitude } = world
  const table = (side: Side) => ({
    rows: rows[side],
    width: widthOf(features[side]),
    count: COUNTS[side],
  })
  const tables = {
    users: table('users'),
    restaurants: table('restaurants'),
    vectors: unitVectors(latitude, longitude),
  }
  const width = widthOf(features.users)
  const request = {
    ...CENTRE,
    maxDistM,
    user: rows.users.slice(user * width, (user + 1) * width),
    context: encodedContext(),
  }
  const explainer = new Explainer({ network, weights, features })
  const baseline = explainer.baseline(request, tables)
  const ranker = new Ranker({
    network,
    weights,
    features,
    restaurantFeatures: rows.restaurants,
    latitude,
    longitude,
  })
  const candidateRows = Array.from({ length: COUNTS.restaurants }, (_, row) => row)
  const { restaurants } = ranker.rank(request.user, { ...request, candidateRows, size: 1000 })
  const explanations = restaurants.map(({ id, score, displacement }) => {
    const row = Number(id)
    const rawRows = { user: raw.users[user], restaurant: raw.restaurants[row], context: CONTEXT }
    const pair = explainer.pair(request, tables, { row, distanceM: displacement, raw: rawRows })
    return { row, score, explanation: explainer.explain(baseline, pair) }
  })
  return { baseline, explanations }
}

const total = ({ features }: Explanation) => features.reduce((sum, { effect }) => sum + effect, 0)
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z))

const NETWORKS: Pick<Network, 'hidden' | 'activations'>[] = [
  { hidden: [], activations: [] },
  { hidden: [9, 6], activations: ['none', 'relu'] },
  { hidden: [16], activations: ['relu'] },
  { hidden: [11, 7], activations: ['relu', 'relu'] },
]

describe('explanations', () => {
  for (const net of NETWORKS)
    test(`baseline and effects are the logit that was ranked by, hidden layers ${net.hidden.join(', ') || 'none'} ${net.activations.join(', ')}`, () => {
      const largest: number[] = []
      for (let seed = 1; seed <= 3; seed++) {
        const world = makeWorld(net, seed)
        const { explanations } = explainedWith(world, { user: seed, maxDistM: 12_000 })
        assert.ok(explanations.length > 5, `${explanations.length}`)
        for (const { row, score, explanation } of explanations) {
          const { baseline, logit, features } = explanation
          assert.ok(Math.abs(baseline + total(explanation) - logit) < 1e-12 * (1 + Math.abs(logit)))
          const [naive] = naiveLogits(world.network, world.weights, inputsOfPair(world, seed, row))
          assert.ok(Math.abs(logit - naive) < 1e-5, `${logit} ${naive}`)
          assert.ok(Math.abs(sigmoid(logit) - score) < 1e-6, `${logit} ${score}`)
          assert.deepEqual(features.map(({ feature }) => feature).toSorted(), NAMES.toSorted())
          const sizes = features.map(({ effect }) => Math.abs(effect))
          assert.deepEqual(
            sizes,
            sizes.toSorted((a, b) => b - a),
          )
          largest.push(sizes[5])
        }
      }
      assert.ok(largest.filter((size) => size > 1e-3).length > largest.length / 2, 'several features count')
    })

  test('every kind of pair, a category that only pairs use, and a cell', () => {
    const world = makeWorld(NETWORKS[3], 6, MORE)
    const { explanations } = explainedWith(world, { user: 1, maxDistM: 12_000 })
    for (const { row, score, explanation } of explanations) {
      const { baseline, logit, features } = explanation
      assert.ok(Math.abs(baseline + total(explanation) - logit) < 1e-12 * (1 + Math.abs(logit)))
      const [naive] = naiveLogits(world.network, world.weights, inputsOfPair(world, 1, row))
      assert.ok(Math.abs(logit - naive) < 1e-5, `${logit} ${naive}`)
      assert.ok(Math.abs(sigmoid(logit) - score) < 1e-6, `${logit} ${score}`)
      const of = (name: string) => features.find(({ feature }) => feature === name)!
      const { price, district } = world.raw.restaurants[row]
      const { likes } = world.raw.users[1] as { likes: string[] | null }
      assert.equal(of('restaurant.district').effect, 0)
      assert.deepEqual(of('pair.gap').value, [price, 5])
      assert.ok(Math.abs(Number(of('pair.gap').encoded) - (Number(price) - Math.log(6))) < 1e-5)
      assert.deepEqual(of('pair.popularity').value, [district])
      // (30 + 20 · 71.5 / 511) / 120, and so on
      const rates = {
        north: '27.3 % of 100 rows',
        south: '10.2 % of 400 rows',
        'never seen': '14 % of 0 rows',
      }
      const rate = district === null ? '12.7 % of 10 rows' : rates[district as 'north']
      assert.equal(of('pair.popularity').encoded, rate)
      assert.deepEqual(of('pair.mood').value, [likes === null ? null : likes.join(', '), CONTEXT.time])
      assert.match(of('pair.mood').encoded, likes?.length ? /^[12] combinations?, codes? \d+/ : /^missing$/)
    }
  })

  test('without hidden layers the effects are weight × distance from the average, by hand', () => {
    const world = makeWorld(NETWORKS[0], 5)
    const user = 7
    const { baseline, explanations } = explainedWith(world, { user, maxDistM: 12_000 })
    const near = Array.from({ length: COUNTS.restaurants }, (_, row) => row)
      .map((row) => ({
        row,
        metres: distanceM(CENTRE.latitude, CENTRE.longitude, world.latitude[row], world.longitude[row]),
      }))
      .toSorted((a, b) => a.metres - b.metres)
      .slice(0, 64) // fewer are within reach
    assert.ok(near[63].metres > 12_000)
    const mean = (rows: Float64Array[]) =>
      rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length)
    const meanUser = mean(Array.from({ length: COUNTS.users }, (_, u) => inputsOfPair(world, u, 0)))
    const meanPair = mean(near.map(({ row }) => inputsOfPair(world, user, row)))
    const weight = world.weights.get('model.0.weight')!.data
    const [{ row, explanation }] = explanations
    const x = inputsOfPair(world, user, row)
    const effect = (name: string) => explanation.features.find(({ feature }) => feature === name)!.effect
    const slope = (columns: number[], from: Float64Array) =>
      columns.reduce((sum, column) => sum + weight[column] * (x[column] - from[column]), 0)
    // numbers: age 2; price 1, taste 2, opened 2; hurry 2; distance 2, overlap 2; then embeddings: likes 8,
    // city 4; cuisines 4, opened 4, menu 4; hour 4, weekday 4, device 4; distance 4
    const block = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i)
    const wanted: [string, number][] = [
      ['user.age', slope(block(0, 2), meanUser)],
      ['user.likes', slope(block(13, 8), meanUser)],
      ['user.city', slope(block(21, 4), meanUser)],
      ['restaurant.price', slope([2], meanPair)],
      ['restaurant.opened', slope([5, 6, ...block(29, 4)], meanPair)],
      ['pair.distance', slope([9, 10, ...block(49, 4)], meanPair)],
      ['pair.taste', slope([11, 12], meanPair)],
      ['context.hurry', weight[7] * (Math.fround(Math.log(6)) - Math.log(4))],
    ]
    assert.equal(inputWidth(world.network), 53)
    for (const [name, value] of wanted)
      assert.ok(Math.abs(effect(name) - value) < 1e-9, `${name}: ${effect(name)} ${value}`)
    // The average device is the mean of its values, without missing and unseen ones.
    const table = world.weights.get('embedding.context.device.weight')!.data
    for (let k = 0; k < 4; k++)
      assert.ok(Math.abs(baseline[45 + k] - (table[8 + k] + table[12 + k]) / 2) < 1e-9)
  })

  test('a feature that no unit reads has the effect 0, and no other has', () => {
    const world = makeWorld(NETWORKS[3], 2)
    const weight = world.weights.get('model.0.weight')!
    const [units, inputs] = weight.shape
    for (let unit = 0; unit < units; unit++)
      for (const input of [2, 9, 10, 49, 50, 51, 52]) weight.data[unit * inputs + input] = 0
    const { explanations } = explainedWith(world, { user: 3, maxDistM: 12_000 })
    for (const { explanation } of explanations) {
      const none = explanation.features.filter(({ effect }) => effect === 0).map(({ feature }) => feature)
      assert.deepEqual(none.toSorted(), ['pair.distance', 'restaurant.price'])
    }
  })

  test('a single restaurant within reach is compared with those around it', () => {
    const world = makeWorld(NETWORKS[2], 4)
    const { latitude, longitude } = world
    const metres = Array.from(latitude, (degrees, row) =>
      distanceM(CENTRE.latitude, CENTRE.longitude, degrees, longitude[row]),
    )
    const [first, second] = metres.toSorted((a, b) => a - b)
    const { explanations } = explainedWith(world, { user: 0, maxDistM: (first + second) / 2 })
    assert.equal(explanations.length, 1)
    const { features } = explanations[0].explanation
    assert.ok(features.find(({ feature }) => feature === 'pair.distance')!.effect !== 0)
  })

  test('values are those of the rows, and what is encoded is told in words', () => {
    const world = makeWorld(NETWORKS[0], 1)
    const { explanations } = explainedWith(world, { user: 2, maxDistM: 50_000 })
    for (const { row, explanation } of explanations)
      for (const { feature, value } of explanation.features) {
        const [source, name] = feature.split('.')
        const own = { user: world.raw.users[2], restaurant: world.raw.restaurants[row], context: CONTEXT }
        if (source !== 'pair') assert.deepEqual(value, (own as Record<string, RawRow>)[source][name])
      }
  })
})
