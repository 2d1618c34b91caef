import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { parseUserId } from '../../src/ranking/parseUserId.ts'

describe('parseUserId', () => {
  test('u00042, 42 and the number 42 are the integer 42', () => {
    for (const value of ['u00042', 'u42', '42', '00042', 42]) {
      assert.equal(parseUserId(value), 42)
      assert.equal(parseUserId(value, { ids: 'integer' }), 42)
    }
  })

  test('every integer comes back, padded or not', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (id) => {
        assert.equal(parseUserId(`u${String(id).padStart(16, '0')}`), id)
        assert.equal(parseUserId(`-${id}`), 0 - id)
        assert.equal(parseUserId(-id), 0 - id)
      }),
    )
  })

  test('integers beyond 2^53 become exact bigints', () => {
    assert.equal(parseUserId('9007199254740993'), 9007199254740993n)
    assert.equal(parseUserId('u18446744073709551615'), 18446744073709551615n)
    assert.equal(parseUserId('-9223372036854775808'), -9223372036854775808n)
  })

  test('other strings are themselves', () => {
    for (const value of ['alice', 'u', 'u-5', 'uu5', '4 2', '1e3', '0x10', ' 42', '１２', '-'])
      assert.equal(parseUserId(value), value)
  })

  test('ids that are strings are never read as numbers', () => {
    assert.equal(parseUserId('u00042', { ids: 'string' }), 'u00042')
    assert.equal(parseUserId('42', { ids: 'string' }), '42')
    assert.equal(parseUserId(42, { ids: 'string' }), '42')
  })

  test('what is no id is refused', () => {
    for (const value of ['', 'x'.repeat(257), 1.5, Number.NaN, Infinity, 2 ** 53])
      assert.throws(() => parseUserId(value), { name: 'NearrankError', code: 'INPUT' })
    for (const value of ['alice', 'u', '1.5', '1e3'])
      assert.throws(() => parseUserId(value, { ids: 'integer' }), {
        code: 'INPUT',
        message: /must be an integer like 42 or u00042, found "/,
      })
  })
})
