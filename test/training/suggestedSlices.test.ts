import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CategoryFeature, FeatureSpec } from '../../src/features/featureSpec.ts'
import { suggestedSlices } from '../../src/training/judgement/suggestedSlices.ts'

const category = (name: string, rest: Partial<CategoryFeature> = {}): FeatureSpec => ({
  name,
  kind: 'category',
  values: ['a', 'b'],
  dim: 2,
  ...rest,
})
const number: FeatureSpec = { name: 'age', kind: 'number' }

test('suggested slices are categories that the model has, of the context first, and can be typed', () => {
  const users = [number, category('gender')]
  const restaurants = [category('price_level'), category('zone')]
  assert.deepEqual(suggestedSlices({ users: [number], restaurants: [number] }), [])
  assert.deepEqual(suggestedSlices({ users, restaurants }), ['gender', 'price_level'])
  const context = [number, category('device'), category('page')]
  assert.deepEqual(suggestedSlices({ users, restaurants, context }), ['device', 'gender'])
  assert.deepEqual(suggestedSlices({ users: [category('city')], restaurants: [category('city')] }), [
    'user.city',
    'restaurant.city',
  ])
  const unfit = [
    category('id', { id: true }),
    category('place', { position: true }),
    category('hashed', { buckets: 100 }),
    category('many', { values: Array.from({ length: 51 }, (_, i) => String(i)) }),
    category('constant', { values: ['a'] }),
    category('two words'),
    category('a,b'),
    category('--x'),
  ]
  assert.deepEqual(suggestedSlices({ users: unfit, restaurants: [] }), [])
})
