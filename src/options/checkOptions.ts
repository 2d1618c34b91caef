import { fits, Type } from '../schema.ts'
import { NearrankError } from '../errors.ts'
import { nearest } from './nearest.ts'
import type { OptionTable } from './option.ts'
import type { SchemaFacts } from './schemas.ts'
import { shown } from '../shown.ts'

const FOUND_CHARS_MAX = 80 // of a wrong value, in a message

const is = (test: (value: unknown) => boolean, description: string) => ({
  schema: Type.Refine(Type.Unknown({ description }), test),
})

/** What every function that runs for a while takes beside plain data. */
export const CALLBACKS = {
  signal: is((value) => value instanceof AbortSignal, 'an AbortSignal'),
  onProgress: is((value) => typeof value === 'function', 'a function'),
} satisfies OptionTable

/**
 * Checks what a caller of `name` gives: no unknown key, no wrong value, the required ones there. Keys that
 * are undefined count as not given.
 * @throws NearrankError USAGE
 */
export function checkOptions(table: OptionTable, options: unknown, name: string): void {
  const required = Object.keys(table).filter((key) => table[key].required)
  if (!isPlainObject(options))
    throw new NearrankError(
      'USAGE',
      `Cannot ${name}: the options must be an object such as { ${required.join(', ')} }, found ${shown(options)}`,
    )
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  for (const key of required)
    if (!Object.hasOwn(given, key))
      throw new NearrankError('USAGE', `Cannot ${name}: the option ${key} is missing`)
  checkKeys(table, given, `the options of ${name}`)
}

/**
 * Checks that each key of `values` is one of `table` and holds what it may. `where` names the place in
 * messages.
 * @throws NearrankError USAGE: an unknown key with the nearest known one; or the key, what was wanted, what
 * was found.
 */
export function checkKeys(table: OptionTable, values: object, where: string, prefix = ''): void {
  for (const [key, value] of Object.entries(values)) {
    const name = `${prefix}${key}`
    if (!Object.hasOwn(table, key)) {
      const guess = nearest(key, Object.keys(table))
      throw new NearrankError(
        'USAGE',
        `Cannot use ${where}: unknown key "${name}". ${
          guess ? `Did you mean "${prefix}${guess}"?` : `Known keys: ${Object.keys(table).join(', ')}.`
        }`,
      )
    }
    const { schema, parts } = table[key]
    const wanted = wantedInstead(schema, value)
    if (wanted !== undefined)
      throw new NearrankError(
        'USAGE',
        `Cannot use ${where}: ${name} must be ${wanted}, found ${shown(value, FOUND_CHARS_MAX)}`,
      )
    if (parts) checkKeys(parts, value as object, where, `${name}.`)
  }
}

/** What a value must be, in words, if `value` is not that; otherwise undefined. */
export function wantedInstead(schema: SchemaFacts & object, value: unknown): string | undefined {
  return fits(schema, value) ? undefined : (schema.description ?? 'another value')
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
