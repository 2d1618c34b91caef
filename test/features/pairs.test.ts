import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { RowEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import type { FeaturesOf, FeatureSpec, PairFeature } from '../../src/features/featureSpec.ts'
import type { EncodedRow } from '../../src/features/pairs/encodedPair.ts'
import { pairEncoder } from '../../src/features/pairs/pairEncoder.ts'
import { pairsFor } from '../../src/features/pairs/pairsFor.ts'
import { declaredOf, type Declaration } from '../../src/features/declaration.ts'
import { rowShape } from '../../src/features/rowShape.ts'
import type { RawValue } from '../../src/features/values.ts'

const CUISINES = ['thai', 'pizza', 'sushi']
const FEATURES = {
  users: [
    { name: 'age', kind: 'number', missing: { value: 40, flag: true } },
    { name: 'gender', kind: 'category', values: ['f', 'm'], dim: 4 },
    { name: 'likes', kind: 'categories', values: ['pizza', 'thai'], dim: 4, maxValues: 3 },
  ],
  restaurants: [
    { name: 'price', kind: 'number' },
    { name: 'cuisines', kind: 'categories', values: CUISINES, dim: 4, maxValues: 2 },
  ],
  context: [
    { name: 'budget', kind: 'number', missing: { value: 3, flag: false } },
    { name: 'device', kind: 'category', values: ['ios'], dim: 4 },
    {
      name: 'time',
      kind: 'time',
      parts: ['days', 'hour', 'weekday'],
      dim: 4,
      missing: { value: 5, flag: true },
    },
  ],
} satisfies FeaturesOf

interface Town {
  user: RawValue[]
  restaurant: RawValue[]
  context: RawValue[]
  distanceM: number
}

function pairsOf(declaration: Declaration): PairFeature[] {
  return pairsFor(FEATURES, {
    hasPlaces: false,
    declared: declaredOf({ ...declaration, 'pair.likes~cuisines': false }, 'pairs'),
  })
}

/** What the pairs become: numbers and codes, from a row of the click that has the context in it. */
function encoded(pairs: PairFeature[], { user, restaurant, context, distanceM }: Town) {
  const own = rowShape(FEATURES.context)
  const { numbers, codes } = rowShape(pairs)
  const click = wordsOf(new Float32Array(own.words + numbers + codes + 2).fill(7))
  const rowOf = (features: readonly FeatureSpec[], values: RawValue[]): EncodedRow => {
    const row = wordsOf(new Float32Array(rowShape(features).words + 3).fill(7))
    assert.equal(new RowEncoder(features).encodeInto(row, 3, values), undefined)
    return { ...row, at: 3 }
  }
  const words = rowOf(FEATURES.context, context)
  click.u32.set(words.u32.subarray(3, 3 + own.numbers), 1)
  click.u32.set(words.u32.subarray(3 + own.numbers, 3 + own.words), 1 + own.numbers + numbers)
  const pair = {
    user: rowOf(FEATURES.users, user),
    restaurant: rowOf(FEATURES.restaurants, restaurant),
    context: { ...click, at: 1 },
    distanceM,
  }
  const encoder = pairEncoder(pairs, FEATURES)
  encoder.setUser(pair)
  encoder.encodeInto(click, 1 + own.numbers, 1 + own.words + numbers, pair)
  const end = click.f32.length
  assert.deepEqual([click.f32[0], click.f32[end - 1]], [7, 7], 'only the pairs are written')
  return {
    numbers: [...click.f32.subarray(1 + own.numbers, 1 + own.numbers + numbers)],
    codes: [...click.u32.subarray(end - 1 - codes, end - 1)],
  }
}

const town = (over: Partial<Town> = {}): Town => ({
  user: [30, 'm', ['pizza', 'thai']],
  restaurant: [2, ['thai', 'sushi']],
  context: [4, 'ios', Date.UTC(2024, 1, 29, 18)],
  distanceM: Number.NaN,
  ...over,
})

describe('a pair becomes', () => {
  const cases: [string, Declaration, Town, { numbers: number[]; codes: number[] }][] = [
    [
      'a difference of user and restaurant',
      { 'pair.d': { kind: 'difference', user: 'age', restaurant: 'price' } },
      town(),
      { numbers: [28, 28], codes: [] },
    ],
    [
      'a difference of restaurant and context, in this order',
      { 'pair.d': { kind: 'difference', context: 'budget', restaurant: 'price' } },
      town(),
      { numbers: [-2, 2], codes: [] },
    ],
    [
      'no difference, if one of the two is missing',
      { 'pair.d': { kind: 'difference', user: 'age', restaurant: 'price' } },
      town({ user: [null, 'm', null] }),
      { numbers: [0, 0], codes: [] },
    ],
    [
      'a difference to the mean, if training saw none missing',
      { 'pair.d': { kind: 'difference', context: 'budget', restaurant: 'price' } },
      town({ context: [null, null, null] }),
      { numbers: [-1, 1], codes: [] },
    ],
    [
      'a difference of the days of a time',
      { 'pair.d': { kind: 'difference', user: 'age', context: 'time' } },
      town({ context: [4, null, 86_400_000 * 10] }),
      { numbers: [20, 20], codes: [] },
    ],
    [
      'a cross of two categories: 2 + code · codes of the other + its code',
      { 'pair.c': { kind: 'cross', user: 'gender', context: 'device' } },
      town(),
      { numbers: [], codes: [2 + 3 * 3 + 2] },
    ],
    [
      'a cross of a value that was never seen',
      { 'pair.c': { kind: 'cross', user: 'gender', context: 'device' } },
      town({ user: [30, 'x', null] }),
      { numbers: [], codes: [2 + 1 * 3 + 2] },
    ],
    [
      'no cross, if one of the two is missing',
      { 'pair.c': { kind: 'cross', user: 'gender', context: 'device' } },
      town({ context: [4, null, null] }),
      { numbers: [], codes: [0] },
    ],
    [
      'a cross of a list and a part of a time: each with each',
      { 'pair.c': { kind: 'cross', restaurant: 'cuisines', context: 'time.hour' } },
      town(),
      { numbers: [], codes: [2 + 2 * 26 + 20, 2 + 4 * 26 + 20] },
    ],
    [
      'the first crosses of two lists',
      { 'pair.c': { kind: 'cross', user: 'likes', restaurant: 'cuisines', maxValues: 3 } },
      town(),
      { numbers: [], codes: [2 + 2 * 5 + 2, 2 + 2 * 5 + 4, 2 + 3 * 5 + 2] },
    ],
  ]
  for (const [name, declaration, values, wanted] of cases)
    test(name, () => assert.deepEqual(encoded(pairsOf(declaration), values), wanted))

  test('a bucket, if there are more combinations than buckets: the same for the same two', () => {
    const pairs = pairsOf({ 'pair.c': { kind: 'cross', user: 'gender', context: 'time.hour', buckets: 16 } })
    const at = (hour: number) =>
      encoded(pairs, town({ context: [1, null, Date.UTC(2024, 1, 1, hour)] })).codes[0]
    const all = Array.from({ length: 24 }, (_, hour) => at(hour))
    assert.ok(all.every((code) => code >= 2 && code < 18))
    assert.ok(new Set(all).size >= 8, 'the hours are spread over the buckets')
    assert.equal(at(7), at(7))
  })
})

test('of any values, several pairs are each of them by itself, and codes stay in their tables', () => {
  const pairs = pairsOf({
    'pair.a': { kind: 'cross', user: 'likes', context: 'time.weekday' },
    'pair.b': { kind: 'difference', user: 'age', restaurant: 'price' },
    'pair.c': { kind: 'overlap', user: 'likes', restaurant: 'cuisines' },
    'pair.d': { kind: 'distance' },
    'pair.e': { kind: 'cross', restaurant: 'cuisines', context: 'device', buckets: 5 },
  })
  const cuisine = fc.constantFrom(...CUISINES, 'burgers')
  const lists = fc.option(fc.array(cuisine, { maxLength: 5 }))
  const values = fc.record({
    user: fc.tuple(fc.option(fc.integer({ min: 1, max: 99 })), fc.option(cuisine), lists),
    restaurant: fc.tuple(fc.integer({ min: 1, max: 9 }), lists),
    context: fc.tuple(
      fc.option(fc.integer({ min: 1, max: 9 })),
      fc.option(fc.constantFrom('ios', 'web')),
      fc.option(fc.integer({ min: 0, max: 2e12 })),
    ),
    distanceM: fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 1e7, noNaN: true })),
  })
  fc.assert(
    fc.property(values, (one) => {
      const all = encoded(pairs, one)
      const single = pairs.map((pair) => encoded([pair], one))
      assert.deepEqual(
        all.numbers,
        single.flatMap(({ numbers }) => numbers),
      )
      assert.deepEqual(
        all.codes,
        single.flatMap(({ codes }) => codes),
      )
      for (const [i, pair] of pairs.entries())
        if (pair.kind === 'cross')
          for (const code of single[i].codes) assert.ok(code !== 1 && code < 2 + pair.buckets)
    }),
  )
})

test('a distance: its logarithm, whether it is unknown, and a bucket that ends every √2 times as far', () => {
  const [numbers, codes] = [new Float32Array(2), new Uint32Array(1)]
  const encoder = pairEncoder(pairsOf({ 'pair.d': { kind: 'distance' } }), FEATURES)
  const row = { ...wordsOf(new Float32Array(1)), at: 0 }
  const at = (distanceM: number) => {
    const pair = { user: row, restaurant: row, context: row, distanceM }
    encoder.encodeInto({ f32: numbers, u32: codes }, 0, 0, pair)
    return { numbers: [...numbers], code: codes[0] }
  }
  assert.deepEqual(at(Number.NaN), { numbers: [0, 1], code: 0 })
  assert.deepEqual(at(0), { numbers: [0, 0], code: 2 })
  const edges = Array.from({ length: 31 }, (_, k) => 100 * 2 ** (k / 2))
  const near = edges.flatMap((edge, k) => [
    edge * (1 - 1e-12),
    edge * (k % 2 === 0 ? 1 : 1 + 1e-12), // the edges between are no floats
    edge * 1.2,
  ])
  for (const metres of [...near, 1e-3, 99, 2e7, 1e300]) {
    const wanted = 2 + edges.filter((edge, k) => metres >= edge * (k % 2 === 0 ? 1 : 1 + 1e-13)).length
    assert.deepEqual(at(metres), { numbers: [Math.fround(Math.log1p(metres)), 0], code: wanted }, `${metres}`)
  }
})

test('what lists of any two have in common, one user and one restaurant after another: as sets have it', () => {
  const list = (name: string, values: string[]): FeatureSpec => {
    return { name, kind: 'categories', values, dim: 4, maxValues: 4 }
  }
  const features = {
    users: [{ name: 'age', kind: 'number' }, list('likes', ['a', 'b', 'c', 'd'])],
    restaurants: [list('cuisines', ['d', 'x', 'b', 'a'])],
    context: [
      { name: 'wish', kind: 'category', values: ['x', 'a', 'c'], dim: 4 },
      { name: 'hour', kind: 'number' },
    ],
  } satisfies FeaturesOf
  const pairs: PairFeature[] = [
    { name: '1', kind: 'overlap', user: 'likes', restaurant: 'cuisines' },
    { name: '2', kind: 'overlap', user: 'likes', context: 'wish' },
    { name: '3', kind: 'overlap', restaurant: 'cuisines', context: 'wish' },
  ]
  const NUMBERS = 1 + 2 * pairs.length // of the click; the code of `wish` follows
  const encoder = pairEncoder(pairs, features)
  const click = wordsOf(new Float32Array(NUMBERS + 1))
  const row = (words: number) => ({ ...wordsOf(new Float32Array(words)), at: 0 })
  const pair = { user: row(5), restaurant: row(4), context: { ...click, at: 0 }, distanceM: Number.NaN }
  const value = fc.constantFrom('a', 'b', 'c', 'd', 'x', 'rare')
  const values = fc.array(value, { maxLength: 4 })
  const request = fc.record({ likes: values, wish: fc.option(value), cuisines: fc.array(values) })
  const known = (kept: string[], { values: own }: { values: readonly string[] }) =>
    new Set(kept.filter((one) => own.includes(one)))
  const check = ({ likes, wish, cuisines }: typeof request extends fc.Arbitrary<infer T> ? T : never) => {
    assert.equal(new RowEncoder(features.users).encodeInto(pair.user, 0, [1, likes]), undefined)
    const context = wordsOf(new Float32Array(2))
    assert.equal(new RowEncoder(features.context).encodeInto(context, 0, [wish, 5]), undefined)
    click.f32[0] = context.f32[0]
    click.u32[NUMBERS] = context.u32[1]
    encoder.setUser(pair)
    for (const own of cuisines) {
      assert.equal(new RowEncoder(features.restaurants).encodeInto(pair.restaurant, 0, [own]), undefined)
      encoder.encodeInto(click, 1, NUMBERS + 1, pair)
      const [u, r] = [features.users[1], features.restaurants[0]] as const
      const lists = { u: likes, r: own, c: wish === null ? [] : [wish] }
      const vocabularies = { u, r, c: features.context[0] } as Record<string, { values: readonly string[] }>
      const wanted = [['u', 'r'] as const, ['u', 'c'] as const, ['r', 'c'] as const].flatMap(([a, b]) => {
        const [x, y] = [known(lists[a], vocabularies[a]), known(lists[b], vocabularies[b])]
        const unseen = [a, b].flatMap((one) =>
          lists[one].filter((item) => !vocabularies[one].values.includes(item)),
        )
        const shared = [...x].filter((item) => y.has(item)).length
        const all = x.size + y.size + unseen.length - shared
        return [shared, Math.fround(all > 0 ? shared / all : 0)]
      })
      assert.deepEqual([...click.f32.subarray(1, NUMBERS)], wanted)
    }
  }
  fc.assert(fc.property(request, check), { numRuns: 500 })
})

test('refuses pairs of what does not fit, by name', () => {
  const refused: [Declaration[string], RegExp][] = [
    [{ kind: 'cross', user: 'gender' }, /pair x must name two features.*found 1$/],
    [{ kind: 'cross', user: 'gender', restaurant: 'cuisines', context: 'device' }, /found 3$/],
    [{ kind: 'cross', user: 'age', restaurant: 'cuisines' }, /found user\.age, which is of the kind number$/],
    [{ kind: 'cross', user: 'gender', context: 'time' }, /found context\.time, which is of the kind time$/],
    [{ kind: 'cross', user: 'gender', context: 'time.month' }, /context\.time\.month, which is no feature$/],
    [
      { kind: 'difference', user: 'gender', restaurant: 'price' },
      /that are numbers or times with days, found user\.gender, which is of the kind category$/,
    ],
    [{ kind: 'overlap', user: 'likes', context: 'budget' }, /found context\.budget/],
  ]
  for (const [entry, pattern] of refused) assert.throws(() => pairsOf({ 'pair.x': entry }), pattern)
})
