import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { distanceM } from '../../src/geo/greatCircle.ts'
import { naiveLogits } from '../../src/model/naiveForward.ts'
import type { Network } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { Ranker, type RankRequest } from '../../src/ranking/ranker.ts'
import { network, normals, normalWeights, REFERENCE, street, tiny } from './rankingFixture.ts'

const everything = { latitude: 13.8, longitude: 100.5, size: 1000, maxDistM: 1e8 }

describe('Ranker', () => {
  test('any network: every score is that of the unfolded network, absolute error < 1e-5', () => {
    fc.assert(fc.property(network, fc.integer(), checkScores), { numRuns: 200 })
  })

  test('the reference network, 300 restaurants: the same, and ordered by score', () => {
    checkScores(REFERENCE, 5)
  })

  test('no room to precompute: the same list, scores within 1e-6', () => {
    const check = (net: Network, seed: number, precomputeBytesMax: number, candidateRows: number[]) => {
      const { ranker, options, users } = problem(net, seed)
      const frugal = new Ranker({ ...options, precomputeBytesMax })
      const request = { ...everything, candidateRows, sortByDistance: true } // rounding does not change the order
      const wanted = ranker.rank(users[0], request).restaurants
      const found = frugal.rank(users[0], request).restaurants
      assert.equal(wanted.length, candidateRows.length)
      for (const [i, { id, score, displacement }] of wanted.entries()) {
        assert.deepEqual([found[i].id, found[i].displacement], [id, displacement])
        assert.ok(Math.abs(found[i].score - score) < 1e-6, `${found[i].score} against ${score}`)
      }
    }
    fc.assert(fc.property(network, fc.integer(), (net, seed) => check(net, seed, 0, [3, 1, 11, 0])))
    check(
      REFERENCE,
      4,
      300 * 128 * 4 - 1,
      Array.from({ length: 300 }, (_, row) => row),
    )
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

  test('defaults: 20 at most, within 5,000 m, best first', () => {
    const ranker = street(30)
    const candidateRows = Array.from({ length: 30 }, (_, row) => row)
    const idsOf = (request: Partial<RankRequest>) =>
      ranker
        .rank(Float32Array.of(0), { latitude: 0, longitude: 0, candidateRows, ...request })
        .restaurants.map(({ id }) => id)
    assert.deepEqual(idsOf({}), [4, 3, 2, 1, 0]) // row 4 is 4,448 m away, row 5 5,560 m
    assert.deepEqual(idsOf({ maxDistM: 1e6 }), candidateRows.toReversed().slice(0, 20))
    assert.deepEqual(idsOf({ maxDistM: 1e6, sortByDistance: true, size: 3 }), [0, 1, 2])
  })

  test('equal scores, and equal distances, are ordered by id: integers by value, strings by their characters', () => {
    const ids: (number | bigint | string)[][] = [
      [7, -1, 100, 2 ** 53 - 1, 9, -20],
      [2n ** 60n, 5, -(2n ** 60n), 2n ** 60n + 1n, 10, 9],
      ['b', 'a', 'B', 'aa', '10', '9'],
    ]
    for (const idOfRow of ids) {
      const ranker = new Ranker({
        ...tiny(),
        restaurantFeatures: new Float32Array(6),
        latitude: new Float64Array(6),
        longitude: new Float64Array(6),
        idOf: (row) => idOfRow[row],
      })
      const wanted = idOfRow.toSorted((a, b) => (a < b ? -1 : 1))
      for (const sortByDistance of [false, true])
        for (const size of [2, 6]) {
          const request = { ...everything, candidateRows: [0, 1, 2, 3, 4, 5], sortByDistance, size }
          const { restaurants } = ranker.rank(Float32Array.of(1), request)
          assert.deepEqual(
            restaurants.map(({ id }) => id),
            wanted.slice(0, size),
          )
        }
    }
  })

  test('a candidate named twice counts once, and the typed array of the request is unchanged', () => {
    const candidateRows = Uint32Array.of(7, 2, 7, 5, 2)
    const { restaurants } = street(10).rank(Float32Array.of(0), { ...everything, candidateRows })
    assert.deepEqual(
      restaurants.map(({ id }) => id),
      [7, 5, 2],
    )
    assert.deepEqual([...candidateRows], [7, 2, 7, 5, 2])
  })

  test('no candidates, and none within reach: an empty list', () => {
    const ranker = street(3)
    for (const candidateRows of [[], [2]])
      assert.deepEqual(
        ranker.rank(Float32Array.of(0), { latitude: 0, longitude: 0, maxDistM: 100, candidateRows }),
        { restaurants: [] },
      )
  })

  test('more candidates than one pass has had room for, after fewer and before fewer', () => {
    const ranker = street(5000)
    for (const count of [3, 5000, 2, 1025]) {
      const candidateRows = Array.from({ length: count }, (_, row) => row)
      const request = { ...everything, candidateRows, size: 10_000 }
      const { restaurants } = ranker.rank(Float32Array.of(0), request)
      assert.deepEqual(
        restaurants.map(({ id }) => id),
        candidateRows.toReversed(),
      )
    }
  })

  test('a request out of its bounds is refused, saying what is wanted and what was found', () => {
    const ranker = street(30)
    const bad: [Partial<RankRequest>, RegExp][] = [
      [{ latitude: 90.1 }, /latitude must be degrees from −90 to 90, found 90\.1/],
      [{ latitude: Number.NaN }, /latitude .* found NaN/],
      [{ longitude: -181 }, /longitude .* found -181/],
      [{ size: 0 }, /size must be an integer from 1, found 0/],
      [{ size: 1.5 }, /size .* found 1\.5/],
      [{ maxDistM: -1 }, /maxDistM must be metres, 0 or more, found -1/],
      [{ maxDistM: Number.NaN }, /maxDistM .* found NaN/],
      [{ candidateRows: [30] }, /candidateRows must be rows of restaurants, 0 … 29, found 30/],
      [{ candidateRows: [0, -1] }, /candidateRows .* found -1/],
      [{ candidateRows: [0.5] }, /candidateRows .* found 0\.5/],
      [{ candidateRows: Uint32Array.of(4_000_000_000) }, /candidateRows .* found 4000000000/],
    ]
    for (const [part, message] of bad)
      assert.throws(() => ranker.rank(Float32Array.of(0), { ...everything, candidateRows: [1], ...part }), {
        name: 'NearrankError',
        code: 'INPUT',
        message,
      })
  })

  test('a score that is no number is refused, naming the restaurant; out of reach it does no harm', () => {
    for (const feature of [Number.NaN, Infinity]) {
      const ranker = new Ranker({ ...tiny(), restaurantFeatures: Float32Array.of(-1, feature, 0) })
      const request = { latitude: 0, longitude: 0, candidateRows: [0, 1, 2] }
      assert.throws(() => ranker.rank(Float32Array.of(1), { ...request, maxDistM: 300_000 }), {
        code: 'NOT_FINITE',
        message: /that of restaurant place 1 is not/,
      })
      const { restaurants } = ranker.rank(Float32Array.of(1), { ...request, maxDistM: 100_000 })
      assert.deepEqual(
        restaurants.map(({ id }) => id),
        ['place 0'],
      )
    }
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
      message: /takes 1 user features, found 2/,
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
  const weights = normalWeights(net, random)
  const restaurantFeatures = normals(random, restaurants * net.restaurantFeatures, 2)
  const latitude = Float64Array.from({ length: restaurants }, () => 13.6 + 0.5 * random.float())
  const longitude = Float64Array.from({ length: restaurants }, () => 100.3 + 0.5 * random.float())
  const users = [normals(random, net.userFeatures, 2), normals(random, net.userFeatures, 2)]
  const options = { network: net, weights, restaurantFeatures, latitude, longitude }
  return { ranker: new Ranker(options), options, users, restaurants }
}
