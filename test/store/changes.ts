import type { FeatureId, IdKind } from '../../src/ids.ts'
import type { Side } from '../../src/features/featureSpec.ts'
import type { RawRow } from '../../src/features/rawRow.ts'
import type { RawValue } from '../../src/features/values.ts'
import type { Change, FeatureRow, Values, Vector } from '../../src/store/featureStore.ts'

export const USER_NAMES = ['age', 'né 🍜"\\', '__proto__']
export const RESTAURANT_NAMES = ['a:b', 'constructor']

/** A row to put in; a restaurant has a place. */
export function put(
  side: Side,
  id: FeatureId,
  features: number[],
  latitude = 0,
  longitude = 0,
): FeatureRow & Vector {
  const vector = Float32Array.from(features)
  return side === 'users'
    ? { side, id, features: vector }
    : { side, id, features: vector, latitude, longitude }
}

/** The same for a side of values. */
export function putValues(
  side: Side,
  id: FeatureId,
  values: RawRow,
  latitude = 0,
  longitude = 0,
): FeatureRow & Values {
  return side === 'users' ? { side, id, values } : { side, id, values, latitude, longitude }
}

/** The same for numbers under the names of these tests. */
export function putNumbersByName(
  side: Side,
  id: FeatureId,
  features: number[],
  latitude = 0,
  longitude = 0,
): FeatureRow & Values {
  const names = side === 'users' ? USER_NAMES : RESTAURANT_NAMES
  const values = Object.fromEntries(features.map((number, i) => [names[i], number] as const))
  return putValues(side, id, values, latitude, longitude)
}

/** Values of which each could be taken for another one. */
export const AWKWARD_VALUES: RawValue[] = [
  null,
  undefined,
  0,
  -1.5,
  1e300,
  5e-324,
  2 ** 53,
  true,
  false,
  '',
  ' ',
  'plain',
  '5',
  '-5',
  ' 5',
  '5 stars',
  '1e3',
  '007',
  '12345678901234567890',
  'null',
  'true',
  'nullable',
  '"quoted"',
  '"',
  '[1]',
  '[',
  '{}',
  '{"a":1}',
  'NaN',
  'a\0b',
  '\uD800',
  '\uFEFF',
  'ไทย 🍜',
  "'; DROP TABLE users; --",
  'x'.repeat(100_000),
  [],
  ['a', 'b', 'a'],
  ['', 'null', '5', 5, true, null],
  [0.1, -2, 3e10],
]

export function remove(side: Side, id: FeatureId): Change {
  return { side, id, deleted: true }
}

/** Ids of which each has once been somebody's bug. */
export const AWKWARD_IDS: Record<IdKind, FeatureId[]> = {
  integer: [
    0,
    1,
    -1,
    42,
    2 ** 53 - 1,
    1 - 2 ** 53,
    2n ** 53n,
    2n ** 53n + 1n,
    -(2n ** 53n),
    2n ** 63n - 1n,
    -(2n ** 63n),
  ],
  unsigned: [0, 1, 42, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 2n, 2n ** 64n - 1n],
  string: [
    'plain',
    'u00042',
    '42',
    '042',
    '4.2e1',
    ' a b ',
    ' ',
    'a/b/../c',
    'a:b',
    '{a}:b',
    '🍜🍜',
    'é',
    'e\u0301',
    "'; DROP TABLE users; --",
    '%5B*?[a]',
    '\r\n\t',
    '\uFEFF',
    '__proto__',
    'constructor',
    'x'.repeat(256),
    'x'.repeat(255) + 'y',
    '🍜'.repeat(128),
  ],
}

/** Rows of values that do not fit, by what is wrong. */
export function badValues(): Record<string, { change: Change; message: RegExp }> {
  const user = (values: unknown) => putValues('users', 2, values as RawRow)
  const [name] = USER_NAMES
  return {
    'no object': { change: user('x'), message: /features must be an object with values .*, found "x"/ },
    'a list': { change: user([1]), message: /features must be an object .*, found \[1\]/ },
    'an unknown name': {
      change: user({ Age: 1 }),
      message: /the feature "Age" is unknown, the features are age, né 🍜"\\, __proto__/,
    },
    infinite: { change: user({ [name]: -Infinity }), message: /feature age must be finite, found -Infinity/ },
    'no JSON': { change: user({ [name]: 5n }), message: /feature age must be a number, a text, .*, found 5/ },
    'an object': { change: user({ [name]: { a: 1 } }), message: /feature age must .*, found \{"a":1\}/ },
    'a list in a list': { change: user({ [name]: [1, [2]] }), message: /found \[2\] in it/ },
    'too long': {
      change: user({ [name]: 'x'.repeat(2 ** 18) }),
      message: /the texts of a row must have at most 262144 characters together, found 262147/,
    },
    'no place': {
      change: { side: 'restaurants', id: 1, values: {} } as unknown as Change,
      message: /latitude must be degrees/,
    },
  }
}

/** Changes that do not fit a store with 3 features a user and 2 a restaurant, by what is wrong. */
export function badChanges(ids: IdKind): Record<string, Change> {
  const id = ids === 'string' ? 'nine' : 9
  const wrongIds: unknown[] = {
    integer: ['9', 1.5, Number.NaN, Infinity, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n, 9n, null, undefined],
    unsigned: ['9', 1.5, Number.NaN, -1, -(2n ** 60n), 2 ** 53, 2n ** 64n, 9n, null, undefined],
    string: ['', 9, 9n, 'x'.repeat(257), '\uD800', 'a\0b', null, undefined],
  }[ids]
  return {
    'too few features': put('users', id, [1, 2]),
    'too many features': put('users', id, [1, 2, 3, 4]),
    'no features': put('restaurants', id, []),
    NaN: put('users', id, [1, Number.NaN, 3]),
    infinite: put('restaurants', id, [1, -Infinity]),
    'too large for 32 bits': put('users', id, [1e39, 0, 0]),
    'latitude beyond the pole': put('restaurants', id, [1, 2], 90.00001, 0),
    'longitude beyond the date line': put('restaurants', id, [1, 2], 0, -180.00001),
    'latitude NaN': put('restaurants', id, [1, 2], Number.NaN, 0),
    'longitude infinite': put('restaurants', id, [1, 2], 0, Infinity),
    'a text as latitude': { ...put('restaurants', id, [1, 2]), latitude: '1' } as unknown as Change,
    ...Object.fromEntries(
      wrongIds.flatMap((wrong) => [
        [`the id ${typeof wrong} ${String(wrong)} of a row`, put('users', wrong as FeatureId, [1, 2, 3])],
        [`the id ${typeof wrong} ${String(wrong)} of a deletion`, remove('restaurants', wrong as FeatureId)],
      ]),
    ),
  }
}
