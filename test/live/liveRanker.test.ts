import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildPlaceIndex } from '../../src/geo/placeIndex.ts'
import * as fc from 'fast-check'
import type { Network, StateDict } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { LiveRanker, type LiveRequest } from '../../src/live/ranker.ts'
import type { FeatureId } from '../../src/ids.ts'
import { liveWorld } from './liveFixture.ts'
import { network, normalWeights, uniform } from '../ranking/rankingFixture.ts'
import { NAMES, plain, Town } from './town.ts'

const KNOWN = 30 // of NAMES restaurants; the others never come
const everywhere: LiveRequest = {
  latitude: 13.8,
  longitude: 100.5,
  size: 1000,
  maxDistM: Infinity,
  sortByDistance: false,
  candidateRestaurantIds: null,
}

const where = fc.record({
  latitude: uniform(13.6, 14.2),
  longitude: uniform(100.3, 100.9),
  size: fc.integer({ min: 1, max: 50 }),
  maxDistM: fc.oneof(uniform(0, 80_000), fc.constantFrom(1e9, Infinity)),
  sortByDistance: fc.boolean(),
})
const candidates = fc.option(fc.array(fc.nat({ max: NAMES - 1 }), { maxLength: 80, size: 'max' }), {
  nil: null,
})
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ put: fc.nat({ max: KNOWN - 1 }), seed: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ deleted: fc.nat({ max: KNOWN - 1 }) }) },
  { weight: 1, arbitrary: fc.constant('rebuild' as const) },
  { weight: 4, arbitrary: fc.record({ where, candidates, user: fc.nat({ max: 3 }) }) },
)

for (const ids of ['integer', 'string'] as const)
  describe(`LiveRanker, ${ids} ids`, () => {
    test('any network, rows put, moved and deleted, any request: what the unfolded network, haversine and a sort give', () => {
      fc.assert(
        fc.property(network, fc.nat(), fc.array(step, { maxLength: 40, size: 'max' }), (net, seed, steps) => {
          const town = new Town(net, seed, ids)
          for (const each of steps)
            if (each === 'rebuild') town.rebuild()
            else if ('put' in each) town.put(each.put, each.seed)
            else if ('deleted' in each) town.delete(each.deleted)
            else town.checkRequest({ ...each.where, candidateNames: each.candidates }, each.user)
          town.checkRequest({ ...everywhere, candidateNames: null }, 0)
        }),
        { numRuns: 300 },
      )
    })
  })

describe('LiveRanker', () => {
  test('no room to precompute: the same restaurants at the same distances, scores within 1e-6', () => {
    fc.assert(
      fc.property(network, fc.nat(), (net, seed) => {
        const lists = [undefined, 0].map((precomputeBytesMax) => {
          const town = new Town(net, seed, 'integer', precomputeBytesMax)
          for (let name = 0; name < 10; name++) town.put(name, name)
          const ranker = new LiveRanker(town.world.memory, 0)
          assert.ok(ranker.setUser(town.userId(0)))
          return plain(ranker, ranker.rank({ ...everywhere, sortByDistance: true }))
        })
        assert.equal(lists[0].length, 10)
        for (const [i, line] of lists[0].entries()) {
          assert.deepEqual([lists[1][i].id, lists[1][i].displacement], [line.id, line.displacement])
          assert.ok(Math.abs(lists[1][i].score - line.score) < 1e-6)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('a user: unknown, put, put again, deleted, put back', () => {
    const town = new Town(TINY, 1, 'integer')
    town.put(0, 0)
    const { writer } = town.world
    const ranker = new LiveRanker(town.world.memory, 0)
    const scoreOf = (id: FeatureId | null) => {
      if (!ranker.setUser(id)) return undefined
      return ranker.rank(everywhere)?.scores[0]
    }
    assert.equal(scoreOf(77), undefined)
    writer.putUser({ id: 77, features: Float32Array.of(1, 2) })
    const first = scoreOf(77)
    writer.putUser({ id: 77, features: Float32Array.of(2, 1) })
    const second = scoreOf(77)
    writer.delete('users', 77)
    assert.equal(scoreOf(77), undefined)
    writer.putUser({ id: 77, features: Float32Array.of(1, 2) })
    assert.ok(first !== undefined && second !== undefined && first !== second)
    assert.equal(scoreOf(77), first)
  })

  test('the mean user is the mean of those who are there; with nobody there is none', () => {
    const town = new Town(TINY, 1, 'string')
    town.put(0, 0)
    const { writer } = town.world
    for (let user = 0; user < 4; user++) writer.delete('users', town.userId(user))
    const ranker = new LiveRanker(town.world.memory, 0)
    assert.equal(ranker.setUser(null), false)
    writer.putUser({ id: 'a', features: Float32Array.of(1, -3) })
    writer.putUser({ id: 'b', features: Float32Array.of(2, 5) })
    writer.putUser({ id: 'c', features: Float32Array.of(9, 9) })
    writer.delete('users', 'c')
    writer.putUser({ id: 'mean', features: Float32Array.of(1.5, 1) })
    assert.ok(ranker.setUser('mean'))
    const wanted = ranker.rank(everywhere)?.scores[0]
    writer.delete('users', 'mean')
    assert.ok(ranker.setUser(null))
    assert.equal(ranker.rank(everywhere)?.scores[0], wanted)
    writer.delete('users', 'a')
    writer.delete('users', 'b')
    assert.equal(ranker.setUser(null), false)
  })

  test('a restaurant whose score is not finite is left out and counted, where it is a candidate within reach', () => {
    const weights: StateDict = new Map([
      ['model.0.weight', { shape: [1, 3], data: Float32Array.of(1, 1, 2) }],
      ['model.0.bias', { shape: [1], data: Float32Array.of(0) }],
    ])
    const { memory, writer } = liveWorld({ network: { ...TINY, hidden: [], activations: [] }, weights })
    const ranker = new LiveRanker(memory, 0)
    const put = (id: number, latitude: number, feature: number) =>
      writer.putRestaurant({ id, features: Float32Array.of(feature), latitude, longitude: 100.5 })
    put(1, 13.8, 1)
    put(2, 14.8, 3.4e38)
    writer.putUser({ id: 5, features: Float32Array.of(0, 0) })
    assert.ok(ranker.setUser(5))
    assert.equal(ranker.rank({ ...everywhere, maxDistM: 5000 })?.count, 1)
    assert.equal(ranker.rank({ ...everywhere, candidateRestaurantIds: [1] })?.count, 1)
    for (const sortByDistance of [false, true]) {
      const list = ranker.rank({ ...everywhere, sortByDistance })
      assert.deepEqual([list?.count, list?.notFinite, list && ranker.idAt(list.rows[0])], [1, 1, 1])
    }
    writer.delete('restaurants', 2)
    const list = ranker.rank(everywhere)
    assert.deepEqual([list?.count, list?.notFinite], [1, 0])
  })

  test('without candidates: undefined where more are within reach than may be', () => {
    const { memory, writer } = liveWorld({ network: TINY, weights: normalWeights(TINY, new Random(1)) })
    for (let id = 0; id < 5; id++)
      writer.putRestaurant({ id, features: Float32Array.of(1), latitude: 13.8, longitude: 100.5 })
    writer.putUser({ id: 5, features: Float32Array.of(0, 0) })
    // The index is of no restaurant yet: all five are in the list of those that came later, which is not counted.
    const places = buildPlaceIndex(new Float64Array(5).fill(13.8), new Float64Array(5).fill(100.5))
    for (const [candidatesMax, count] of [
      [4, undefined],
      [5, 5],
    ] as const) {
      const ranker = new LiveRanker({ ...memory, places }, 0, { candidatesMax })
      assert.ok(ranker.setUser(5))
      assert.equal(ranker.rank({ ...everywhere, maxDistM: 1000 })?.count, count)
      assert.equal(ranker.rank({ ...everywhere, candidateRestaurantIds: [0, 1, 2, 3, 4] })?.count, 5)
    }
  })

  test('restaurants that came after the ranker was made are ranked, by id and by place, thousands of them', () => {
    const rows = 3000
    const world = liveWorld({
      network: TINY,
      weights: normalWeights(TINY, new Random(1)),
      rowsMax: { users: 1, restaurants: rows },
    })
    const ranker = new LiveRanker(world.memory, 0)
    world.writer.putUser({ id: 0, features: Float32Array.of(1, 1) })
    assert.ok(ranker.setUser(0))
    const ids = Array.from({ length: rows }, (_, row) => row * 10)
    for (const [row, id] of ids.entries()) {
      world.writer.putRestaurant({
        id,
        features: Float32Array.of(row / rows),
        latitude: 13.8,
        longitude: 100.5,
      })
      if (row % 997 !== 0 && row !== rows - 1) continue
      for (const candidateRestaurantIds of [ids, null]) {
        const list = ranker.rank({ ...everywhere, candidateRestaurantIds, size: rows })
        assert.equal(list?.count, row + 1)
        assert.equal(list.candidates, row + 1)
      }
    }
  })

  test('a list holds its size and no more, and the next call may be larger or smaller', () => {
    const town = new Town(TINY, 1, 'integer')
    for (let name = 0; name < KNOWN; name++) town.put(name, name)
    const ranker = new LiveRanker(town.world.memory, 0)
    assert.ok(ranker.setUser(town.userId(0)))
    for (const size of [1, 30, 2, 1000])
      assert.equal(ranker.rank({ ...everywhere, size })?.count, Math.min(30, size))
    assert.equal(ranker.rank({ ...everywhere, candidateRestaurantIds: [] })?.count, 0)
  })

  test('each thread has its own scratch; one too many is refused', () => {
    const world = liveWorld({ network: TINY, weights: normalWeights(TINY, new Random(1)), threads: 2 })
    world.writer.putRestaurant({ id: 1, features: Float32Array.of(1), latitude: 13.8, longitude: 100.5 })
    world.writer.putUser({ id: 0, features: Float32Array.of(1, 1) })
    world.writer.putUser({ id: 1, features: Float32Array.of(-1, 1) })
    const [a, b] = [0, 1].map((thread) => new LiveRanker(world.memory, thread))
    const alone = [0, 1].map((user) => a.setUser(user) && a.rank(everywhere)?.scores[0])
    assert.notEqual(alone[0], alone[1])
    assert.ok(a.setUser(0) && b.setUser(1))
    assert.deepEqual([a.rank(everywhere)?.scores[0], b.rank(everywhere)?.scores[0]], alone)
    for (const thread of [2, -1])
      assert.throws(() => new LiveRanker(world.memory, thread), { name: 'NearrankError', code: 'INTERNAL' })
  })
})

const TINY: Network = { userFeatures: 2, restaurantFeatures: 1, hidden: [8], activations: ['relu'] }
