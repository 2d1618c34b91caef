import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldBytes, type Holder } from '../../../../src/server/threads/connections/heldBytes.ts'

test('past the bound those are dropped that have not got on for longest, never the one that holds more', () => {
  const dropped: string[] = []
  const held = new HeldBytes(100)
  const make = (name: string): Holder => ({ heldBytes: 0, drop: () => dropped.push(name) })
  const [a, b, c] = ['a', 'b', 'c'].map(make)
  held.set(a, 40)
  held.set(b, 40)
  held.set(a, 30) // a has got on
  held.set(c, 30)
  assert.deepEqual([dropped, held.total], [[], 100])
  held.set(c, 60)
  assert.deepEqual([dropped, held.total], [['b'], 90])
  held.set(c, 500)
  assert.deepEqual([dropped, held.total], [['b', 'a'], 500], 'one alone may pass the bound')
  held.set(b, 10)
  assert.deepEqual([dropped, held.total], [['b', 'a', 'c'], 10])
  held.set(b, 0)
  assert.equal(held.total, 0)
})
