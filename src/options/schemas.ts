import { instantMs } from './instant.ts'
import { type TSchema, Type } from '../schema.ts'

const TEXT_CHARS_MAX = 4096

/** What a program can read of a schema that one of the builders below has made. */
export interface SchemaFacts {
  description?: string // completes the sentence "it must be …": what a person reads when a value is wrong
  type?: string
  enum?: readonly string[]
  items?: SchemaFacts
  anyOf?: readonly SchemaFacts[]
  unit?: 'bytes'
}

export const integer = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, description: `an integer from ${minimum} to ${maximum}` })

/** A size in bytes, which a command line takes as 512MiB or 1GiB too. */
export const size = (minimum: number, maximum: number) =>
  Type.Integer({
    minimum,
    maximum,
    unit: 'bytes',
    description: `a number of bytes, at least ${minimum} (${minimum / 2 ** 20}MiB)`,
  })

export const number = (minimum: number, maximum: number) =>
  Type.Number({ minimum, maximum, description: `a number from ${minimum} to ${maximum}` })

export const positive = (maximum: number) =>
  Type.Number({ exclusiveMinimum: 0, maximum, description: `a number above 0 and at most ${maximum}` })

export const fraction = () =>
  Type.Number({ minimum: 0, exclusiveMaximum: 1, description: 'a number from 0 to below 1' })

export const boolean = () => Type.Boolean({ description: 'true or false' })

export const oneOf = <const T extends string>(...values: readonly T[]) =>
  Type.Enum(values, { description: `one of ${values.join(', ')}` })

export const someOf = <const T extends string>(...values: readonly T[]) =>
  Type.Array(Type.Enum(values), {
    minItems: 1,
    uniqueItems: true,
    description: `a list of ${values.join(', ')}, each at most once`,
  })

export const text = () =>
  Type.String({ minLength: 1, maxLength: TEXT_CHARS_MAX, description: 'a string that is not empty' })

/** A date or a time, see `instantMs`. */
export const instant = () => {
  const description = 'a date or a time in ISO 8601, such as 2026-11-01 or 2026-11-01T06:00:00Z'
  return Type.Refine(Type.String({ description }), (value) => instantMs(value) !== undefined)
}

export const texts = (maxItems = 4096) =>
  Type.Array(text(), { minItems: 1, maxItems, description: 'a list of strings' })

export const globs = () => Type.Union([text(), texts()], { description: 'a glob, or a list of globs' })

/** A list with any number of items from none to `maxItems`. */
export const list = <T extends TSchema>(items: T, maxItems: number, description: string) =>
  Type.Array(items, { maxItems, description })
