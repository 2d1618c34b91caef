import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NearrankError } from '../../../src/errors.ts'
import { endedBy, ThreadDeaths } from '../../../src/server/threads/threadDeaths.ts'

const MINUTE_MS = 60_000

test('a thread is started again after longer and longer, and the fifth death within a minute is the last', () => {
  const deaths = new ThreadDeaths()
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((second) => deaths.note(1000 * second)),
    [100, 400, 1600, 6400, undefined],
  )
  const rare = new ThreadDeaths()
  for (let i = 0; i < 20; i++) assert.equal(rare.note(i * MINUTE_MS), 100)
  for (let i = 0; i < 20; i++) assert.notEqual(rare.note(20 * MINUTE_MS + (i * MINUTE_MS) / 4), undefined)
})

test('why the server ends: a full heap is no bug, and what can be read stays as it is', () => {
  const full = Object.assign(new Error('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })
  assert.equal(endedBy(2, 5, full).code, 'MEMORY')
  const own = new NearrankError('INPUT', 'Cannot listen on 127.0.0.1:80')
  assert.equal(endedBy(2, 5, own), own)
  const other = endedBy(2, 0, new Error('x'))
  assert.deepEqual([other.code, other.message], ['INTERNAL', 'Cannot serve: listening thread 2 has ended: x'])
})
