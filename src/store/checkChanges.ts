import { NearrankError } from '../errors.ts'
import type { Change, FeatureId, IdType, Side, StoreLayout } from './featureStore.ts'

const ID_CHARS_MAX = 256
const INT64_MAX = 2n ** 63n - 1n
const LATITUDE_MAX = 90
const LONGITUDE_MAX = 180
const FOUND_CHARS_MAX = 60 // of a wrong value, in a message

const ONE: Record<Side, string> = { users: 'user', restaurants: 'restaurant' }

/**
 * Checks that every change fits a store of `layout`, so that either all can be written or none is.
 * @throws NearrankError INPUT naming the row, what is wanted and what was found.
 */
export function checkChanges(changes: readonly Change[], layout: StoreLayout): void {
  for (const [i, change] of changes.entries()) {
    const { features, ids } = layout[change.side]
    const wanted = idProblem(change.id, ids)
    if (wanted !== undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot write change ${i}: the id of a ${ONE[change.side]} must be ${wanted}, found ${shown(change.id)}`,
      )
    if ('deleted' in change) continue
    const problem = featuresProblem(change.features, features) ?? placeProblem(change)
    if (problem !== undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot write change ${i}: ${ONE[change.side]} ${shown(change.id)}: ${problem}`,
      )
  }
}

/** What an id must be in place of `id`; undefined: it is right. */
export function idProblem(id: FeatureId, ids: IdType): string | undefined {
  if (ids === 'string') {
    const fits =
      typeof id === 'string' &&
      id.length > 0 &&
      id.length <= ID_CHARS_MAX &&
      id.isWellFormed() &&
      !id.includes('\0')
    return fits ? undefined : `a string of 1 to ${ID_CHARS_MAX} characters of well-formed Unicode without NUL`
  }
  if (typeof id === 'number' && Number.isSafeInteger(id)) return undefined
  // One form only: a small bigint would be another key of a Map than the number.
  if (typeof id === 'bigint' && !Number.isSafeInteger(Number(id)) && id >= -INT64_MAX - 1n && id <= INT64_MAX)
    return undefined
  return 'an integer from −2^63 to 2^63 − 1, a bigint beyond ±(2^53 − 1) and a number within'
}

/** What is wrong with the features of a row; undefined: nothing. */
export function featuresProblem(features: Float32Array, length: number): string | undefined {
  if (features.length !== length) return `features must be ${length} numbers, found ${features.length}`
  for (let i = 0; i < length; i++)
    if (!Number.isFinite(features[i]))
      return `feature ${i} must be finite as a 32-bit float, found ${features[i]}`
  return undefined
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

function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > FOUND_CHARS_MAX ? `${text.slice(0, FOUND_CHARS_MAX)}…` : text
}
