import { fits, misfits, type TSchema } from '../schema.ts'
import { shown } from '../shown.ts'

/**
 * What is wrong with `value`, first thing first, with the path of the key (`network.hidden.0 must be integer,
 * found "x"`); undefined where it fits `schema`. Interpreted, not compiled: no code is made from data.
 */
export function schemaProblem(schema: TSchema, value: unknown): string | undefined {
  if (fits(schema, value)) return undefined
  // Of a union every branch complains: the deepest complaint is of the branch that was meant.
  const errors = misfits(schema, value).toSorted((a, b) => depthOf(b.instancePath) - depthOf(a.instancePath))
  const [deepest] = errors
  if (deepest === undefined) return 'it does not match its schema'
  // To a branch that was not meant, a key of the one that was is unknown.
  const known = errors.find(
    ({ instancePath, keyword }) => instancePath === deepest.instancePath && keyword !== 'boolean',
  )
  const error = known ?? deepest
  const keys = keysOf(error.instancePath)
  if (error.keyword === 'boolean') return `key ${keys.join('.')} is unknown`
  if (error.keyword === 'required')
    return `key ${[...keys, error.params.requiredProperties[0]].join('.')} is missing`
  const alike = errors.filter(({ instancePath }) => instancePath === error.instancePath)
  const literals = alike.filter(({ keyword }) => keyword === 'const')
  const wanted =
    literals.length > 0
      ? literals
      : alike.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'boolean')
  const sentences = new Set(
    wanted.map((one) =>
      one.keyword === 'const' ? `must be ${JSON.stringify(one.params.allowedValue)}` : one.message,
    ),
  )
  const name = keys.length === 0 ? 'the value' : keys.join('.')
  return `${name} ${[...sentences].join(' or ').replaceAll(' or must be ', ' or ')}, found ${shown(valueAt(value, keys))}`
}

function depthOf(pointer: string): number {
  return pointer.split('/').length
}

/** The keys of a JSON pointer (RFC 6901). */
function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function valueAt(value: unknown, keys: string[]): unknown {
  let at = value
  for (const key of keys) at = (at as Record<string, unknown>)[key]
  return at
}
