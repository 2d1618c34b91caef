import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { duplicateKey } from '../../src/json/duplicateKey.ts'

test('a key that stands twice in one object is found, however it is written', () => {
  for (const [text, key] of [
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1,"\\u0061" \n:2}', 'a'],
    ['[{"x":{"b":1,"c":{},"b":[]}}]', 'b'],
    ['{"q\\"":1,"q\\"":2}', 'q"'],
    ['{"\\\\":1,"\\\\":2}', '\\'],
    ['{"":1,"":1}', ''],
  ])
    assert.equal(duplicateKey(text), key, text)
})

test('the same text as key of two objects, as value or inside a string is none', () => {
  for (const text of [
    '{"a":{"a":1},"b":[{"a":1},{"a":"a"}]}',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '"a"',
    '["a","a"]',
    '3',
  ])
    assert.equal(duplicateKey(text), undefined, text)
})

test('what JSON.stringify writes never holds one', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.boolean(), (value, isIndented) => {
      assert.equal(duplicateKey(JSON.stringify(value, null, isIndented ? 1 : 0)), undefined)
    }),
  )
})
