/**
 * The first key that stands twice in one object of `text`, which must be valid JSON. `JSON.parse` keeps the
 * last of two without a word, so that two readers could see two different files.
 */
export function duplicateKey(text: string): string | undefined {
  // one per open bracket: keys of an object, undefined for an array
  const open: (Set<string> | undefined)[] = []
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '{') open.push(new Set())
    else if (char === '[') open.push(undefined)
    else if (char === '}' || char === ']') open.pop()
    else if (char === '"') {
      const end = stringEnd(text, i)
      const keys = open.at(-1)
      if (keys !== undefined && isFollowedByColon(text, end)) {
        const key = String(JSON.parse(text.slice(i, end)))
        if (keys.has(key)) return key
        keys.add(key)
      }
      i = end - 1
    }
  }
  return undefined
}

/** One past the closing quote of the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i + 1
}

function isFollowedByColon(text: string, from: number): boolean {
  let i = from
  while (text[i] === ' ' || text[i] === '\t' || text[i] === '\n' || text[i] === '\r') i++
  return text[i] === ':'
}
