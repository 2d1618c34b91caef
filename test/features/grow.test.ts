import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type {
  CategoryFeature,
  CrossFeature,
  FeaturesOf,
  RateFeature,
} from '../../src/features/featureSpec.ts'
import { grownFeature, grownPair, originOf } from '../../src/features/grow.ts'
import { combine } from '../../src/features/pairs/combination.ts'
import { FIRST_CODE, UNSEEN_CODE } from '../../src/features/rowShape.ts'
import { growState } from '../../src/model/growState.ts'
import { isError } from '../dataset/fixture.ts'

const category = (name: string, count: number): CategoryFeature => ({
  name,
  kind: 'category',
  values: Array.from({ length: count }, (_, i) => `${name} ${i}`),
  dim: 4,
})
const featuresOf = (users: number, restaurants: number): FeaturesOf => ({
  users: [category('city', users)],
  restaurants: [category('cuisine', restaurants)],
})
const crossOf = (users: number, restaurants: number, buckets: number): CrossFeature => ({
  name: 'taste',
  kind: 'cross',
  user: 'city',
  restaurant: 'cuisine',
  sizes: [FIRST_CODE + users, FIRST_CODE + restaurants],
  buckets: Math.min(buckets, (FIRST_CODE + users) * (FIRST_CODE + restaurants)),
  dim: 4,
  maxValues: 1,
})
const counts = (...names: string[]) => names.map((name) => [name, 1] as const)

test('new values come behind those that are there, each once, and never more than maxSize', () => {
  const feature = category('city', 2)
  const grown = (more: string[], maxSize?: number) => {
    const result = grownFeature(feature, counts(...more), maxSize)
    return 'values' in result ? result.values.slice(2) : assert.fail()
  }
  assert.deepEqual(grown(['b', 'city 1', 'a']), ['b', 'a'])
  assert.deepEqual(grown(['b', 'city 1', 'a'], 3), ['b'])
  assert.deepEqual(grown(['b'], 1), [], 'what is there stays')
  const hashed = { ...feature, values: [], buckets: 7 }
  assert.deepEqual(grownFeature(hashed, counts('a')), hashed)
})

const size = fc.integer({ min: 0, max: 12 })

test('a combination begins as the one that its old codes have, and unseen ones in place of new codes', () => {
  fc.assert(
    fc.property(
      size,
      size,
      size,
      size,
      fc.integer({ min: 1, max: 120 }),
      (users, more, places, others, buckets) => {
        const old = crossOf(users, places, buckets)
        const grown = grownPair(old, featuresOf(users + more, places + others))
        assert.ok(grown.kind === 'cross')
        const [before, after] = [combine(old), combine(grown)]
        const known = (code: number, end: number) => (code < end ? code : UNSEEN_CODE)
        for (let a = 0; a < grown.sizes[0]; a++)
          for (let b = 0; b < grown.sizes[1]; b++) {
            const origin = originOf(after(a, b, 0), old, grown)
            const isNumbered = old.sizes[0] * old.sizes[1] <= old.buckets
            // Hashed ones share rows as they did, whatever the codes.
            const wanted = isNumbered
              ? before(known(a, old.sizes[0]), known(b, old.sizes[1]), 0)
              : before(a, b, 0)
            assert.equal(origin.bucket, wanted)
            assert.equal(origin.isNew, isNumbered && (a >= old.sizes[0] || b >= old.sizes[1]))
          }
      },
    ),
  )
})

test('a rate keeps its counts, and combinations of new values have none', () => {
  const [sizes, buckets] = [[3, 4], 12]
  const rows = Array.from({ length: buckets }, (_, i) => 10 + i)
  const rate: RateFeature = {
    name: 'quality',
    kind: 'rate',
    user: 'city',
    restaurant: 'cuisine',
    sizes,
    buckets,
    prior: 20,
    folds: 5,
    rows,
    clicks: rows.map((count) => count - 10),
  }
  const grown = grownPair(rate, featuresOf(2, 3)) // 4 and 5 codes
  assert.ok(grown.kind === 'rate')
  assert.equal(grown.buckets, 20)
  for (let a = 0; a < 4; a++)
    for (let b = 0; b < 5; b++) {
      const isOld = a < 3 && b < 4
      assert.equal(grown.rows[a * 5 + b], isOld ? 10 + a * 4 + b : 0)
      assert.equal(grown.clicks[a * 5 + b], isOld ? a * 4 + b : 0)
    }
})

test('refuses numbered combinations that have become too many', () => {
  const old = crossOf(998, 998, 1_000_000)
  const grow = () => grownPair(old, featuresOf(1500, 1500))
  assert.throws(grow, isError('INPUT', /pair taste: it may have at most 1000000 combinations, found 2256004/))
})

test('rows of new values are copies of the unseen row, of crosses those of the unseen combination', () => {
  const [old, grown] = [featuresOf(2, 1), featuresOf(4, 2)]
  const cross = crossOf(2, 1, 1000)
  const pair = grownPair(cross, grown)
  const table = (codes: number) => ({
    shape: [codes, 4],
    data: Float32Array.from({ length: 4 * codes }, (_, i) => i),
  })
  const names = ['user.city', 'restaurant.cuisine', 'pair.taste'].map((name) => `embedding.${name}.weight`)
  const layer = { shape: [1, 1], data: Float32Array.of(7) }
  const state = new Map([
    [names[0], table(4)],
    [names[1], table(3)],
    [names[2], table(FIRST_CODE + cross.buckets)],
    ['model.0.weight', layer],
  ])
  const result = growState(state, { ...old, pairs: [cross] }, { ...grown, pairs: [pair] })
  const firstOf = (name: string) => {
    const { data, shape } = result.get(name)!
    return Array.from({ length: shape[0] }, (_, code) => data[4 * code] / 4)
  }
  assert.deepEqual(firstOf(names[0]), [0, 1, 2, 3, 1, 1])
  assert.deepEqual(firstOf(names[1]), [0, 1, 2, 1])
  const rowOf = (a: number, b: number) => FIRST_CODE + 3 * a + b
  const wanted = [0, 1, 2, 3, 4, 5].flatMap((a) =>
    [0, 1, 2, 3].map((b) => rowOf(a < 4 ? a : UNSEEN_CODE, b < 3 ? b : UNSEEN_CODE)),
  )
  assert.deepEqual(firstOf(names[2]), [0, 1, ...wanted])
  assert.equal(result.get('model.0.weight'), layer)
})
