import { NearrankError } from './errors.ts'

/** A user's or restaurant's id, in the one form it has in memory: integers beyond ±(2^53 − 1) are bigints. */
export type FeatureId = number | bigint | string

/** What the ids of one side are: signed or unsigned integers of 64 bits, or strings. */
export type IdKind = (typeof ID_KINDS)[number]

export const ID_KINDS = ['integer', 'unsigned', 'string'] as const
export const ID_CHARS_MAX = 256 // UTF-16 units

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n
const DIGITS = /^-?\d{1,20}$/
const SAFE_DIGITS = 15 // a number holds that many
const WANTED: Record<IdKind, string> = {
  integer: 'an integer from −2^63 to 2^63 − 1',
  unsigned: 'an integer from 0 to 2^64 − 1',
  string: `a string of 1 to ${ID_CHARS_MAX} characters of well-formed Unicode without NUL, not "." or ".."`,
}

export interface ParseIdOptions {
  userForm?: boolean // integers may also be written as `u00042`, @default false
}

export function isIdKind(value: unknown): value is IdKind {
  return ID_KINDS.some((kind) => kind === value)
}

/**
 * What an id of this kind must be, for a message; with an example for
 * who sends the id of a user or restaurant.
 */
export function wantedId(kind: IdKind, of?: 'user' | 'restaurant'): string {
  if (kind === 'string' || of === undefined) return WANTED[kind]
  return `${WANTED[kind]}, like 42${of === 'user' ? ' or u00042' : ''}`
}

/** A regular expression that every id in a path fits, decoded. Of integers, it leaves their range open. */
export function idPattern(kind: IdKind, of: 'user' | 'restaurant'): string {
  if (kind === 'string') return '^(?!\\.{1,2}$)[^\\u0000]+$'
  return of === 'user' ? '^(u?|-)\\d{1,20}$' : '^-?\\d{1,20}$'
}

/**
 * The id that a text or a number means; undefined: it is no id of this kind. Integers are decimal, at most
 * 20 digits, leading zeros allowed. To strings a number is the text of its digits.
 */
export function parseId(value: unknown, kind: IdKind, options?: ParseIdOptions): FeatureId | undefined {
  if (kind === 'string') {
    const text = typeof value === 'string' ? value : textOf(value)
    return text !== undefined && isUsableText(text) ? text : undefined
  }
  const id = integerOf(options?.userForm && typeof value === 'string' ? value.replace(/^u(?=\d)/, '') : value)
  return id !== undefined && isWithin(id, kind) ? id : undefined
}

/**
 * As `parseId`, for whoever sent the id of a `user` (`u00042` is allowed) or a `restaurant`.
 * @throws NearrankError INPUT
 */
export function requireId(
  value: string | number | bigint,
  kind: IdKind,
  of: 'user' | 'restaurant',
): FeatureId {
  const id = parseId(value, kind, { userForm: of === 'user' })
  if (id !== undefined) return id
  const isRounded = typeof value === 'number' && !Number.isSafeInteger(value)
  const wanted = `${wantedId(kind, of)}${isRounded ? ', beyond ±(2^53 − 1) as a string' : ''}`
  let found = String(value)
  if (typeof value === 'string')
    found = value.length > ID_CHARS_MAX ? `${value.length} characters` : JSON.stringify(value)
  throw new NearrankError('INPUT', `Cannot use the ${of} id: it must be ${wanted}, found ${found}`)
}

/** What `id` must be to be an id of this kind, in the form it has in memory; undefined: it is one. */
export function idProblem(id: unknown, kind: IdKind): string | undefined {
  const parsed = parseId(id, kind)
  if (parsed === id && parsed !== undefined) return undefined
  if (kind === 'string') return WANTED.string
  return `${WANTED[kind]}, a number within ±(2^53 − 1) and a bigint beyond`
}

/** The id as text: integers in plain decimal. */
export function idText(id: FeatureId): string {
  return String(id)
}

/** The id as JSON, in answers: integers with all their digits. */
export function idJson(id: FeatureId): string {
  return typeof id === 'string' ? JSON.stringify(id) : String(id)
}

/**
 * The id as a value in a request's JSON: an integer beyond ±(2^53 − 1)
 * as a string, since `JSON.parse` rounds it.
 */
export function requestId(id: FeatureId): number | string {
  return typeof id === 'bigint' ? String(id) : id
}

/** An integer in the form that ids have in memory. */
export function integerId(integer: bigint): number | bigint {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}

/** The signed integer of the same 64 bits, which is what databases keep. */
export function toInt64(id: number | bigint): number | bigint {
  return typeof id === 'number' ? id : BigInt.asIntN(64, id)
}

/** The integer id of the same 64 bits as a signed integer. */
export function fromInt64(bits: number | bigint, kind: IdKind): number | bigint {
  return kind === 'unsigned' && bits < 0 ? integerId(BigInt.asUintN(64, BigInt(bits))) : bits
}

function isUsableText(text: string): boolean {
  if (text.length === 0 || text.length > ID_CHARS_MAX || !text.isWellFormed() || text.includes('\0'))
    return false
  return text !== '.' && text !== '..' // no path reaches them: clients read `/users/..` as `/`, encoded or not
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : undefined
}

function integerOf(value: unknown): number | bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : undefined // −0 is 0
  if (typeof value === 'bigint') return integerId(value)
  if (typeof value !== 'string' || !DIGITS.test(value)) return undefined
  return value.length <= SAFE_DIGITS ? Number(value) + 0 : integerId(BigInt(value))
}

function isWithin(id: number | bigint, kind: 'integer' | 'unsigned'): boolean {
  if (typeof id === 'number') return kind === 'integer' || id >= 0
  return kind === 'integer' ? id >= INT64_MIN && id <= INT64_MAX : id >= 0n && id <= UINT64_MAX
}
