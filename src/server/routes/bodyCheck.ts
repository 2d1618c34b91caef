import type { FastifySchemaCompiler } from 'fastify'
import { compiled, misfits, type TObject, type TSchema } from '../../schema.ts'
import { shown } from '../../shown.ts'
import { Problem } from '../problems/problems.ts'

type Described = TSchema & { description?: string }

/** What is wrong with a value, as the rest of a sentence; undefined: nothing. */
export type Check = (value: unknown) => string | undefined

/**
 * A check of flat JSON objects against `schema`, which allows no further properties. The schemas'
 * descriptions complete the sentence "… must be …".
 */
export function checkOf(schema: TObject): Check {
  const isOne = compiled(schema)
  return (value) => {
    if (isOne(value)) return undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return `it must be a JSON object, found ${sized(value)}`
    const wanted = new Map<string, Described & { items?: Described }>(Object.entries(schema.properties))
    const found = new Map<string, unknown>(Object.entries(value))
    for (const key of found.keys())
      if (!wanted.has(key)) return `the fields are ${[...wanted.keys()].join(', ')}, found ${shown(key)}`
    for (const key of schema.required ?? [])
      if (!found.has(key)) return `${key} is missing: it must be ${wanted.get(key)?.description}`
    const [, key, position] = (misfits(schema, value)[0]?.instancePath ?? '').split('/')
    const field = found.get(key)
    if (position !== undefined && Array.isArray(field)) {
      const item = wanted.get(key)?.items
      return `${key}[${position}] must be ${item?.description}, found ${sized(field[Number(position)])}`
    }
    return `${key} must be ${wanted.get(key)?.description}, found ${sized(field)}`
  }
}

/** Fastify's validator from the same check: nothing is coerced, removed or filled in. */
export const validatorCompiler: FastifySchemaCompiler<TObject> = ({ schema, httpPart }) =>
  validatorOf(checkOf(schema), httpPart)

/** A validator of Fastify's from a check of a part of the request. */
export function validatorOf(check: Check, httpPart?: string) {
  return (value: unknown) => {
    const problem = check(value)
    if (problem === undefined) return { value }
    return httpPart === 'body'
      ? { error: new Problem('BAD_BODY', `Cannot use the body: ${problem}`) }
      : { error: new Problem('BAD_ID', `Cannot use the path: ${problem}`) }
  }
}

/** A list by its length, which is what is mostly wrong with it. */
function sized(value: unknown): string {
  return Array.isArray(value) ? `a list of ${value.length}` : shown(value)
}
