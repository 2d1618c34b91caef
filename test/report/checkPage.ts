import assert from 'node:assert/strict'
import { type Element, elements, hasClass, parseXml, textOf } from './xml.ts'

/**
 * Proves that a page needs nothing but itself, runs nothing, and tells in words what its pictures show.
 * Returns its root.
 */
export function checkPage(page: string): Element {
  const root = parseXml(page)
  assert.equal(root.name, 'html')
  const all = elements(root)
  const names = new Set(all.map(({ name }) => name))
  for (const name of [
    'script',
    'link',
    'img',
    'image',
    'iframe',
    'object',
    'embed',
    'use',
    'base',
    'form',
    'a:href',
  ])
    assert.ok(!names.has(name), `<${name}>`)
  for (const { name, attributes } of all)
    for (const [attribute, value] of Object.entries(attributes)) {
      assert.doesNotMatch(attribute, /^(on|src|style$|xlink|formaction|action)/, `${name} ${attribute}`)
      if (attribute === 'href') assert.match(value, /^#[\w-]+$/)
      if (attribute !== 'xmlns')
        assert.doesNotMatch(value, attribute === 'href' ? /:/ : /^\w+:\/\//, `${name} ${attribute}`)
    }
  const styles = elements(root, 'style').map(textOf).join('\n')
  assert.doesNotMatch(styles, /url\(|@import|expression\(/)
  assert.match(styles, /prefers-color-scheme: dark/)
  const ids = all.flatMap(({ attributes }) => attributes.id ?? [])
  assert.equal(new Set(ids).size, ids.length, `ids twice: ${ids.join(' ')}`)
  const known = new Set(ids)
  for (const { attributes } of all) {
    if (attributes.href) assert.ok(known.has(attributes.href.slice(1)), attributes.href)
    for (const id of (attributes['aria-labelledby'] ?? '').split(' ').filter(Boolean))
      assert.ok(known.has(id), id)
  }
  checkPictures(root)
  assert.doesNotMatch(textOf(root), /NaN|undefined|Infinity|\[object/)
  return root
}

function checkPictures(root: Element): void {
  for (const picture of elements(root, 'svg')) {
    const { attributes } = picture
    if (attributes['aria-hidden'] === 'true') continue
    assert.equal(attributes.role, 'img')
    for (const name of ['title', 'desc']) {
      const [first] = elements(picture, name)
      assert.ok(textOf(first).trim().length > 3, `${attributes['aria-labelledby']} has a ${name}`)
    }
    for (const { attributes: own } of elements(picture)) {
      const numbers = [own.d, own.x, own.y, own.width, own.height].filter((value) => value !== undefined)
      for (const value of numbers) assert.doesNotMatch(value, /NaN|Infinity|undefined/)
    }
  }
}

/** The sections of a page by their ids. */
export function sectionsOf(root: Element): Map<string, Element> {
  return new Map(elements(root, 'section').map((section) => [section.attributes.id, section]))
}

/** The cells of the rows of all tables within. */
export function rowsOf(element: Element): string[][] {
  return elements(element, 'tr').map((row) => [...elements(row, 'th'), ...elements(row, 'td')].map(textOf))
}

/** The words of the coloured labels within. */
export function badgesOf(element: Element): string[] {
  return elements(element, 'span')
    .filter((one) => hasClass(one, 'badge'))
    .map((one) => textOf(one).slice(2))
}
