import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Timeline } from '../../src/loadtest/timeline.ts'
import { Random } from '../../src/random.ts'

describe('Timeline', () => {
  test('percentiles of each slice are those of its sorted latencies, within 1 %', () => {
    const random = new Random(3)
    const timeline = new Timeline(12_000, 60_000)
    const bySlice = Array.from({ length: 60 }, (): number[] => [])
    let failed = 0
    for (let request = 0; request < 12_000; request++) {
      const ms = Math.max(0.02, Math.exp(1.3 * random.normal() + 1))
      if (random.float() < 0.1) {
        failed++
        timeline.failed(request)
        continue
      }
      bySlice[Math.floor(request / 200)].push(ms)
      timeline.answered(request, ms)
    }
    const slices = timeline.slices(60_000)
    assert.equal(slices.length, 60)
    for (const [i, slice] of slices.entries()) {
      const sorted = bySlice[i].toSorted((a, b) => a - b)
      assert.deepEqual([slice.startSeconds, slice.endSeconds, slice.ok], [i, i + 1, sorted.length])
      assert.equal(slice.latencyMs.max, sorted[sorted.length - 1])
      for (const [name, share] of [
        ['p50', 0.5],
        ['p95', 0.95],
        ['p99', 0.99],
      ] as const) {
        const wanted = sorted[Math.ceil(share * sorted.length) - 1]
        const found = slice.latencyMs[name] ?? Number.NaN
        assert.ok(Math.abs(found / wanted - 1) < 0.0101, `${name}: ${found} for ${wanted}`)
      }
    }
    assert.equal(
      slices.reduce((sum, slice) => sum + slice.failed, 0),
      failed,
    )
    const bins = timeline.distribution()
    assert.ok(bins.length > 10 && bins.length <= 40)
    const all = bySlice.flat()
    for (const [i, { fromMs, toMs, count }] of bins.entries()) {
      if (i > 0) assert.equal(fromMs, bins[i - 1].toMs)
      assert.equal(count, all.filter((ms) => ms >= fromMs && ms < toMs).length)
    }
    assert.equal(
      bins.reduce((sum, { count }) => sum + count, 0),
      all.length,
    )
  })

  test('few requests have few slices, a long test has 120, and what is beyond the bins is in the last', () => {
    assert.equal(new Timeline(5, 1000).slices(1000).length, 1)
    assert.equal(new Timeline(100, 1000).slices(1000).length, 10)
    assert.equal(new Timeline(1e6, 7 * 24 * 3600 * 1000).slices(7 * 24 * 3600 * 1000).length, 120)
    const timeline = new Timeline(10, 1000)
    for (const [request, ms] of [0.0001, 1e9].entries()) timeline.answered(request, ms)
    assert.deepEqual(timeline.slices(1000)[0].latencyMs.max, 1e9)
    assert.equal(
      timeline.distribution().reduce((sum, { count }) => sum + count, 0),
      2,
    )
  })

  test('an interrupted test has the slices that began; one without answers has gaps', () => {
    const timeline = new Timeline(1000, 10_000)
    timeline.answered(0, 5)
    const slices = timeline.slices(2100)
    assert.equal(slices.length, 5)
    assert.deepEqual(slices[1].latencyMs, { p50: null, p95: null, p99: null, max: null })
    assert.deepEqual(new Timeline(1000, 10_000).distribution(), [])
  })
})
