import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RowSet } from '../../src/ranking/rowSet.ts'

test('tells new rows from those that are there, as a Set does, use after use', () => {
  const set = new RowSet()
  const row = fc.oneof(
    fc.nat(20),
    fc.nat(2 ** 31 - 2),
    fc.integer({ min: 0, max: 60 }).map((i) => i * 2 ** 20),
  )
  fc.assert(
    fc.property(fc.array(row, { maxLength: 400 }), (rows) => {
      const expected = new Set<number>()
      set.clear(rows.length)
      for (const one of rows) {
        assert.equal(set.add(one), !expected.has(one))
        expected.add(one)
      }
    }),
    { numRuns: 2000 },
  )
})

test('as many rows as it was cleared for, all alike in their low bits', () => {
  const set = new RowSet()
  for (const count of [0, 1, 31, 32, 33, 64, 100_000, 5]) {
    set.clear(count)
    for (let i = 0; i < count; i++) assert.ok(set.add(i * 1024))
    for (let i = 0; i < count; i++) assert.ok(!set.add(i * 1024))
  }
})
