import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Id } from '../../../src/client/types.ts'
import { movesBetween, movesText } from '../../../src/console/rows/moves.ts'

const list = (ids: readonly Id[], score = 0.5) => ids.map((id) => ({ id, score, displacementM: 1 }))
const textOf = (before: readonly Id[], after: readonly Id[]) =>
  movesText(movesBetween(list(before), list(after)))

test('lines are marked with how far they moved, or that the other list lacks them', () => {
  const { before, after, moved } = movesBetween(list([1, 2, 3, 4]), list([3, 1, 9n, 4]))
  assert.deepEqual(
    before.map(({ id, place, up }) => [id, place, up]),
    [
      [1, 1, -1],
      [2, 2, null],
      [3, 3, 2],
      [4, 4, 0],
    ],
  )
  assert.deepEqual(
    after.map(({ id, place, up }) => [id, place, up]),
    [
      [3, 1, 2],
      [1, 2, -1],
      [9n, 3, null],
      [4, 4, 0],
    ],
  )
  assert.equal(moved, 4)
})

test('the change is told in a sentence', () => {
  assert.equal(textOf([1, 2], [1, 2]), 'Nothing has changed in this list.')
  assert.equal(
    movesText(movesBetween(list([1, 2]), list([1, 2], 0.4))),
    'The order has not changed, but scores have.',
  )
  assert.equal(textOf([1, 2, 3], [3, 1, 2]), '3 restaurants have moved; 3 the most, 2 places up.')
  assert.equal(textOf(['a', 'b'], ['b', 'a']), '2 restaurants have moved; b the most, 1 place up.')
  assert.equal(textOf([1], [1, 2]), '1 restaurant has moved.')
  assert.equal(textOf([], [5]), '1 restaurant has moved.')
  assert.equal(textOf([], []), 'Nothing has changed in this list.')
})

test('both lists are whole, and moves lead from the one to the other', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 0, max: 12 }))
  fc.assert(
    fc.property(ids, ids, (from, to) => {
      const { before, after, moved } = movesBetween(list(from), list(to))
      assert.deepEqual([before.map(({ id }) => id), after.map(({ id }) => id)], [from, to])
      for (const { id, place, up } of after)
        assert.equal(up === null ? -1 : place + up - 1, from.indexOf(Number(id)))
      const all = new Set([...from, ...to])
      assert.equal(moved, [...all].filter((id) => from.indexOf(id) !== to.indexOf(id)).length)
    }),
  )
})
