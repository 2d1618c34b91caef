import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM } from '../../src/geo/greatCircle.ts'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import { type Activation, linearLayers, type Network, type StateDict } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { Ranker, type RankerOptions } from '../../src/ranking/ranker.ts'

const REFERENCE: Network = {
  userFeatures: 30,
  restaurantFeatures: 10,
  hidden: [256, 128],
  activations: ['none', 'relu'],
}
const everything = { latitude: 13.8, longitude: 100.5, size: 1000, maxDistM: 1e8 }

const network = fc
  .array(fc.record({ units: fc.integer({ min: 1, max: 9 }), activation: fc.constantFrom('none', 'relu') }), {
    maxLength: 5,
  })
  .chain((hidden) =>
    fc.record({
      userFeatures: fc.integer({ min: 1, max: 6 }),
      restaurantFeatures: fc.integer({ min: 1, max: 4 }),
      hidden: fc.constant(hidden.map(({ units }) => units)),
      activations: fc.constant(hidden.map(({ activation }): Activation => activation)),
    }),
  )

describe('Ranker', () => {
  test('any network: every score is that of the unfolded network, absolute error < 1e-5', () => {
    fc.assert(fc.property(network, fc.integer(), checkScores), { numRuns: 200 })
  })

  test('the reference network, 300 restaurants: the same, and ordered by score', () => {
    checkScores(REFERENCE, 5)
  })

  test('no room to precompute: the same list', () => {
    fc.assert(
      fc.property(network, fc.integer(), (net, seed) => {
        const { ranker, options, users } = problem(net, seed)
        const frugal = new Ranker({ ...options, precomputeBytesMax: 0 })
        const request = { ...everything, candidateRows: [3, 1, 11, 0] }
        assert.deepEqual(frugal.rank(users[0], request), ranker.rank(users[0], request))
      }),
    )
    const { ranker, options, users } = problem(REFERENCE, 4)
    const frugal = new Ranker({ ...options, precomputeBytesMax: 300 * 128 * 4 - 1 })
    const request = { ...everything, candidateRows: Array.from({ length: 300 }, (_, row) => row) }
    assert.deepEqual(frugal.rank(users[0], request), ranker.rank(users[0], request))
  })

  test('one user after another: nothing of the first is left', () => {
    const { ranker, users } = problem(REFERENCE, 9)
    const candidateRows = [1, 2, 3]
    const first = ranker.rank(users[0], { ...everything, candidateRows })
    const second = ranker.rank(users[1], { ...everything, candidateRows })
    assert.notDeepEqual(first, second)
    assert.deepEqual(ranker.rank(users[0], { ...everything, candidateRows }), first)
  })

  test('a tiny problem worked out by hand: logit = user · restaurant side, ids by idOf', () => {
    const ranker = new Ranker(tiny())
    const { restaurants } = ranker.rank(Float32Array.of(1), {
      candidateRows: [0, 1, 2],
      latitude: 0,
      longitude: 0,
      maxDistM: 300_000,
    })
    // Logits 1 + 2·r: row 0 has r = −1, row 1 has r = 1, row 2 (r = 0) is 333 km away
    assert.deepEqual(
      restaurants.map(({ id, score }) => [id, score]),
      [
        ['place 1', 1 / (1 + Math.exp(-3))],
        ['place 0', 1 / (1 + Math.exp(1))],
      ],
    )
    assert.equal(restaurants[1].displacement, 0)
    assert.ok(Math.abs(restaurants[0].displacement - distanceM(0, 0, 2, 0)) < 1e-6)
  })

  test('without idOf a restaurant’s id is its row', () => {
    const { idOf: _, ...options } = tiny()
    const { restaurants } = new Ranker(options).rank(Float32Array.of(1), {
      ...everything,
      candidateRows: [2],
    })
    assert.equal(restaurants[0].id, 2)
  })

  test('the answer is plain JSON', () => {
    const answer = new Ranker(tiny()).rank(Float32Array.of(1), { ...everything, candidateRows: [0, 1] })
    assert.deepEqual(JSON.parse(JSON.stringify(answer)), answer)
    assert.deepEqual(Object.keys(answer.restaurants[0]), ['id', 'score', 'displacement'])
  })

  test('tables and features that do not fit are refused', () => {
    assert.throws(() => new Ranker({ ...tiny(), latitude: new Float64Array(2) }), {
      code: 'INPUT',
      message: /found 3, 2 and 3/,
    })
    const wider = { ...tiny().network, restaurantFeatures: 2 }
    assert.throws(() => new Ranker({ ...tiny(), network: wider }), { code: 'INPUT' })
    assert.throws(() => new Ranker({ ...tiny(), weights: new Map() }), { code: 'DAMAGED' })
    const ranker = new Ranker(tiny())
    assert.throws(() => ranker.rank(new Float32Array(2), { ...everything, candidateRows: [0] }), {
      code: 'INPUT',
      message: /wants 1 user features, found 2/,
    })
    assert.throws(() => ranker.rank(Float32Array.of(Number.NaN), { ...everything, candidateRows: [0] }), {
      code: 'NOT_FINITE',
    })
    for (const hidden of [REFERENCE.hidden, [256, 128, 9]]) {
      const net: Network = { ...REFERENCE, hidden, activations: hidden.map(() => 'relu') }
      const { ranker: deep } = problem(net, 1)
      const features = new Float32Array(30).fill(Number.NaN, 7, 8)
      assert.throws(() => deep.rank(features, { ...everything, candidateRows: [0] }), { code: 'NOT_FINITE' })
    }
  })
})

function checkScores(net: Network, seed: number): void {
  const { ranker, options, users, restaurants } = problem(net, seed)
  const { restaurantFeatures, weights } = options
  const candidateRows = Array.from({ length: restaurants }, (_, row) => row)
  for (const user of users) {
    const ranked = ranker.rank(user, { ...everything, candidateRows }).restaurants
    assert.equal(ranked.length, restaurants)
    const width = net.restaurantFeatures
    for (const { id, score } of ranked) {
      const row = Number(id)
      const features = Float32Array.of(
        ...user,
        ...restaurantFeatures.subarray(row * width, (row + 1) * width),
      )
      const wanted = 1 / (1 + Math.exp(-naiveLogits(net, weights, features)[0]))
      assert.ok(Math.abs(score - wanted) < 1e-5, `${score} against ${wanted}`)
    }
    for (let i = 1; i < ranked.length; i++) assert.ok(ranked[i].score <= ranked[i - 1].score)
  }
}

function problem(net: Network, seed: number) {
  const random = new Random(seed)
  const restaurants = net === REFERENCE ? 300 : 12
  const draw = (length: number, scale: number) => Float32Array.from({ length }, () => scale * random.normal())
  const weights: StateDict = new Map()
  for (const { name, inputs, outputs } of linearLayers(net)) {
    weights.set(`${name}.weight`, { shape: [outputs, inputs], data: draw(inputs * outputs, inputs ** -0.5) })
    weights.set(`${name}.bias`, { shape: [outputs], data: draw(outputs, inputs ** -0.5) })
  }
  const restaurantFeatures = draw(restaurants * net.restaurantFeatures, 2)
  const latitude = Float64Array.from({ length: restaurants }, () => 13.6 + 0.5 * random.float())
  const longitude = Float64Array.from({ length: restaurants }, () => 100.3 + 0.5 * random.float())
  const users = [draw(net.userFeatures, 2), draw(net.userFeatures, 2)]
  const options = { network: net, weights, restaurantFeatures, latitude, longitude }
  return { ranker: new Ranker(options), options, users, restaurants }
}

/** Logit = user feature + 2 · restaurant feature. */
function tiny(): RankerOptions {
  return {
    network: { userFeatures: 1, restaurantFeatures: 1, hidden: [], activations: [] },
    weights: new Map([
      ['model.0.weight', { shape: [1, 2], data: Float32Array.of(1, 2) }],
      ['model.0.bias', { shape: [1], data: Float32Array.of(0) }],
    ]),
    restaurantFeatures: Float32Array.of(-1, 1, 0),
    latitude: Float64Array.of(0, 2, 3),
    longitude: Float64Array.of(0, 0, 0),
    idOf: (row) => `place ${row}`,
  }
}
