import { InvalidArgumentError } from 'commander'
import { wantedInstead } from '../../options/checkOptions.ts'
import type { SchemaFacts } from '../../options/schemas.ts'
import {
  choiceOf,
  choicesOf,
  type ParseValue,
  parseInteger,
  parseIntegers,
  parseNames,
  parseNumber,
  parseSize,
  parseText,
} from './values.ts'

/** The parser of a flag's text: what it returns is what `schema` allows. */
export function parserOf(schema: SchemaFacts & object): ParseValue {
  const parse = parserOfKind(schema)
  return (text) => {
    const value = parse(text)
    const wanted = wantedInstead(schema, value)
    if (wanted !== undefined) throw new InvalidArgumentError(`It must be ${wanted}.`)
    return value
  }
}

/** Whether each use of the flag adds to a list: a value may be one text, or several. */
export function repeats(schema: SchemaFacts): boolean {
  return schema.anyOf?.some(({ type }) => type === 'array') ?? false
}

export function isSwitch(schema: SchemaFacts): boolean {
  return schema.type === 'boolean'
}

function parserOfKind({ type, unit, enum: choices, items, description = '' }: SchemaFacts): ParseValue {
  if (unit === 'bytes') return parseSize
  if (type === 'integer') return parseInteger
  if (type === 'number') return parseNumber
  if (choices) return choiceOf(choices)
  if (items?.enum) return choicesOf(items.enum, description)
  if (items?.type === 'integer') return parseIntegers
  if (items) return parseNames
  return parseText
}
