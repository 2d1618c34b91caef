import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, mock, test } from 'node:test'
import { RequestQueue } from '../../../../src/server/threads/admission/requestQueue.ts'

let nowMs = 1000
mock.method(performance, 'now', () => nowMs)
const done: number[] = []
afterEach(() => {
  nowMs += 1000
  done.length = 0
})

/** Enters requests as long as they are admitted; returns how many that were. */
function fill(queue: RequestQueue, tookMs = 0): number {
  let entered = 0
  while (queue.admits() && entered < 1000) {
    const id = entered++
    queue.enter(() => {
      done.push(id)
      nowMs += tookMs
    })
  }
  return entered
}

test('a burst fills the queue; after that it is kept short until nobody was turned away for 100 ms', async () => {
  const queue = new RequestQueue({ waitingMax: 40 })
  assert.equal(fill(queue), 40)
  await turn()
  assert.deepEqual(
    done,
    Array.from({ length: 40 }, (_, i) => i),
    'in turn',
  )
  assert.equal(queue.waiting, 0)
  for (let round = 0; round < 5; round++) {
    nowMs += 99
    assert.equal(fill(queue), 10)
    await turn()
  }
  nowMs += 101
  assert.equal(fill(queue), 40)
  await turn()
})

test('work is done in slices of a millisecond, and the event loop has its turn between them', async () => {
  const queue = new RequestQueue({ waitingMax: 12 })
  assert.equal(fill(queue, 0.25), 12)
  for (const sofar of [4, 8, 12]) {
    await turn()
    assert.equal(done.length, sofar)
  }
})

test('one that finds nobody waiting is always admitted', async () => {
  const queue = new RequestQueue({ waitingMax: 1 })
  for (let round = 0; round < 3; round++) {
    assert.equal(fill(queue), 1)
    await turn()
  }
})
