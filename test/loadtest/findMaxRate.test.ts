import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { findMaxRate, nextRate } from '../../src/loadtest/findMaxRate.ts'
import { prepared, serve } from './testServer.ts'

function trial(rate: number, met: boolean) {
  return { rate, limits: [{ name: 'p95' as const, limit: 1, measured: 1, met }] }
}

describe('nextRate', () => {
  test('for any capacity and any first rate: within 5 %, never above, in few trials', () => {
    const rates = fc.double({ min: 2, max: 50_000, noNaN: true })
    fc.assert(
      fc.property(rates, rates, (capacity, first) => {
        const trials = [trial(first, first <= capacity)]
        for (;;) {
          const rate = nextRate(trials)
          if (rate === undefined) break
          assert.ok(!trials.some((earlier) => earlier.rate === rate), 'none twice')
          trials.push(trial(rate, rate <= capacity))
        }
        const best = Math.max(...trials.filter(({ limits }) => limits[0].met).map(({ rate }) => rate))
        assert.ok(best <= capacity && best * 1.06 >= capacity, `${best} of ${capacity}`)
        assert.ok(trials.length <= 24, `${trials.length} trials`)
      }),
    )
  })

  test('ends where no rate is kept, and where every one is', () => {
    for (const isKept of [true, false]) {
      const trials = [trial(100, isKept)]
      for (let rate = nextRate(trials); rate !== undefined; rate = nextRate(trials))
        trials.push(trial(rate, isKept))
      assert.equal(trials[trials.length - 1].rate, isKept ? 100_000 : 1)
      assert.ok(trials.length <= 12)
    }
  })
})

// They wait most of the time.
describe('findMaxRate', { concurrency: true }, () => {
  test('finds the rate above which a server refuses', async (t) => {
    const capacity = 330
    let tokens = 60
    let filledMs = performance.now()
    const url = await serve(t, (_, response) => {
      const nowMs = performance.now()
      tokens = Math.min(60, tokens + ((nowMs - filledMs) * capacity) / 1000)
      filledMs = nowMs
      response.statusCode = tokens >= 1 ? 200 : 503
      if (tokens >= 1) tokens--
      response.end('{}')
    })
    const seen: number[] = []
    const result = await findMaxRate({
      url,
      requests: prepared(url),
      rate: 200,
      trialMs: 1000,
      warmupMs: 300,
      limits: { p99Ms: 60_000, errorShare: 0.05 },
      onTrial: ({ rate }) => seen.push(rate),
    })
    // The bucket holds 60 requests, which is 46 more per second over the 1.3 s of a trial; one of twenty may fail.
    assert.ok(result.rate >= capacity * 0.75 && result.rate <= capacity * 1.25, `${result.rate}`)
    assert.deepEqual(seen.slice(0, 2), [200, 400])
    assert.deepEqual(
      result.trials.map(({ rate }) => rate),
      seen,
    )
    assert.ok(result.limits.every(({ met }) => met))
    const best = result.trials.find(({ rate }) => rate === result.rate)
    assert.deepEqual(best?.latencyMs, result.latencyMs)
    for (const { rate, ok, failed } of result.trials) assert.equal(ok + failed, Math.round(rate))
  })

  test('where no rate keeps the limits, the lowest trial is the result', async (t) => {
    const url = await serve(t, (_, response) => void setTimeout(() => response.end('{}'), 5))
    const { rate, limits, trials } = await findMaxRate({
      url,
      requests: prepared(url),
      rate: 20,
      trialMs: 1000,
      warmupMs: 0,
      limits: { p50Ms: 1 },
    })
    assert.equal(rate, 1)
    assert.equal(limits.find(({ name }) => name === 'p50')?.met, false)
    assert.ok(trials.length >= 5)
  })

  test('an abort ends the search', async (t) => {
    const url = await serve(t, (_, response) => void response.end('{}'))
    const abort = new AbortController()
    const { isInterrupted, rate, trials } = await findMaxRate({
      url,
      requests: prepared(url),
      trialMs: 200,
      warmupMs: 0,
      limits: { p99Ms: 60_000 },
      signal: abort.signal,
      onTrial: () => abort.abort(),
    })
    assert.deepEqual([isInterrupted, rate, trials.length], [true, 100, 2])
  })
})
