import type { FeatureRow, Features, FeatureValue } from '../../client/types.ts'
import type { ModelFeature, SideFeatures } from '../api/modelFeatures.ts'
import type { RestaurantRow, UserRow } from '../api/rows.ts'
import type { Side } from './rowsState.ts'

/** A row as the server has it. */
export type StoredRow = { side: 'users'; row: UserRow } | { side: 'restaurants'; row: RestaurantRow }

/** Where a restaurant is: not a feature, but changed like one. */
export const PLACE_FEATURES: readonly ModelFeature[] = [
  { name: 'latitude', kind: 'number', mayBeMissing: false },
  { name: 'longitude', kind: 'number', mayBeMissing: false },
]

/** The values of a row by the positions of the features; undefined: missing. */
export function storedValues({ row }: StoredRow, { features }: SideFeatures): (FeatureValue | undefined)[] {
  const own = row.features
  if (Array.isArray(own)) return features.map((_feature, i) => own[i] as FeatureValue)
  return features.map(({ name }) => (Object.hasOwn(own, name) ? own[name] : undefined))
}

/** The row with other values; those that the model does not use stay. */
export function withValues(
  { row }: StoredRow,
  { features }: SideFeatures,
  values: readonly FeatureValue[],
): Features {
  if (Array.isArray(row.features)) return values.map(Number)
  const told = features.map(({ name }, i) => [name, values[i]] as const)
  return Object.fromEntries([...Object.entries(row.features), ...told])
}

/** The row as it is written. */
export function writtenRow(stored: StoredRow): FeatureRow {
  const { id, features } = stored.row
  if (stored.side === 'users') return { userId: id, features }
  const { latitude, longitude } = stored.row
  return { restaurantId: id, features, latitude, longitude }
}

/** Whether two states of a row hold the same values. */
export function areSame(one: StoredRow, other: StoredRow): boolean {
  return textOf(one) === textOf(other)
}

/** Whatever the order in which the values are named. */
function textOf(stored: StoredRow): string {
  const { features } = stored.row
  const values = Array.isArray(features)
    ? features
    : Object.entries(features).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const place = stored.side === 'users' ? [] : [stored.row.latitude, stored.row.longitude]
  return JSON.stringify([values, place], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
}

export const SIDE_NAMES: Readonly<Record<Side, string>> = { users: 'user', restaurants: 'restaurant' }
