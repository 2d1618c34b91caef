import type { RawValue } from '../../features/values.ts'

// What JSON begins with: most texts do not, and need not be tried.
const MAYBE_JSON = /^[\s\d"[{tfn-]/

/**
 * A value as the text of a hash's field, so that other programs write most values as they are: a text is
 * itself, unless it is empty or could be read as JSON; all else is JSON, and what is missing is empty.
 */
export function fieldOfValue(value: RawValue): string {
  if (value === null || value === undefined) return ''
  if (typeof value !== 'string') return JSON.stringify(value)
  const isItself = value !== '' && value.isWellFormed() && parsed(value) === undefined
  return isItself ? value : JSON.stringify(value)
}

/** The value of such a field; what is JSON and no value, as an object, is for the caller to refuse. */
export function valueOfField(text: string): unknown {
  if (text === '') return null
  const json = parsed(text)
  return json ? json.value : text
}

/** What a text is as JSON; undefined: it is none. */
function parsed(text: string): { value: unknown } | undefined {
  if (!MAYBE_JSON.test(text)) return undefined
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
