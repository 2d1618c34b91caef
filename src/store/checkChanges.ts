import { NearrankError } from '../errors.ts'
import { shown } from '../shown.ts'
import { type Side, SINGULAR } from '../features/featureSpec.ts'
import { vectorProblem } from '../features/featureValues.ts'
import { rowProblem } from '../features/rawRow.ts'
import { idProblem } from '../ids.ts'
import type { Change, FeatureRow, SideLayout, StoreLayout } from './featureStore.ts'

const LATITUDE_MAX = 90
const LONGITUDE_MAX = 180

/**
 * Checks that every change fits a store of `layout`, so that either all can be written or none is.
 * @throws NearrankError INPUT naming the row, what is wanted and what was found.
 */
export function checkChanges(changes: readonly Change[], layout: StoreLayout): void {
  const names = { users: new Set(layout.users.names), restaurants: new Set(layout.restaurants.names) }
  for (const [i, change] of changes.entries()) {
    const wanted = idProblem(change.id, layout[change.side].ids)
    if (wanted !== undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot write change ${i}: the id of a ${SINGULAR[change.side]} must be ${wanted}, found ${shown(change.id)}`,
      )
    if ('deleted' in change) continue
    const problem = featuresProblem(change, layout[change.side], names[change.side]) ?? placeProblem(change)
    if (problem !== undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot write change ${i}: ${SINGULAR[change.side]} ${shown(change.id)}: ${problem}`,
      )
  }
}

function featuresProblem(
  row: FeatureRow,
  { form, features }: SideLayout,
  names: ReadonlySet<string>,
): string | undefined {
  if (form === 'values') return rowProblem('values' in row ? row.values : row.features, names)
  return 'features' in row
    ? vectorProblem(row.features, features)
    : `features must be ${features} numbers, found values by name`
}

/** What is wrong with a place in degrees; undefined: nothing, or it is a user, who has none. */
export function placeProblem(row: {
  latitude?: unknown
  longitude?: unknown
  side: Side
}): string | undefined {
  if (row.side === 'users') return undefined
  return (
    degreesProblem('latitude', row.latitude, LATITUDE_MAX) ??
    degreesProblem('longitude', row.longitude, LONGITUDE_MAX)
  )
}

function degreesProblem(name: string, value: unknown, max: number): string | undefined {
  if (typeof value === 'number' && Math.abs(value) <= max) return undefined
  return `${name} must be degrees from -${max} to ${max}, found ${shown(value)}`
}
