/** Markup that may stand in a page as it is: only `markup` makes it, out of escaped parts. */
export class Markup {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  /** See `markup`. */
  static of(strings: TemplateStringsArray, parts: readonly Part[]): Markup {
    return new Markup(strings.reduce((text, string, i) => text + textOf(parts[i - 1]) + string))
  }

  toString(): string {
    return this.#text
  }
}

export type Part = Markup | string | number | readonly Part[]

/**
 * A template of HTML or SVG. Whatever is put into it is text, escaped for the content of elements and for
 * attributes in double quotes, unless it is markup itself. The only place where a page escapes anything.
 */
export function markup(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return Markup.of(strings, parts)
}

export const NOTHING: Markup = markup``

function textOf(part: Part): string {
  if (part instanceof Markup) return part.toString()
  if (typeof part === 'object') return part.map(textOf).join('')
  return String(part)
    .toWellFormed()
    .replace(FORBIDDEN, '\u{FFFD}')
    .replace(SPECIAL, (found) => ESCAPES[found])
}

// Characters that neither XML nor HTML may hold.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{7E}\u{A0}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu
const SPECIAL = /[&<>"']/g
const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
