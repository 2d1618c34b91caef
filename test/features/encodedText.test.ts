import assert from 'node:assert/strict'
import { test } from 'node:test'
import { featureEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import { encodedText } from '../../src/features/encodedText.ts'
import type { FeatureSpec } from '../../src/features/featureSpec.ts'
import { pairText, pairValue } from '../../src/features/pairs/pairText.ts'
import type { RawValue } from '../../src/features/values.ts'

/** What is said of a value after the encoder has had it. */
function textFor(feature: FeatureSpec, value: RawValue): string {
  const { encode, numbers, codes } = featureEncoder(feature)
  const words = wordsOf(new Float32Array(numbers + codes))
  assert.equal(encode(value, words, 0, numbers), undefined)
  return encodedText(feature, value, {
    numbers: words.f32.subarray(0, numbers),
    codes: words.u32.subarray(numbers),
  })
}

const missing = { value: 31.4, flag: true }
const AGE: FeatureSpec = { name: 'age', kind: 'number', missing }
const CITY: FeatureSpec = { name: 'city', kind: 'category', values: ['a', 'b'], dim: 4 }
const TAGS: FeatureSpec = { name: 'tags', kind: 'categories', values: ['a', 'b', 'c'], dim: 4, maxValues: 3 }
const TASTE: FeatureSpec = {
  name: 'taste',
  kind: 'vector',
  length: 2,
  missing: { values: [1, 2], flag: false },
}
const MENU: FeatureSpec = { name: 'menu', kind: 'text', buckets: 1, dim: 4, maxValues: 10 }
const ALL = ['days', 'hour', 'weekday', 'month'] as const
const OPENED: FeatureSpec = { name: 'opened', kind: 'time', parts: ALL, dim: 4, missing }
const AREA: FeatureSpec = { name: 'area', kind: 'cell', place: true, sizesM: [500, 2000], buckets: 1, dim: 4 }
const CLOCK: FeatureSpec = { name: 'clock', kind: 'time', parts: ['hour'], dim: 4, missing }

test('every kind tells missing, unseen and known values apart', () => {
  const cases: [FeatureSpec, RawValue, string][] = [
    [AGE, 0.1, '0.1'],
    [AGE, true, '1'],
    [AGE, null, 'missing, 31.4 instead'],
    [AGE, Number.NaN, 'missing, 31.4 instead'],
    [{ name: 'fee', kind: 'number', clip: [0, 1], scale: 'log', missing }, 9, '0.6931472 (log)'],
    [{ name: 'fee', kind: 'number', scale: 'log', missing }, null, 'missing, 3.4781585 (log) instead'],
    [{ ...CITY, values: [], buckets: 1 }, 'x', 'code 2'],
    [CITY, 'b', 'code 3'],
    [CITY, 'x', 'unseen in training'],
    [CITY, undefined, 'missing'],
    [TAGS, ['a'], 'code 2'],
    [TAGS, ['c', null, 'x', 'a'], 'codes 4, 2, 1 unseen in training'],
    [TAGS, ['x', 'y', 'a', 'b', 'c'], 'code 2, 2 unseen in training, 2 beyond the first 3 left out'],
    [TAGS, [], 'missing'],
    [TAGS, null, 'missing'],
    [TASTE, [3, 4], '2 numbers'],
    [TASTE, null, 'missing, the mean instead'],
    [MENU, 'Pad', '1 word, code 2'],
    [MENU, 'a b c d e f g h i', '9 words, codes 2, 2, 2, 2, 2, 2, 2, 2, …'],
    [MENU, '…', 'missing'],
    [OPENED, '1970-01-02T13:30:00Z', '1.5625 days since 1970, hour 13, Friday, January'],
    [OPENED, null, 'missing'],
    [AREA, [13.8, 100.5], '2 cells, codes 2, 2'],
    [AREA, null, 'missing'],
    [CLOCK, '2026-11-27T07:00:00+02:00', 'hour 5'],
  ]
  for (const [feature, value, wanted] of cases) assert.equal(textFor(feature, value), wanted)
})

test('pairs tell how far, and what is shared', () => {
  const distance = { name: 'distance', kind: 'distance', dim: 4 } as const
  const taste = { name: 'taste', kind: 'overlap', user: 'likes', restaurant: 'cuisine' } as const
  const words = (numbers: number[], codes: number[]) => ({
    numbers: Float32Array.from(numbers),
    codes: Uint32Array.from(codes),
  })
  assert.equal(pairText(distance, 830.5, words([6.7, 0], [8])), 'bucket 6')
  assert.equal(pairText(distance, null, words([0, 1], [0])), 'not known')
  assert.equal(pairText(taste, ['thai'], words([1, 1 / 3], [])), '1 in common, 33.3 % of all')
  assert.deepEqual(pairValue(taste, [['thai', 3, 'thai', null, 'x'], 3], Number.NaN), ['3'])
  assert.deepEqual(pairValue(taste, [null, 3], Number.NaN), [])
  assert.equal(pairValue(distance, [], 830.50049), 830.5)
  assert.equal(pairValue(distance, [], Number.NaN), null)

  const gap = { name: 'gap', kind: 'difference', user: 'age', restaurant: 'price' } as const
  assert.equal(pairText(gap, [3, 0.5], words([2.5, 2.5], [])), '2.5')
  assert.equal(pairText(gap, [null, 0.5], words([0, 0], [])), 'missing, 0 instead')
  const mood = { name: 'mood', kind: 'cross', user: 'likes', context: 'time.hour' } as const
  const cross = { ...mood, sizes: [3, 26], buckets: 78, dim: 4, maxValues: 2 }
  assert.deepEqual(pairValue(cross, [['thai', null, 'x'], undefined], Number.NaN), ['thai, x', null])
  assert.equal(pairText(cross, null, words([], [9, 7])), '2 combinations, codes 9, 7')
  assert.equal(pairText(cross, null, words([], [0, 0])), 'missing')
})
