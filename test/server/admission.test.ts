import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, mock, test } from 'node:test'
import { Admission } from '../../src/server/threads/admission.ts'

let nowMs = 1000
mock.method(performance, 'now', () => nowMs)
const done: number[] = []
afterEach(() => {
  nowMs += 1000
  done.length = 0
})

/** Enters requests as long as they are admitted; returns how many that were. */
function fill(admission: Admission, tookMs = 0): number {
  let entered = 0
  while (admission.admits() && entered < 1000) {
    const id = entered++
    admission.enter(() => {
      done.push(id)
      nowMs += tookMs
    })
  }
  return entered
}

test('a burst fills the line; after that it is kept short until nobody was turned away for 100 ms', async () => {
  const admission = new Admission({ waitingMax: 40 })
  assert.equal(fill(admission), 40)
  await turn()
  assert.deepEqual(
    done,
    Array.from({ length: 40 }, (_, i) => i),
    'in turn',
  )
  assert.equal(admission.waiting, 0)
  for (let round = 0; round < 5; round++) {
    nowMs += 99
    assert.equal(fill(admission), 10)
    await turn()
  }
  nowMs += 101
  assert.equal(fill(admission), 40)
  await turn()
})

test('work is done in slices of a millisecond, and the event loop has its turn between them', async () => {
  const admission = new Admission({ waitingMax: 12 })
  assert.equal(fill(admission, 0.25), 12)
  for (const sofar of [4, 8, 12]) {
    await turn()
    assert.equal(done.length, sofar)
  }
})

test('one that finds nobody waiting is always admitted', async () => {
  const admission = new Admission({ waitingMax: 1 })
  for (let round = 0; round < 3; round++) {
    assert.equal(fill(admission), 1)
    await turn()
  }
})
