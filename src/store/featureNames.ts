import type { Side } from './featureStore.ts'

const LIST_CHARS_MAX = 300 // of each list, in a message

/** The names that a store keeps as JSON; undefined: it is no list of `length` texts. */
export function parseNames(json: string, length: number): string[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (!Array.isArray(value) || value.length !== length) return undefined
  const names: unknown[] = value
  return names.every((name) => typeof name === 'string') ? names : undefined
}

/** How the features of a store differ from those wanted; undefined: they do not, or one of the two is unknown. */
export function namesProblem(
  side: Side,
  { wanted, found }: Record<'wanted' | 'found', readonly string[] | undefined>,
): string | undefined {
  if (found === undefined || wanted === undefined) return undefined
  const first = wanted.findIndex((name, i) => name !== found[i])
  if (first === -1) return undefined
  return `its features of ${side} must be ${listed(wanted, first)}, found ${listed(found, first)}`
}

/** All names, or of a long list those from the first difference on. */
function listed(names: readonly string[], first: number): string {
  const all = names.join(', ')
  if (all.length <= LIST_CHARS_MAX) return all
  const rest = names.slice(first).join(', ')
  const shown = rest.length > LIST_CHARS_MAX ? `${rest.slice(0, LIST_CHARS_MAX)}…` : rest
  return `from the ${first + 1}. on ${shown}`
}
