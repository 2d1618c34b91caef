/** An element of well-formed XML. */
export interface Element {
  name: string
  attributes: Record<string, string>
  children: (Element | string)[]
}

const TOKEN =
  /<!DOCTYPE html>|<\/([a-zA-Z0-9]+)>|<([a-zA-Z0-9]+)((?:\s+[a-zA-Z:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y
const ATTRIBUTE = /([a-zA-Z:-]+)="([^"]*)"/g
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

/** The root of a document. Throws unless every tag is closed, every attribute quoted, every `&` and `<` escaped. */
export function parseXml(text: string): Element {
  const root: Element = { name: '', attributes: {}, children: [] }
  const open = [root]
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const found = TOKEN.exec(text)
    if (!found) throw new Error(`no XML at ${at}: ${text.slice(at, at + 80)}`)
    const [whole, closed, name, attributes, isEmpty, content] = found
    const parent = open[open.length - 1]
    if (closed) {
      if (open.pop()?.name !== closed) throw new Error(`</${closed}> at ${at} closes another element`)
    } else if (name) {
      const element: Element = { name, attributes: attributesOf(attributes, at), children: [] }
      parent.children.push(element)
      if (!isEmpty) open.push(element)
    } else if (content) parent.children.push(unescaped(content))
    else if (whole !== '<!DOCTYPE html>') throw new Error(`${whole} at ${at}`)
  }
  if (open.length > 1) throw new Error(`<${open[open.length - 1].name}> is not closed`)
  const [only, ...others] = root.children.filter((child) => typeof child !== 'string')
  if (others.length > 0) throw new Error('more than one root')
  return only
}

function attributesOf(text: string, at: number): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const [, name, value] of text.matchAll(ATTRIBUTE)) {
    if (Object.hasOwn(attributes, name)) throw new Error(`${name} twice at ${at}`)
    attributes[name] = unescaped(value)
  }
  return attributes
}

function unescaped(text: string): string {
  if (/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.test(text))
    throw new Error(`a character that XML forbids in ${JSON.stringify(text)}`)
  return text.replace(/&([^;\s]*);?/g, (whole, name: string) => {
    if (!Object.hasOwn(ENTITIES, name)) throw new Error(`${whole} is no entity`)
    return ENTITIES[name]
  })
}

/** All elements of a name, or all, in their order. */
export function elements(root: Element, name?: string): Element[] {
  return root.children.flatMap((child) => {
    if (typeof child === 'string') return []
    return [...(name === undefined || child.name === name ? [child] : []), ...elements(child, name)]
  })
}

/** All text within. */
export function textOf(element: Element): string {
  return element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('')
}

export function hasClass({ attributes }: Element, name: string): boolean {
  return (attributes.class ?? '').split(' ').includes(name)
}
