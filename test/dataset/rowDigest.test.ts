import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { rowDigest, rowsDigest } from '../../src/dataset/clicks/rowDigest.ts'

const row = fc.nat({ max: 0xfffffffe })
const click = fc.nat({ max: 1 })

/** The same in integers without bounds. */
function plainDigest(user: number, restaurant: number, clicked: number): number {
  const times = (x: number, factor: bigint) => ((BigInt(x) + 1n) * factor) % 2n ** 32n
  const pair = times(user, 0x9e3779b1n) ^ times(restaurant, 0x85ebca77n)
  return Number((pair + times(clicked, 0xc2b2ae3dn)) % 2n ** 32n)
}

test('is what its definition says', () => {
  fc.assert(fc.property(row, row, click, (u, r, c) => assert.equal(rowDigest(u, r, c), plainDigest(u, r, c))))
})

test('of many is the sum of each, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(row, row, click)), (rows) => {
      const digest = (order: typeof rows) =>
        rowsDigest(
          {
            users: Uint32Array.from(order, ([u]) => u),
            restaurants: Uint32Array.from(order, ([, r]) => r),
            clicks: Uint8Array.from(order, ([, , c]) => c),
          },
          0,
          order.length,
        )
      const sum = rows.reduce((total, [u, r, c]) => total + BigInt(plainDigest(u, r, c)), 0n)
      assert.equal(digest(rows), Number(sum % 2n ** 32n))
      assert.equal(digest(rows.toReversed()), digest(rows))
    }),
  )
})

test('takes only the rows it is asked for', () => {
  const rows = {
    users: Uint32Array.of(1, 2, 3),
    restaurants: Uint32Array.of(4, 5, 6),
    clicks: Uint8Array.of(0, 1, 1),
  }
  assert.equal(rowsDigest(rows, 1, 2), rowDigest(2, 5, 1))
})
