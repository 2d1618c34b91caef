import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { RowEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import type { FeatureSpec, TimeFeature } from '../../src/features/featureSpec.ts'
import { embeddingsOf, rowShape, widthOf } from '../../src/features/rowShape.ts'
import type { RawValue } from '../../src/features/values.ts'

/** The words of one row: its numbers, then its codes; a text: what is wrong. */
function encoded(
  features: FeatureSpec[],
  values: RawValue[],
): { numbers: number[]; codes: number[] } | string {
  const { numbers, words } = rowShape(features)
  const row = wordsOf(new Float32Array(words + 2).fill(7))
  const problem = new RowEncoder(features).encodeInto(row, 1, values)
  assert.deepEqual([row.f32[0], row.f32[words + 1]], [7, 7], 'only the row itself is written')
  if (problem !== undefined) return problem
  return {
    numbers: [...row.f32.subarray(1, 1 + numbers)],
    codes: [...row.u32.subarray(1 + numbers, 1 + words)],
  }
}

const NUMBER: FeatureSpec = { name: 'age', kind: 'number', missing: { value: 40, flag: true } }
const CATEGORY: FeatureSpec = { name: 'city', kind: 'category', values: ['b', 'a', '3', 'true'], dim: 4 }
const LIST: FeatureSpec = { name: 'tags', kind: 'categories', values: ['x', 'y'], dim: 4, maxValues: 3 }
const TEXT: FeatureSpec = { name: 'about', kind: 'text', buckets: 8, dim: 4, maxValues: 3 }
const VECTOR: FeatureSpec = { name: 'v', kind: 'vector', length: 2, missing: { values: [1, 2], flag: true } }
const CELL: FeatureSpec = { name: 'home', kind: 'cell', sizesM: [500, 20_000], buckets: 1000, dim: 4 }
const TIME: TimeFeature = {
  name: 'at',
  kind: 'time',
  parts: ['days', 'hour', 'weekday', 'month'],
  dim: 4,
  missing: { value: 20_000, flag: false },
}

const NEW_YORK: FeatureSpec = { ...TIME, parts: ['hour', 'weekday', 'month'], zone: 'America/New_York' }
const ST_JOHNS: FeatureSpec = { ...TIME, parts: ['hour'], zone: 'America/St_Johns' }

describe('a value becomes', () => {
  const cases: [string, FeatureSpec, RawValue, { numbers: number[]; codes: number[] } | RegExp][] = [
    ['a number', NUMBER, 3, { numbers: [3, 0], codes: [] }],
    ['a number of a boolean', NUMBER, true, { numbers: [1, 0], codes: [] }],
    ['the mean, flagged, where it is missing', NUMBER, null, { numbers: [40, 1], codes: [] }],
    ['the same for NaN', NUMBER, Number.NaN, { numbers: [40, 1], codes: [] }],
    [
      'nothing, where it is infinite',
      NUMBER,
      Infinity,
      /^feature age must be a finite number as a 32-bit float, found Infinity$/,
    ],
    ['nothing, where it is a text', NUMBER, '3', /^feature age must be a finite number.*found "3"$/],
    [
      'nothing, where training saw none missing',
      { name: 'n', kind: 'number' },
      null,
      /^feature n must be a finite number, found null; training saw none missing, so give it a value/,
    ],
    [
      'a number within bounds, as a logarithm',
      { name: 'n', kind: 'number', clip: [-10, 50], scale: 'log' },
      60,
      { numbers: [Math.fround(Math.log(51))], codes: [] },
    ],
    [
      'the logarithm of a negative number, with its sign',
      { name: 'n', kind: 'number', clip: [-10, 50], scale: 'log' },
      -20,
      { numbers: [Math.fround(-Math.log(11))], codes: [] },
    ],
    ...(
      [
        [-1, 0],
        [0, 0],
        [5, 0.125],
        [10, 0.375],
        [15, 0.625],
        [20, 0.75],
        [30, 0.875],
        [40, 1],
        [99, 1],
      ] as const
    ).map(([value, rank]): [string, FeatureSpec, RawValue, { numbers: number[]; codes: number[] }] => [
      `the rank of ${value}`,
      { name: 'n', kind: 'number', scale: 'rank', knots: [0, 10, 10, 20, 40] },
      value,
      { numbers: [rank], codes: [] },
    ]),
    [
      'the bucket of a hash',
      { name: 'c', kind: 'category', values: [], buckets: 100, dim: 4 },
      'a',
      { numbers: [], codes: [2 + (0xe40c292c % 100)] }, // FNV-1a of "a"
    ],
    ['a code', CATEGORY, 'a', { numbers: [], codes: [3] }],
    ['a code by its text', CATEGORY, 3, { numbers: [], codes: [4] }],
    ['a code of a boolean', CATEGORY, true, { numbers: [], codes: [5] }],
    ['the code of what was never seen', CATEGORY, 'z', { numbers: [], codes: [1] }],
    ['the code of what is missing', CATEGORY, undefined, { numbers: [], codes: [0] }],
    [
      'nothing, where a list stands for one',
      CATEGORY,
      ['a'],
      /^feature city must be a text, a number or a boolean/,
    ],
    ['codes of a list', LIST, ['y', 'z', null], { numbers: [], codes: [3, 1, 0] }],
    ['the first codes of a long list', LIST, ['x', 'x', 'y', 'y'], { numbers: [], codes: [2, 2, 3] }],
    ['no codes of an empty list', LIST, [], { numbers: [], codes: [0, 0, 0] }],
    ['nothing, where a text stands for a list', LIST, 'x', /^feature tags must be a list, found "x"$/],
    ['a vector', VECTOR, [3, 4], { numbers: [3, 4, 0], codes: [] }],
    ['the mean vector, flagged', VECTOR, null, { numbers: [1, 2, 1], codes: [] }],
    [
      'nothing, where digits of an integer are lost',
      CATEGORY,
      2 ** 53,
      /^feature city must be written as a text where/,
    ],
    [
      'nothing, where they are lost in a list',
      LIST,
      ['x', -(2 ** 60)],
      /^feature tags must be written as a text/,
    ],
    ['nothing, where a vector is too short', VECTOR, [3], /^feature v must be a list of 2 numbers, found 1$/],
    // 2024-02-29 was a Thursday, day 19,782 since 1970.
    [
      'parts of a time',
      TIME,
      '2024-02-29T18:30:00Z',
      { numbers: [Math.fround(19_782 + 18.5 / 24)], codes: [20, 5, 3] },
    ],
    [
      'the same of milliseconds',
      TIME,
      Date.UTC(2024, 1, 29, 18, 30),
      { numbers: [Math.fround(19_782 + 18.5 / 24)], codes: [20, 5, 3] },
    ],
    [
      'a time without a zone is UTC',
      TIME,
      '2024-02-29 18:30',
      { numbers: [Math.fround(19_782 + 18.5 / 24)], codes: [20, 5, 3] },
    ],
    [
      'the hour that clocks of its zone show',
      NEW_YORK,
      '2024-02-29T02:30:00Z',
      { numbers: [], codes: [23, 4, 3] },
    ],
    [
      'the same of milliseconds in a zone',
      NEW_YORK,
      Date.UTC(2024, 1, 29, 2, 30),
      { numbers: [], codes: [23, 4, 3] },
    ],
    [
      'an hour before the clocks go forward',
      NEW_YORK,
      '2024-03-10T06:59:59Z',
      { numbers: [], codes: [3, 8, 4] },
    ],
    ['an hour after they went forward', NEW_YORK, '2024-03-10T07:00:00Z', { numbers: [], codes: [5, 8, 4] }],
    ['a day, which is the same in every zone', NEW_YORK, '2024-02-29', { numbers: [], codes: [2, 5, 3] }],
    ['parts of a missing time in a zone', NEW_YORK, null, { numbers: [], codes: [0, 0, 0] }],
    ['parts of the last moment that a Date can hold', NEW_YORK, 8.64e15, { numbers: [], codes: [22, 6, 10] }],
    ['parts of the first one', NEW_YORK, -8.64e15, { numbers: [], codes: [2, 3, 5] }],
    // There, they went forward at one minute past midnight.
    ['an hour that a change cuts, before it', ST_JOHNS, '1990-04-01T03:30:30Z', { numbers: [], codes: [2] }],
    ['an hour that a change cuts, after it', ST_JOHNS, '1990-04-01T03:31:30Z', { numbers: [], codes: [3] }],
    ['the cells of a place', CELL, [52.52, 13.405], { numbers: [], codes: [2 + 199, 2 + 914] }],
    ['cells of a missing place', CELL, null, { numbers: [], codes: [0, 0] }],
    ['cells of half a place', CELL, [52.52, Number.NaN], { numbers: [], codes: [0, 0] }],
    [
      'nothing, where it is no place',
      CELL,
      [13.405, 252.52],
      /^feature home must be a list of latitude and longitude in degrees, found \[13.405,252.52\]$/,
    ],
    ['parts of a missing time', TIME, null, { numbers: [20_000], codes: [0, 0, 0] }],
    [
      'nothing, where it is no time',
      TIME,
      'yesterday',
      /^feature at must be a date or a time, found "yesterday"$/,
    ],
    ...['2023-02-29', '2024-02-30T10:00:00Z', '1900-02-29 10:00', '2024-04-31', '2024-06-00'].map(
      (day): [string, FeatureSpec, RawValue, RegExp] => [
        `nothing, where no month has that day: ${day}`,
        TIME,
        day,
        new RegExp(`^feature at must be a date or a time, found "${day}"$`),
      ],
    ),
  ]
  for (const [name, feature, value, expected] of cases)
    test(name, () => {
      const found = encoded([feature], [value])
      if (expected instanceof RegExp)
        assert.match(JSON.stringify(found).replaceAll('\\"', '"').slice(1, -1), expected)
      else assert.deepEqual(found, expected)
    })

  test('words of a text: the same word in any case, the same bucket', () => {
    const one = encoded([TEXT], ['Best noodles'])
    assert.deepEqual(encoded([TEXT], ['BEST, noodles!']), one)
    assert.ok(
      typeof one !== 'string' && one.codes.every((code, i) => (i < 2 ? code >= 2 && code < 10 : code === 0)),
    )
  })
})

test('a row of several features is each of them, numbers first, and never reaches past its tables', () => {
  const features = [LIST, NUMBER, CATEGORY, VECTOR, TIME, TEXT]
  const scalar = fc.oneof(
    fc.constant(null),
    fc.constantFrom('a', 'b', 'x', 'zzz'),
    fc.integer(),
    fc.boolean(),
  )
  const values = fc.tuple(
    fc.oneof(fc.constant(null), fc.array(scalar, { maxLength: 6 })),
    fc.oneof(fc.constant(null), fc.float({ noNaN: true, noDefaultInfinity: true })),
    scalar,
    fc.oneof(fc.constant(null), fc.tuple(fc.integer(), fc.integer())),
    fc.oneof(fc.constant(null), fc.integer({ min: -1e12, max: 4e12 })),
    fc.oneof(fc.constant(null), fc.string()),
  )
  fc.assert(
    fc.property(values, (row) => {
      const all = encoded(features, row)
      const single = features.map((feature, i) => encoded([feature], [row[i]]))
      assert.ok(typeof all !== 'string')
      assert.deepEqual(
        all.numbers,
        single.flatMap((one) => (typeof one === 'string' ? [] : one.numbers)),
      )
      assert.deepEqual(
        all.codes,
        single.flatMap((one) => (typeof one === 'string' ? [] : one.codes)),
      )
      assert.equal(all.numbers.length + all.codes.length, widthOf(features))
      let at = 0
      for (const { codes, slots } of features.flatMap(embeddingsOf))
        for (const end = at + slots; at < end; at++) assert.ok(all.codes[at] < codes)
    }),
  )
})
