import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import {
  idPattern,
  fromInt64,
  ID_KINDS,
  idJson,
  idProblem,
  idText,
  isIdKind,
  parseId,
  requestId,
  requireId,
  toInt64,
  wantedId,
} from '../src/ids.ts'

const INTEGER_KINDS = ['integer', 'unsigned'] as const

describe('parseId', () => {
  test('u00042, 42 and the number 42 are the integer 42', () => {
    for (const value of ['u00042', 'u42', '42', '00042', 42, 42n])
      for (const kind of INTEGER_KINDS) assert.equal(parseId(value, kind, { userForm: true }), 42)
  })

  test('u00042 is no integer but where it is asked for', () => {
    for (const kind of INTEGER_KINDS) assert.equal(parseId('u00042', kind), undefined)
  })

  test('every integer comes back, padded or not', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (id) => {
        for (const kind of INTEGER_KINDS)
          assert.equal(parseId(`u${String(id).padStart(16, '0')}`, kind, { userForm: true }), id)
        assert.equal(parseId(`-${id}`, 'integer'), 0 - id)
        assert.equal(parseId(-id, 'integer'), 0 - id)
      }),
    )
  })

  test('−0 is 0', () => {
    for (const kind of INTEGER_KINDS)
      for (const value of ['-0', '-00', -0, 0n]) assert.ok(Object.is(parseId(value, kind), 0))
    assert.equal(parseId(-0, 'string'), '0')
  })

  test('integers beyond 2^53 become exact bigints', () => {
    assert.equal(parseId('9007199254740993', 'integer'), 9007199254740993n)
    assert.equal(parseId('u18446744073709551615', 'unsigned', { userForm: true }), 18446744073709551615n)
    assert.equal(parseId('-9223372036854775808', 'integer'), -9223372036854775808n)
  })

  test('the bounds of each kind, and what is just beyond them', () => {
    for (const [kind, least, most] of [
      ['integer', -(2n ** 63n), 2n ** 63n - 1n],
      ['unsigned', 0n, 2n ** 64n - 1n],
    ] as const)
      for (const form of [(id: bigint) => id, String]) {
        for (const id of [least, most]) assert.equal(BigInt(parseId(form(id), kind) ?? ''), id)
        for (const id of [least - 1n, most + 1n, 10n ** 25n]) assert.equal(parseId(form(id), kind), undefined)
      }
  })

  test('other strings are themselves where ids are strings, and no integers', () => {
    for (const value of [
      'alice',
      'u',
      'u-5',
      'uu5',
      '4 2',
      '1e3',
      '0x10',
      ' 42',
      '+42',
      '１２',
      '-',
      '1.5',
    ]) {
      assert.equal(parseId(value, 'string'), value)
      for (const kind of INTEGER_KINDS) assert.equal(parseId(value, kind, { userForm: true }), undefined)
    }
  })

  test('ids that are strings are never read as numbers', () => {
    assert.equal(parseId('u00042', 'string', { userForm: true }), 'u00042')
    assert.equal(parseId('42', 'string'), '42')
    assert.equal(parseId(42, 'string'), '42')
    assert.equal(parseId(2n ** 64n, 'string'), '18446744073709551616')
  })

  test('what is no id is none of any kind', () => {
    const values = ['', 'x'.repeat(257), 'a\0b', '\ud800', 1.5, Number.NaN, Infinity, 2 ** 53]
    for (const value of [...values, null, undefined, true, [], {}])
      for (const kind of ID_KINDS) assert.equal(parseId(value, kind), undefined)
  })
})

describe('requireId', () => {
  test('says what is wanted, with the bound, and what was found', () => {
    for (const value of ['alice', 'u', '1.5', '1e3'])
      assert.throws(() => requireId(value, 'integer', 'user'), {
        name: 'NearrankError',
        code: 'INPUT',
        message: `Cannot use the user id: it must be an integer from −2^63 to 2^63 − 1, like 42 or u00042, found "${value}"`,
      })
    assert.throws(() => requireId('u7', 'unsigned', 'restaurant'), {
      message: /the restaurant id: it must be an integer from 0 to 2\^64 − 1, like 42, found "u7"$/,
    })
    assert.throws(() => requireId(2 ** 60, 'integer', 'user'), {
      message: /beyond ±\(2\^53 − 1\) as a string, found/,
    })
    assert.throws(() => requireId('x'.repeat(257), 'string', 'user'), {
      message: /a string of 1 to 256 characters .*, found 257 characters$/,
    })
    assert.equal(requireId('u00042', 'integer', 'user'), 42)
  })
})

test('an id that is parsed has the one form, its text is parsed to it, and JSON keeps it', () => {
  const value = fc.oneof(
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary', maxLength: 300, size: 'max' }),
  )
  fc.assert(
    fc.property(value, fc.constantFrom(...ID_KINDS), (one, kind) => {
      const id = parseId(one, kind)
      if (id === undefined) return assert.notEqual(idProblem(one, kind), undefined)
      assert.equal(idProblem(id, kind), undefined)
      assert.equal(parseId(idText(id), kind), id)
      assert.equal(parseId(JSON.parse(JSON.stringify(requestId(id))), kind), id)
      if (typeof id !== 'bigint') assert.equal(JSON.parse(idJson(id)), id)
      else assert.equal(idJson(id), String(id))
      if (kind !== 'string') assert.equal(fromInt64(toInt64(id as number | bigint), kind), id)
      if (kind === 'integer') assert.equal(toInt64(id as number | bigint), id)
    }),
    { numRuns: 1000 },
  )
})

test('another form of an id is a problem, and it says which form is wanted', () => {
  assert.match(idProblem(9n, 'integer') ?? '', /a number within ±\(2\^53 − 1\) and a bigint beyond/)
  assert.match(idProblem('9', 'unsigned') ?? '', /^an integer from 0 to 2\^64 − 1/)
  assert.equal(idProblem(9, 'string'), wantedId('string'))
})

test('the pattern of a kind fits what is parsed; of integers, it differs in their range alone', () => {
  const digits = fc.stringMatching(/^-?\d{1,21}$/)
  const text = fc.oneof(
    digits,
    digits.map((one) => `u${one}`),
    fc.string({ minLength: 1, unit: 'binary' }),
  )
  for (const kind of ID_KINDS)
    for (const whose of ['user', 'restaurant'] as const)
      fc.assert(
        fc.property(text, (value) => {
          const isParsed = parseId(value, kind, { userForm: whose === 'user' }) !== undefined
          const isFit = new RegExp(idPattern(kind, whose), 'u').test(value)
          const isOpen = kind === 'string' ? value.isWellFormed() && value.length <= 256 : value.length < 19
          if (isParsed) assert.ok(isFit, value)
          else if (isOpen && !(kind === 'unsigned' && value.startsWith('-'))) assert.ok(!isFit, value)
        }),
        { numRuns: 2000 },
      )
})

test('the kinds are known by their names', () => {
  for (const kind of ID_KINDS) assert.ok(isIdKind(kind))
  for (const other of ['Integer', '', 'toString', undefined, 0]) assert.ok(!isIdKind(other))
})
