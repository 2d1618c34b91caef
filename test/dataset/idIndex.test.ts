import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { IdIndex, NO_ROW } from '../../src/dataset/tables/idIndex.ts'

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** The words of 64-bit ids. */
function keysOf(ids: bigint[]): Uint32Array<ArrayBuffer> {
  return new Uint32Array(BigInt64Array.from(ids).buffer)
}

/** Looks every one of `asked` up, and holds it against a Map. */
function checkAgainstMap(ids: bigint[], asked: bigint[]): void {
  const rows = new Map(ids.map((id, row) => [id, row]))
  const index = new IdIndex(keysOf(ids), 2)
  const found = new Uint32Array(asked.length)
  const missing = index.lookupInto(keysOf(asked), asked.length, found)
  const expected = asked.map((id) => rows.get(id) ?? NO_ROW)
  assert.deepEqual([...found], expected)
  assert.equal(missing, expected.filter((row) => row === NO_ROW).length)
}

describe('IdIndex', () => {
  const spread = fc.bigInt(INT64)
  for (const [name, base] of [
    ['around zero', 0n],
    ['below zero', -70_000n],
    ['across 2^32', 2n ** 32n - 500n],
    ['across −2^32', -(2n ** 32n) - 500n],
    ['at 2^53', 2n ** 53n - 1100n],
    ['beyond 2^53', 2n ** 53n + 1n],
    ['at the lowest', INT64.min],
    ['at the highest', INT64.max - 1001n],
  ] as const)
    test(`finds dense ids ${name} as a Map does`, () => {
      const dense = fc.bigInt({ min: 0n, max: 1000n }).map((offset) => base + offset)
      const near = fc.bigInt({ min: -3000n, max: 3000n }).map((offset) => BigInt.asIntN(64, base + offset))
      const aliased = fc
        .tuple(dense, fc.bigInt({ min: 1n, max: 4n }))
        .map(([id, high]) => BigInt.asIntN(64, id + (high << 32n))) // the same lower half
      fc.assert(
        fc.property(
          fc.uniqueArray(dense, { minLength: 1, maxLength: 50 }),
          fc.array(fc.oneof(dense, near, spread, aliased), { maxLength: 50 }),
          (ids, others) => checkAgainstMap(ids, [...ids, ...others]),
        ),
      )
    })

  test('finds ids from anywhere in 64 bits as a Map does', () => {
    fc.assert(
      fc.property(fc.uniqueArray(spread, { maxLength: 200 }), fc.array(spread), (ids, others) =>
        checkAgainstMap(ids, [...ids, ...others]),
      ),
    )
  })

  test('finds keys of 128 bits that differ in any one word', () => {
    const key = fc.tuple(...Array.from({ length: 4 }, () => fc.nat({ max: 2 })))
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { selector: (words) => words.join(), maxLength: 60 }),
        key,
        (keys, other) => {
          const index = new IdIndex(Uint32Array.from(keys.flat()), 4)
          const found = new Uint32Array(keys.length + 1)
          index.lookupInto(Uint32Array.from([...keys.flat(), ...other]), keys.length + 1, found)
          const row = keys.findIndex((words) => words.join() === other.join())
          assert.deepEqual([...found], [...keys.keys(), row < 0 ? NO_ROW : row])
        },
      ),
    )
  })

  test('names the first id that came twice', () => {
    assert.deepEqual(new IdIndex(keysOf([4n, 5n, 6n, 5n, 4n]), 2).duplicate, { row: 3, earlierRow: 1 })
    assert.deepEqual(new IdIndex(keysOf([4n, 2n ** 60n, 4n]), 2).duplicate, { row: 2, earlierRow: 0 })
    assert.equal(new IdIndex(keysOf([4n, 5n]), 2).duplicate, undefined)
  })
})
