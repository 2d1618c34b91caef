import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import {
  choiceOf,
  integerBetween,
  parseInteger,
  parseIntegers,
  parseNames,
  parseNumber,
  parseSize,
} from '../../src/cli/flags/values.ts'

const cases: [name: string, parse: (text: string) => unknown, good: [string, unknown][], bad: string[]][] = [
  [
    'integers',
    parseInteger,
    [
      ['0', 0],
      ['42', 42],
      ['-3', -3],
      ['+7', 7],
      ['9007199254740991', 2 ** 53 - 1],
    ],
    ['', ' ', '1.5', '1e3', '0x10', '12a', '1_000', '9007199254740993', 'NaN', '--1', '1 '],
  ],
  [
    'numbers',
    parseNumber,
    [
      ['1e-8', 1e-8],
      ['.5', 0.5],
      ['5.', 5],
      ['-0.25', -0.25],
      ['3', 3],
      ['1E+2', 100],
    ],
    ['', '.', '1e', 'Infinity', 'NaN', '0x10', '1,5', '1e999', '1.2.3', '1 '],
  ],
  [
    'sizes',
    parseSize,
    [
      ['1GiB', 1_073_741_824],
      ['1.5GiB', 1_610_612_736],
      ['512MiB', 536_870_912],
      ['64 MiB', 67_108_864],
      ['8KiB', 8192],
      ['7B', 7],
      ['123', 123],
    ],
    ['', '1GB', '1gib', '1G', '-1MiB', '1.5', 'GiB', '1GiB ', '1e9', '99999999999999GiB'],
  ],
  [
    'lists of integers',
    parseIntegers,
    [
      ['256,128', [256, 128]],
      ['5', [5]],
      ['none', []],
    ],
    ['', '1,', ',1', '1,,2', '1;2', 'a'],
  ],
  [
    'lists of names',
    parseNames,
    [
      ['a', ['a']],
      ['f00,f 1', ['f00', 'f 1']],
    ],
    ['', ',', 'a,', ',a'],
  ],
  [
    'bounded integers',
    integerBetween(1, 10),
    [
      ['1', 1],
      ['10', 10],
    ],
    ['0', '11', '-1', '1.5'],
  ],
  ['choices', choiceOf(['best', 'last']), [['best', 'best']], ['', 'Best', 'lats', 'constructor']],
]

describe('values of flags', () => {
  for (const [name, parse, good, bad] of cases)
    test(name, () => {
      for (const [text, value] of good) assert.deepEqual(parse(text), value, text)
      for (const text of bad) assert.throws(() => parse(text), InvalidArgumentError, JSON.stringify(text))
    })

  test('a wrong choice gets the nearest one', () => {
    assert.throws(() => choiceOf(['constant', 'cosine'])('cosin'), /Did you mean cosine\?/)
  })
})
