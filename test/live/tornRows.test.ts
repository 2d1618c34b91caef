import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rankWhileWriting } from './rankWhileWriting.ts'

const RANKINGS = 40_000 // of each thread

describe('threads that rank while one writes', () => {
  for (const { how, burst, pauseMs } of [
    { how: 'without a pause, so that they have to take the lock', burst: 5000, pauseMs: 0 },
    { how: 'now and then, so that few need the lock', burst: 20, pauseMs: 1 },
  ])
    test(`${how}: no list has half a row, a wrong member, a wrong order, or what was over before`, async () => {
      const { changedLists } = await rankWhileWriting({ rankings: RANKINGS, burst, pauseMs })
      assert.ok(changedLists > 100, `${changedLists} lists during changes: too few to show anything`)
    })
})
