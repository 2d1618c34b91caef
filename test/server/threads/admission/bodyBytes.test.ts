import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Arriving, BodyBytes } from '../../../../src/server/threads/admission/bodyBytes.ts'

const all = () => new SharedArrayBuffer(8)

function held({
  shared = all(),
  thread = 1,
  threadBytesMax = 100,
  allBytesMax = 150,
}: {
  shared?: SharedArrayBuffer
  thread?: number
  threadBytesMax?: number
  allBytesMax?: number
} = {}): BodyBytes {
  return new BodyBytes({ all: shared, thread, threadBytesMax, allBytesMax })
}

function body(bytes: BodyBytes, name: string, givenUp: string[]): Arriving {
  const one = {
    heldBytes: 0,
    giveUp: () => {
      givenUp.push(name)
      bytes.done(one)
    },
  }
  return one
}

test('past the bound of a thread those are given up of which nothing has come for longest', () => {
  const bytes = held()
  const givenUp: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((name) => body(bytes, name, givenUp))
  bytes.grow(a, 40)
  bytes.grow(b, 30)
  bytes.grow(a, 1)
  bytes.grow(c, 29)
  assert.deepEqual([givenUp, bytes.total], [[], 100])
  bytes.grow(c, 1)
  assert.deepEqual([givenUp, bytes.total], [['b'], 71])
  bytes.grow(c, 70)
  assert.deepEqual([givenUp, bytes.total], [['b', 'a'], 100])
  bytes.grow(c, 1)
  assert.deepEqual([givenUp, bytes.total], [['b', 'a', 'c'], 0], 'one alone does not pass it')
  bytes.done(c)
  assert.equal(bytes.total, 0)
})

test('whole bodies are kept: others make room for them, and what does not fit is refused', () => {
  const bytes = held()
  const givenUp: string[] = []
  const a = body(bytes, 'a', givenUp)
  bytes.grow(a, 60)
  assert.equal(bytes.hold(90), true)
  assert.deepEqual([givenUp, bytes.total], [['a'], 90])
  assert.equal(bytes.hold(11), false)
  assert.equal(bytes.hold(0), true)
  bytes.grow(a, 11)
  assert.deepEqual([givenUp, bytes.total], [['a', 'a'], 90])
  bytes.release(90)
  assert.equal(bytes.total, 0)
})

test('threads share a bound, and a thread that is started again holds nothing', () => {
  const shared = all()
  const [first, second] = [held({ shared }), held({ shared, thread: 2 })]
  assert.equal(first.hold(100), true)
  assert.equal(second.hold(51), false)
  assert.equal(second.hold(50), true)
  assert.equal(first.hold(1), false)
  held({ shared })
  assert.equal(second.hold(50), true)
})
