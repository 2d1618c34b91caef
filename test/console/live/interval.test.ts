import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lineOf, recentAnswers, withSnapshot, type Moment } from '../../../src/console/live/history.ts'
import { intervalBetween, quantileOf } from '../../../src/console/live/interval.ts'
import { readSnapshot } from '../../../src/console/live/snapshot.ts'

interface Told {
  ok?: number
  refused?: number
  buckets?: [number, number, number] // to 10 ms, to 100 ms, all
  processor?: number
  start?: number
}

/** The text of a server with a histogram of two bounds. */
function metricsText({ ok = 0, refused = 0, buckets = [0, 0, 0], processor = 0, start = 1 }: Told): string {
  const [low, middle, all] = buckets
  return `
nearrank_requests_total{status="200"} ${ok}
nearrank_requests_total{status="404"} 0
nearrank_requests_total{status="500"} 0
nearrank_requests_total{status="503"} ${refused}
nearrank_request_duration_seconds_bucket{le="+Inf"} ${all}
nearrank_request_duration_seconds_bucket{le="0.01"} ${low}
nearrank_request_duration_seconds_bucket{le="0.1"} ${middle}
nearrank_candidates_bucket{le="10"} 0
nearrank_candidates_bucket{le="+Inf"} ${ok}
nearrank_candidates_sum ${50 * ok}
nearrank_queue_length 3
nearrank_event_loop_delay_seconds{thread="1",quantile="p99"} 0.02
nearrank_event_loop_delay_seconds{thread="2",quantile="p99"} 0.05
nearrank_event_loop_delay_seconds{thread="2",quantile="max"} 0.9
nearrank_rows{side="users"} 5
nearrank_rows{side="restaurants"} 6
nearrank_store_connected 1
process_cpu_seconds_total ${processor}
process_start_time_seconds ${start}
`
}
const at = (atMs: number, told: Told = {}) => readSnapshot(metricsText(told), atMs)

describe('a snapshot', () => {
  test('has what the text tells, and null for what it does not', () => {
    const snapshot = at(7, { ok: 2 })
    assert.equal(snapshot.loopDelayS, 0.05)
    assert.equal(snapshot.queue, 3)
    assert.deepEqual([snapshot.users, snapshot.restaurants], [5, 6])
    assert.deepEqual(snapshot.latency.bounds, [0.01, 0.1, Infinity])
    assert.equal(snapshot.memoryBytes, null)
    assert.equal(snapshot.isStoreConnected, true)
    const empty = readSnapshot('<html>', 7)
    assert.deepEqual(
      [empty.queue, empty.loopDelayS, empty.startedAtS, empty.answers.size],
      [null, null, null, 0],
    )
  })
})

describe('an interval', () => {
  test('has rates by the time between, and quantiles of what was counted in between alone', () => {
    const before = at(1000, { ok: 100, refused: 7, buckets: [90, 100, 100], processor: 10 })
    const after = at(3000, { ok: 120, refused: 10, buckets: [100, 118, 120], processor: 11 })
    const interval = intervalBetween(before, after)
    assert.ok(interval)
    assert.equal(interval.answeredPerS, 10) // 20 in 2 s
    assert.equal(interval.refusedPerS, 1.5)
    assert.deepEqual([interval.failedPerS, interval.rejectedPerS], [0, 0])
    assert.equal(interval.processors, 0.5)
    assert.equal(interval.candidates, 50)
    // In between: 10 up to 10 ms, 8 more up to 100 ms, 2 beyond.
    assert.equal(interval.p50S, 0.01) // the 10th of 20 is the last of the first bucket
    assert.equal(interval.p95S, 0.1) // the 19th lies beyond the last bound
    assert.equal(interval.p99S, 0.1)
  })

  test('without an answer has no quantile', () => {
    const interval = intervalBetween(
      at(0, { ok: 5, buckets: [5, 5, 5] }),
      at(1000, { ok: 5, buckets: [5, 5, 5] }),
    )
    assert.equal(interval?.answeredPerS, 0)
    assert.deepEqual([interval?.p50S, interval?.p99S, interval?.candidates], [null, null, null])
  })

  test('is none over a new start, a counter that shrinks, a long pause, or no time at all', () => {
    const before = at(1000, { ok: 10, buckets: [10, 10, 10] })
    const fine = { ok: 20, buckets: [20, 20, 20] } satisfies Told
    assert.ok(intervalBetween(before, at(2000, fine)))
    assert.equal(intervalBetween(before, at(2000, { ...fine, start: 2 })), undefined)
    assert.equal(intervalBetween(before, at(2000, { ...fine, ok: 9 })), undefined)
    assert.equal(intervalBetween(before, at(9000, fine)), undefined)
    assert.equal(intervalBetween(before, at(1000, fine)), undefined)
    assert.equal(intervalBetween(before, at(2000, { ...fine, buckets: [9, 20, 20] }))?.p50S, null)
  })
})

test('quantiles lie evenly within their bucket', () => {
  const histogram = { bounds: [1, 2, 4, Infinity], counts: [0, 10, 20, 20], sum: 0 }
  assert.equal(quantileOf(histogram, 0.25), 1.5)
  assert.equal(quantileOf(histogram, 0.5), 2)
  assert.equal(quantileOf(histogram, 0.75), 3)
  assert.equal(quantileOf(histogram, 1), 4)
  assert.equal(quantileOf({ bounds: [1, Infinity], counts: [4, 4], sum: 0 }, 0.5), 0.5)
  assert.equal(quantileOf({ bounds: [], counts: [], sum: 0 }, 0.5), null)
})

test('the history keeps two minutes, and lines break where nobody looked', () => {
  let history: Moment[] = []
  const seconds = [
    ...Array.from({ length: 60 }, (_, i) => i),
    ...Array.from({ length: 90 }, (_, i) => 75 + i),
  ]
  for (const second of seconds) history = withSnapshot(history, at(1000 * second, { ok: 3 * second }))
  assert.equal(history[0].snapshot.atMs, 44_000)
  assert.equal(history.at(-1)?.snapshot.atMs, 164_000)
  const rate = lineOf(history, ({ interval }) => interval?.answeredPerS)
  const queue = lineOf(history, ({ snapshot }) => snapshot.queue)
  assert.deepEqual(
    queue.filter(([, value]) => value === null),
    [[75_000, null]],
  )
  assert.ok(rate.slice(1).every(([ms, value]) => value === (ms === 75_000 ? null : 3)))
  // 15 steps before the gap, 89 after it, of 3 each.
  assert.equal(recentAnswers(history).get('200'), 3 * (15 + 89))
})
