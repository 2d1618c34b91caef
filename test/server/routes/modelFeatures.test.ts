import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CategoryFeature, FeaturesOf } from '../../../src/features/featureSpec.ts'
import { buildApp } from '../../../src/server/app.ts'
import { fakeServices } from '../fakeServices.ts'

const category = (name: string, values: string[], own: Partial<CategoryFeature> = {}): CategoryFeature => ({
  name,
  kind: 'category',
  values,
  dim: 4,
  ...own,
})

test('what the model takes is told by name and kind, without what nobody tells', async () => {
  const many = Array.from({ length: 1500 }, (_, i) => `value ${i}`)
  const features: FeaturesOf = {
    users: [
      { name: 'age', kind: 'number', missing: { value: 30, flag: true } },
      category('user_id', ['1', '2'], { id: true }),
      category('city', many),
      category('street', [], { buckets: 64 }),
    ],
    restaurants: [{ name: 'menu', kind: 'vector', length: 3 }],
    context: [
      category('device', ['ios', 'android']),
      category('position', ['1'], { position: true }),
      { name: 'here', kind: 'cell', place: true, sizesM: [500], buckets: 8, dim: 2 },
      { name: 'time', kind: 'time', parts: ['hour'], dim: 2, missing: { value: 0, flag: false } },
    ],
  }
  const layout = {
    users: { features: 4, ids: 'string', form: 'values', names: ['age', 'city', 'street'] },
    restaurants: { features: 3, ids: 'integer', form: 'values', names: ['menu'] },
  } as const
  const app = buildApp({ services: fakeServices(layout, features) })
  const answer = await app.inject('/features')
  assert.equal(answer.statusCode, 200)
  assert.deepEqual(answer.json(), {
    users: {
      ids: 'string',
      form: 'values',
      features: [
        { name: 'age', kind: 'number', may_be_missing: true },
        {
          name: 'city',
          kind: 'category',
          may_be_missing: true,
          known_values: 1500,
          values: many.slice(0, 1000),
        },
        { name: 'street', kind: 'category', may_be_missing: true },
      ],
    },
    restaurants: {
      ids: 'integer',
      form: 'values',
      features: [{ name: 'menu', kind: 'vector', may_be_missing: false, length: 3 }],
    },
    context: [
      {
        name: 'device',
        kind: 'category',
        may_be_missing: true,
        known_values: 2,
        values: ['ios', 'android'],
      },
      { name: 'time', kind: 'time', may_be_missing: true },
    ],
  })
  const plain = buildApp({ services: fakeServices() })
  const { users, context } = (await plain.inject('/features')).json<{ users: object; context: object }>()
  assert.deepEqual(context, [])
  assert.deepEqual(users, {
    ids: 'integer',
    form: 'vectors',
    features: ['a', 'b', 'c'].map((name) => ({ name, kind: 'number', may_be_missing: false })),
  })
})
