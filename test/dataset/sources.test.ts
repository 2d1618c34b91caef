import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { naturalOrder } from '../../src/dataset/sources.ts'

test('runs of digits are compared as numbers', () => {
  const names = ['train_2', 'train_10', 'train_1', 'a9/b2', 'a10/b1', 'a9/b10', '007', '7', 'f', '']
  assert.deepEqual(names.toSorted(naturalOrder), [
    '',
    '007',
    '7',
    'a9/b2',
    'a9/b10',
    'a10/b1',
    'f',
    'train_1',
    'train_2',
    'train_10',
  ])
})

test('is an order: the same result whatever was there before', () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', '0', '1', '9', '-'), { maxLength: 6 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.uniqueArray(name), (names) => {
      assert.deepEqual(names.toSorted(naturalOrder), names.toReversed().toSorted(naturalOrder))
    }),
  )
})
