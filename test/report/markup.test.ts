import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { markup } from '../../src/report/markup.ts'
import { HOSTILE } from './hostile.ts'
import { elements, parseXml, textOf } from './xml.ts'

describe('markup', () => {
  test('any text comes back from content and from attributes, and makes no element', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE))
    fc.assert(
      fc.property(anyText, anyText, (content, attribute) => {
        const root = parseXml(markup`<a b="${attribute}">${content}</a>`.toString())
        assert.equal(elements(root).length, 0)
        assert.equal(textOf(root), allowed(content))
        assert.equal(root.attributes.b, allowed(attribute))
      }),
    )
  })

  test('markup stands as it is, lists one after the other, numbers as they are', () => {
    const inner = markup`<b>${'<'}</b>`
    assert.equal(
      markup`<a>${inner}${['x', [1, inner]]}${''}</a>`.toString(),
      '<a><b>&lt;</b>x1<b>&lt;</b></a>',
    )
  })

  test('an object that only looks like markup is text', () => {
    const forged = { toString: () => '<script>' } as unknown as string
    assert.throws(() => markup`<a>${forged}</a>`)
  })
})

/** What XML cannot hold is shown as a replacement character. */
function allowed(text: string): string {
  return Array.from(text.toWellFormed(), (letter) =>
    /[\t\n\r\u{20}-\u{7E}\u{A0}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.test(letter) ? letter : '\u{FFFD}',
  ).join('')
}
