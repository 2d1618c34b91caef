import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { areMet, checkLimits } from '../../src/loadtest/checkLimits.ts'
import { LatencyHistogram } from '../../src/loadtest/latencyHistogram.ts'

const latencyMs = { p50: 1, p90: 2, p95: 3, p99: 4, p999: 5, max: 6 }
const measured = { rate: 100, achievedRate: 100, ok: 990, failed: 10, latencyMs }

describe('checkLimits', () => {
  test('each limit by its own measure, at most and at least included', () => {
    const limits = { p50Ms: 1, p90Ms: 1.9, p95Ms: 3, p99Ms: 3.9, p999Ms: 5, maxMs: 5.9, errorShare: 0.01 }
    const checks = checkLimits(measured, limits)
    assert.deepEqual(
      checks.map(({ name, met }) => [name, met]),
      [
        ['p50', true],
        ['p90', false],
        ['p95', true],
        ['p99', false],
        ['p999', true],
        ['max', false],
        ['errors', true],
        ['rate', true],
      ],
    )
    assert.deepEqual(checks[2], { name: 'p95', limit: 3, measured: 3, met: true })
    assert.equal(areMet(checks), false)
    assert.equal(areMet(checkLimits(measured, { p95Ms: 3, errorShare: 0.01 })), true)
  })

  test('without limits: no failures, 99 % of the rate', () => {
    const [errors, rate] = checkLimits(measured)
    assert.deepEqual(errors, { name: 'errors', limit: 0, measured: 0.01, met: false })
    assert.deepEqual(rate, { name: 'rate', limit: 99, measured: 100, met: true })
    assert.equal(checkLimits({ ...measured, achievedRate: 99 })[1].met, true)
    assert.equal(checkLimits({ ...measured, achievedRate: 98.9 })[1].met, false)
  })

  test('what was not measured is not met', () => {
    const nothing = { p50: null, p90: null, p95: null, p99: null, p999: null, max: null }
    const checks = checkLimits(
      { ...measured, ok: 0, failed: 0, achievedRate: 0, latencyMs: nothing },
      { p95Ms: 1 },
    )
    assert.ok(checks.every(({ met }) => !met))
  })
})

describe('LatencyHistogram', () => {
  test('percentiles within 0.1 % of those of the sorted list', () => {
    const times = fc.array(fc.double({ min: 0.001, max: 600_000, noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(times, (all) => {
        const histogram = new LatencyHistogram()
        for (const ms of all) histogram.record(ms)
        const sorted = all.toSorted((a, b) => a - b)
        // The nearest rank.
        const at = (percentile: number) =>
          sorted[Math.max(0, Math.floor((percentile / 100) * sorted.length + 0.5) - 1)]
        const found = histogram.latencies()
        const wanted = {
          p50: at(50),
          p90: at(90),
          p95: at(95),
          p99: at(99),
          p999: at(99.9),
          max: at(100),
        }
        for (const [key, ms] of Object.entries(wanted)) {
          const value = found[key as keyof typeof wanted] ?? Number.NaN
          assert.ok(Math.abs(value - ms) <= 0.0011 * ms + 1e-6, `${key}: ${value}, wanted ${ms}`)
        }
      }),
    )
  })

  test('without a record there is no number, and a time below 0 is none', () => {
    const histogram = new LatencyHistogram()
    assert.equal(histogram.latencies().p95, null)
    histogram.record(-0.1)
    assert.equal(histogram.latencies().max, 1e-6)
  })
})
