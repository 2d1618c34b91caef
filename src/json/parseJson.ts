/** `JSON.parse`, but that a byte-order mark in front, as some editors write it, is no part of the text. */
export function parseJson(text: string): unknown {
  return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
}
