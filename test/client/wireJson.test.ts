import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { parseWire, pathId, wireId } from '../../src/client/wireJson.ts'

const SAFE = BigInt(Number.MAX_SAFE_INTEGER)

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })
const nearTheEdge = fc.bigInt({ min: -5n, max: 5n }).chain((d) => fc.constantFrom(SAFE + d, -SAFE - d))
const integerId = fc.oneof(int64, nearTheEdge)

describe('JSON with ids of 64 bits', () => {
  test('every integer reaches a server with all its digits, through plain JSON.parse', () => {
    fc.assert(
      fc.property(integerId, (id) => {
        const read: unknown = JSON.parse(JSON.stringify(wireId(id)))
        assert.equal(BigInt(read as number | string), id)
        assert.equal(typeof read, id <= SAFE && id >= -SAFE ? 'number' : 'string')
      }),
    )
  })

  test('every integer of an answer is read as it is, a bigint just where a number would lose digits', () => {
    fc.assert(
      fc.property(fc.array(integerId), fc.constantFrom('', ' ', '\n'), (ids, space) => {
        const text = `{"ids":${space}[${ids.join(`${space},${space}`)}${space}]}`
        const read = parseWire(text) as { ids: (number | bigint)[] }
        assert.deepEqual(read.ids.map(BigInt), ids)
        for (const id of read.ids)
          assert.equal(typeof id === 'bigint', BigInt(id) > SAFE || BigInt(id) < -SAFE)
      }),
    )
  })

  test('everything beside such an integer is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const { long, rest } = parseWire(`{"long":18446744073709551615,"rest":${text}}`) as Record<
          string,
          unknown
        >
        assert.equal(long, 2n ** 64n - 1n)
        assert.deepEqual(withNumbers(rest), withNumbers(JSON.parse(text)))
      }),
    )
  })

  test('numbers with a point or an exponent stay numbers, long strings strings', () => {
    const text = '{"a":[12345678901234567.5,1e300,0.1234567890123456789],"b":"12345678901234567890"}'
    assert.deepEqual(parseWire(text), JSON.parse(text))
  })
})

test('any id in a path is decoded to itself and never leaves its place', () => {
  const id = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.stringMatching(/^[./%?#\\]+$/).filter((text) => text !== ''),
    fc.maxSafeInteger(),
    fc.bigInt(),
  )
  fc.assert(
    fc.property(
      id.filter((one) => one !== '.' && one !== '..'),
      (one) => {
        const { pathname } = new URL(`http://host/users/${pathId(one)}`)
        const segments = pathname.split('/')
        assert.equal(segments.length, 3)
        assert.equal(decodeURIComponent(segments[2]), String(one))
      },
    ),
  )
})

/** A copy in which bigints are the nearest numbers, and −0 is 0. */
function withNumbers(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? Number(one) : one)),
  )
}
