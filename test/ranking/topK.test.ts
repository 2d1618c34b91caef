import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { mix32 } from '../../src/random.ts'
import { type IsBefore, topKInto } from '../../src/ranking/topK.ts'

describe('topKInto', () => {
  test('any keys, many of them equal, any k: what a full sort puts first', () => {
    const key = fc.oneof(
      fc.integer({ min: -2, max: 2 }),
      fc.double({ noNaN: true }),
      fc.constantFrom(0, -0, Infinity, -Infinity),
    )
    fc.assert(
      fc.property(
        fc.array(key, { maxLength: 80, size: 'max' }),
        fc.integer({ min: 0, max: 90 }),
        fc.integer(),
        fc.constantFrom(byRow, (rowA: number, rowB: number) => rowA > rowB, byMixedRow),
        (keys, k, seed, isBefore) => {
          const rows = shuffledRows(keys.length, seed)
          assert.deepEqual(topK(keys, rows, k, isBefore), sorted(keys, rows, isBefore).slice(0, k))
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('already sorted, reversed, all equal: 1,000 keys', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => i)
    for (const keys of [rows, rows.toReversed(), rows.map(() => 5)])
      for (const k of [1, 2, 3, 500, 999, 1000, 5000])
        assert.deepEqual(topK(keys, rows, k, byRow), sorted(keys, rows, byRow).slice(0, k))
  })

  test('isBefore is asked only of rows whose keys are equal', () => {
    const rows = Uint32Array.of(9, 8, 7, 6, 5)
    const asked: number[] = []
    const isBefore: IsBefore = (rowA, rowB) => {
      asked.push(rowA, rowB)
      return rowA < rowB
    }
    topKInto(new Uint32Array(3), Float64Array.of(4, 1, 3, 1, 5), rows, 5, 3, isBefore)
    assert.deepEqual(new Set(asked), new Set([6, 8]))
  })

  test('keys past count are not looked at, order past k is not written', () => {
    const order = new Uint32Array(3).fill(77)
    const keys = Float64Array.of(3, 2, 1, -9)
    assert.equal(topKInto(order, keys, Uint32Array.of(0, 1, 2, 3), 3, 2, byRow), 2)
    assert.deepEqual([...order], [2, 1, 77])
  })
})

const byRow: IsBefore = (rowA, rowB) => rowA < rowB
const byMixedRow: IsBefore = (rowA, rowB) => mix32(rowA) < mix32(rowB)

function topK(keys: number[], rows: number[], k: number, isBefore: IsBefore): number[] {
  const order = new Uint32Array(Math.min(k, keys.length))
  const count = topKInto(order, Float64Array.from(keys), Uint32Array.from(rows), keys.length, k, isBefore)
  assert.equal(count, order.length)
  return [...order]
}

function sorted(keys: number[], rows: number[], isBefore: IsBefore): number[] {
  const before = (a: number, b: number) =>
    keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : isBefore(rows[a], rows[b]) ? -1 : 1
  return keys.map((_, i) => i).toSorted(before)
}

/** 0 … length − 1 in an order that `seed` decides. */
function shuffledRows(length: number, seed: number): number[] {
  const at = (row: number) => Math.imul((row + 1) ^ seed, 0x9e3779b1) >>> 0
  return Array.from({ length }, (_, row) => row).toSorted((a, b) => at(a) - at(b))
}
