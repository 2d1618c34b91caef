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
      return jsonOf(value)
    case 'function':
      return 'a function'
    default:
      return String(value)
  }
}

function jsonOf(value: object | null): string {
  try {
    return JSON.stringify(value, withoutBigInts) ?? 'an object' // its own toJSON may return nothing
  } catch {
    return 'a value nested too deeply to show' // JSON.parse takes more levels than JSON.stringify
  }
}

function withoutBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
