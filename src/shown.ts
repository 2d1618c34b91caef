const CHARS_MAX = 60

/**
 * A wrong value as a message shows it, on one line and at most `charsMax` characters long: texts in quotes,
 * numbers as they are (NaN too), anything else as JSON.
 */
export function shown(value: unknown, charsMax = CHARS_MAX): string {
  // A list is shown whole or by its length; its JSON has at least two characters for each item.
  if (Array.isArray(value) && 2 * value.length > charsMax) return `a list of ${value.length}`
  const text = textOf(value, charsMax)
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text
}

function textOf(value: unknown, charsMax: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.slice(0, charsMax)) // it may be megabytes long
    case 'object':
      return value === null ? 'null' : jsonStart(value, charsMax)
    case 'function':
      return 'a function'
    default:
      return String(value)
  }
}

/**
 * The beginning of a value's JSON, more than `charsMax` characters unless it is whole: a message takes no
 * longer for a value of megabytes, or of thousands of levels.
 */
function jsonStart(value: unknown, charsMax: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, charsMax))
  if (typeof value === 'bigint') return `"${value}"`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (value instanceof Date) return JSON.stringify(value)
  const isList = Array.isArray(value)
  let text = isList ? '[' : '{'
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key]
    if (text.length > charsMax) break
    if (!isList && (!Object.hasOwn(value, key) || item === undefined || typeof item === 'function')) continue
    if (text.length > 1) text += ','
    if (!isList) text += `${JSON.stringify(key.slice(0, charsMax))}:`
    text += jsonStart(item, Math.max(0, charsMax - text.length))
  }
  return text + (isList ? ']' : '}')
}
