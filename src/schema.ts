import type { Static, TSchema, Type as TypeBox } from 'typebox'
import type * as Checker from 'typebox/schema'
import { bundledPackage } from './bundledPackage.ts'

export type { Static, TObject, TSchema, TUnsafe } from 'typebox'

type Json = Record<string, unknown>

/** A copy with what typebox keeps out of the JSON. */
const marked = (schema: Json, key: '~optional' | '~refine', value: unknown) =>
  Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(schema), [key]: { value } })

const builders = {
  Array: (items: Json, options?: Json) => ({ type: 'array', items, ...options }),
  Boolean: (options?: Json) => ({ type: 'boolean', ...options }),
  Enum: (values: unknown[], options?: Json) => ({ enum: values, ...options }),
  Integer: (options?: Json) => ({ type: 'integer', ...options }),
  Literal: (value: unknown, options?: Json) => ({ type: typeof value, const: value, ...options }),
  Null: (options?: Json) => ({ type: 'null', ...options }),
  Number: (options?: Json) => ({ type: 'number', ...options }),
  Object: (properties: Record<string, Json>, options?: Json) => {
    const required = Object.keys(properties).filter((key) => !('~optional' in properties[key]))
    return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
  },
  Optional: (schema: Json) => marked(schema, '~optional', true),
  Record: (key: Json, value: Json, options?: Json) => ({
    type: 'object',
    patternProperties: { [(key.pattern as string | undefined) ?? '^.*$']: value },
    ...options,
  }),
  Refine: (schema: Json, check: (value: unknown) => boolean, error: () => string = () => 'Refine Error') =>
    marked(schema, '~refine', [{ check, error }]),
  String: (options?: Json) => ({ type: 'string', ...options }),
  Tuple: (items: Json[], options?: Json) => ({
    type: 'array',
    additionalItems: false,
    items,
    minItems: items.length,
    ...options,
  }),
  Union: (anyOf: Json[], options?: Json) => ({ anyOf, ...options }),
  Unknown: (options?: Json) => ({ ...options }),
  Unsafe: (schema: Json) => schema,
}

/**
 * typebox's builders of JSON Schemas: the same schemas, of the same types. Its own are 370 modules, which
 * every process would load for 0.1 s.
 */
export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders>

/** What checks, loaded by the first check. `--help` and most threads make none. */
const checker = () => bundledPackage('typebox/schema') as Pick<typeof Checker, 'Check' | 'Compile' | 'Errors'>

/** Whether `value` fits `schema`. Interpreted, not compiled: no code is made from data. */
export function fits<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  return checker().Check(schema, value)
}

/** What is wrong with `value`; empty if it fits `schema`. */
export function misfits(schema: TSchema, value: unknown): ReturnType<typeof Checker.Errors>[1] {
  return checker().Errors(schema, value)[1]
}

/** A check for many values, compiled to code. */
export function compiled<S extends TSchema>(schema: S): (value: unknown) => value is Static<S> {
  const validator = checker().Compile(schema)
  return (value): value is Static<S> => validator.Check(value)
}
