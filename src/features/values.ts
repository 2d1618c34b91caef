/**
 * A value as a table, a store or a request holds it. A moment is milliseconds since 1970 or an ISO 8601 text.
 * Missing: null, undefined, or, in place of a number, NaN.
 */
export type RawValue = null | undefined | number | bigint | string | boolean | readonly RawValue[]

/**
 * The text by which a value of a category is known: integers by their digits, booleans as true and false.
 * null: it is missing; undefined: it is no single value.
 */
export function textOfValue(value: RawValue): string | null | undefined {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number') return Number.isNaN(value) ? null : String(value)
  return typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : undefined
}
