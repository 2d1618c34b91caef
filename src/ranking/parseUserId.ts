import { NearrankError } from '../errors.ts'

const ID_CHARS_MAX = 256
const INTEGER_ID = /^(?:u?\d{1,20}|-\d{1,19})$/ // 64-bit integers; `u00042` is 42

/**
 * A user id as a person or a URL writes it: `u00042`, `42` and 42 are the integer 42 (a bigint beyond 2^53), any other
 * string is itself. `ids: 'string'` leaves every string as it is, for data whose user ids are strings.
 * @throws NearrankError INPUT for an empty or longer than 256 characters string and for a number that is no safe integer;
 *   with `ids: 'integer'` for every string that is no integer.
 */
export function parseUserId(
  value: string | number,
  options: { ids?: 'any' | 'integer' | 'string' } = {},
): number | bigint | string {
  const { ids = 'any' } = options
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw wrong('an integer within ±(2^53 − 1)', String(value))
    return ids === 'string' ? String(value) : value + 0 // −0 is 0
  }
  if (value.length === 0 || value.length > ID_CHARS_MAX)
    throw wrong(`a string of 1 to ${ID_CHARS_MAX} characters`, `${value.length} characters`)
  if (ids !== 'string' && INTEGER_ID.test(value)) return integerOf(value.replace('u', ''))
  if (ids === 'integer') throw wrong('an integer like 42 or u00042', JSON.stringify(value))
  return value
}

function integerOf(digits: string): number | bigint {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number + 0 : BigInt(digits) // −0 is 0
}

function wrong(wanted: string, found: string): NearrankError {
  return new NearrankError('INPUT', `Cannot use the user id: it must be ${wanted}, found ${found}`)
}
