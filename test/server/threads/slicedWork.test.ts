import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlicedWork } from '../../../src/server/threads/slicedWork.ts'

test('a queue that never empties keeps nothing of what is done', async () => {
  const queue = new SlicedWork()
  let done = 0
  let most = 0
  // Each piece of work brings the next one: ten wait at any time.
  const again = () => {
    done++
    if (done < 50_000) queue.enter(again)
    most = Math.max(most, queue.places)
  }
  for (let i = 0; i < 10; i++) queue.enter(again)
  while (queue.waiting > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(done >= 50_000)
  assert.ok(most < 20_000, `${most} places`)
  assert.equal(queue.places, 0)
})
