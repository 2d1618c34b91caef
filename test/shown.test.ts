import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { shown } from '../src/shown.ts'

test('a wrong value is shown as it is, within the limit', () => {
  const deep: unknown[] = []
  let inner = deep
  for (let i = 0; i < 100_000; i++) inner.push((inner = []))
  const cases: [value: unknown, text: string, charsMax?: number][] = [
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [2n ** 63n, '9223372036854775808'],
    [undefined, 'undefined'],
    [null, 'null'],
    [true, 'true'],
    ['', '""'],
    ['a "b"\n', String.raw`"a \"b\"\n"`],
    ['x'.repeat(58), `"${'x'.repeat(58)}"`],
    ['x'.repeat(59), `"${'x'.repeat(59)}…`],
    ['x'.repeat(2 ** 20), `"${'x'.repeat(59)}…`],
    ['x'.repeat(2 ** 20), `"${'x'.repeat(9)}…`, 10],
    [[1, 'a'], '[1,"a"]'],
    [[2n ** 63n], '["9223372036854775808"]'],
    [[{ a: 'x'.repeat(100) }], `[{"a":"${'x'.repeat(53)}…`],
    [Array(31).fill(1), 'a list of 31'],
    [Array(31).fill(1), `[${'1,'.repeat(30)}1]`, 80],
    [{ a: [1, null] }, '{"a":[1,null]}'],
    [deep, `${'['.repeat(60)}…`],
    [[[], {}, [undefined]], '[[],{},[null]]'],
    [{ a: undefined, b: () => 1, c: new Date(0) }, '{"c":"1970-01-01T00:00:00.000Z"}'],
    [{ ['k'.repeat(2 ** 20)]: 1 }, `{"${'k'.repeat(58)}…`],
    [Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`k${i}`, i])), '{"k0":0,"k1":1…', 14],
    [Symbol('s'), 'Symbol(s)'],
  ]
  for (const [value, text, charsMax] of cases) assert.equal(shown(value, charsMax), text)
})

test('any value of JSON is shown as JSON.stringify does, up to the limit', () => {
  fc.assert(
    fc.property(
      fc.object({ withNullPrototype: false }),
      fc.integer({ min: 1, max: 80 }),
      (value, charsMax) => {
        const json: unknown = JSON.parse(JSON.stringify({ value }))
        const whole = JSON.stringify(json)
        assert.equal(shown(json, charsMax), whole.length > charsMax ? `${whole.slice(0, charsMax)}…` : whole)
      },
    ),
  )
})
