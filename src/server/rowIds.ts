import { messageOf } from '../errors.ts'
import { parseUserId } from '../ranking/parseUserId.ts'
import type { FeatureId, IdType, Side, StoreLayout } from '../store/featureStore.ts'
import { Problem } from './problems/problems.ts'

export const ID_CHARS_MAX = 256
const INTEGER_ID = /^-?\d{1,20}$/
const INTEGER_MIN = -(2n ** 63n)
const INTEGER_MAX = 2n ** 64n - 1n

/**
 * The id of a row as a path or a JSON line writes it: users' as `parseUserId` reads it, restaurants' without the form
 * `u00042`. @throws Problem BAD_ID.
 */
export function parseRowId(value: string | number, side: Side, layout: StoreLayout): FeatureId {
  const { ids } = layout[side]
  if (typeof value === 'string' && !value.isWellFormed())
    throw wrong(side, 'valid Unicode', 'half a surrogate pair')
  const id = side === 'users' ? userId(value, ids) : restaurantId(value, ids)
  if (typeof id === 'bigint' && (id < INTEGER_MIN || id > INTEGER_MAX))
    throw wrong(side, 'an integer of 64 bits', String(id))
  return id
}

/** An id as JSON, integers with all their digits. */
export function idJson(id: FeatureId): string {
  return typeof id === 'string' ? JSON.stringify(id) : String(id)
}

function userId(value: string | number, ids: IdType): FeatureId {
  try {
    return parseUserId(value, { ids })
  } catch (error) {
    throw new Problem('BAD_ID', messageOf(error), { cause: error })
  }
}

function restaurantId(value: string | number, ids: IdType): FeatureId {
  const text = String(value)
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw wrong('restaurants', 'an integer within ±(2^53 − 1), larger ones as strings', text)
  if (text.length === 0 || text.length > ID_CHARS_MAX)
    throw wrong('restaurants', `a string of 1 to ${ID_CHARS_MAX} characters`, `${text.length} characters`)
  if (ids === 'string') return text
  if (!INTEGER_ID.test(text)) throw wrong('restaurants', 'an integer like 42', JSON.stringify(text))
  return Number.isSafeInteger(Number(text)) ? Number(text) + 0 : BigInt(text) // −0 is 0
}

function wrong(side: Side, wanted: string, found: string): Problem {
  const name = side === 'users' ? 'user' : 'restaurant'
  return new Problem('BAD_ID', `Cannot use the ${name} id: it must be ${wanted}, found ${found}`)
}
