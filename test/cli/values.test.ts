import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import { parserOf } from '../../src/cli/flags/parserOf.ts'
import {
  choiceOf,
  parseInteger,
  parseIntegers,
  parseNames,
  parseNumber,
  parseSize,
} from '../../src/cli/flags/values.ts'
import { integer, list, oneOf, size, someOf, text } from '../../src/options/schemas.ts'

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
    parserOf(integer(1, 10)),
    [
      ['1', 1],
      ['10', 10],
    ],
    ['0', '11', '-1', '1.5'],
  ],
  [
    'bounded sizes',
    parserOf(size(2 ** 20, 2 ** 30)),
    [
      ['1MiB', 2 ** 20],
      ['1GiB', 2 ** 30],
    ],
    ['1KiB', '2GiB', '1'],
  ],
  ['texts', parserOf(text()), [['a', 'a']], ['', 'a'.repeat(4097)]],
  [
    'lists of choices',
    parserOf(list(oneOf('none', 'relu'), 2, 'a list of none and relu')),
    [['relu,relu', ['relu', 'relu']]],
    ['', 'tanh', 'relu,', 'relu,relu,relu'],
  ],
  [
    'lists of choices, each once',
    parserOf(someOf('read', 'write')),
    [['write,read', ['write', 'read']]],
    ['', 'raed', 'read,read'],
  ],
  ['choices', choiceOf(['best', 'last']), [['best', 'best']], ['', 'Best', 'lats', 'constructor']],
]

describe('values of flags', () => {
  for (const [name, parse, good, bad] of cases)
    test(name, () => {
      for (const [given, value] of good) assert.deepEqual(parse(given), value, given)
      for (const given of bad) assert.throws(() => parse(given), InvalidArgumentError, JSON.stringify(given))
    })

  test('a wrong choice gets the nearest one', () => {
    assert.throws(() => choiceOf(['constant', 'cosine'])('cosin'), /Did you mean cosine\?/)
    assert.throws(
      () => parserOf(someOf('read', 'write'))('read,wriet'),
      /a list of read, write.*Did you mean write\?/,
    )
  })
})
