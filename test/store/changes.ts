import type { FeatureId, IdKind } from '../../src/ids.ts'
import type { Side } from '../../src/features/featureSpec.ts'
import type { Change, RestaurantRow, UserRow } from '../../src/store/featureStore.ts'

/** A row to put in; a restaurant has a place. */
export function put(
  side: Side,
  id: FeatureId,
  features: number[],
  latitude = 0,
  longitude = 0,
): UserRow | RestaurantRow {
  const vector = Float32Array.from(features)
  return side === 'users'
    ? { side, id, features: vector }
    : { side, id, features: vector, latitude, longitude }
}

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
