import assert from 'node:assert/strict'
import { test } from 'node:test'
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
    [deep, 'a value nested too deeply to show'],
    [Symbol('s'), 'Symbol(s)'],
  ]
  for (const [value, text, charsMax] of cases) assert.equal(shown(value, charsMax), text)
})
