import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadVerdict, renderLoadTestPage } from '../../src/loadtest/report/loadTestPage.ts'
import { Timeline } from '../../src/loadtest/timeline.ts'
import type { LoadTestResult } from '../../src/loadtest/types.ts'
import { badgesOf, checkPage, rowsOf, sectionsOf } from '../report/checkPage.ts'
import { HOSTILE } from '../report/hostile.ts'
import { elements, hasClass, textOf } from '../report/xml.ts'

const timeline = new Timeline(1000, 20_000)
for (let request = 0; request < 1000; request++)
  if (request % 100 === 0) timeline.failed(request)
  else timeline.answered(request, request < 500 || request >= 600 ? 1 + (request % 50) : 2000)

const result: LoadTestResult = {
  rate: 50,
  achievedRate: 50,
  durationSeconds: 20,
  ok: 990,
  failed: 10,
  latencyMs: { p50: 26, p90: 49, p95: 2000, p99: 2000, p999: 2000, max: 2000 },
  limits: [
    { name: 'p95', limit: 100, measured: 2000, met: false },
    { name: 'errors', limit: 0.05, measured: 0.01, met: true },
    { name: 'rate', limit: 49.5, measured: 50, met: true },
  ],
  errors: HOSTILE.map((kind, i) => ({ kind, count: 10 - i })),
  refusalMs: { p50: null, p90: null, p95: null, p99: null, p999: null, max: null },
  sendDelayMs: { p50: 0.1, p90: 0.1, p95: 0.1, p99: 0.1, p999: 0.1, max: 0.1 },
  timeline: timeline.slices(20_000),
  distribution: timeline.distribution(),
  isInterrupted: false,
}

const context = {
  version: '0.1.0',
  madeAt: '2026-11-23T07:30:00.000Z',
  machine: 'a machine',
  url: 'http://127.0.0.1:8080',
  requests: 'requests.parquet',
}

describe('the page of a load test', () => {
  test('has verdict, limits, pictures and errors, and needs nothing but itself', () => {
    const page = renderLoadTestPage(result, { ...context, requests: HOSTILE[0], machine: HOSTILE[1] })
    const sections = sectionsOf(checkPage(page))
    assert.deepEqual(Array.from(sections.keys()), ['verdict', 'latency', 'errors'])
    assert.deepEqual(badgesOf(sections.get('verdict')!), [
      'limits missed',
      'limit missed',
      'within the limit',
      'within the limit',
    ])
    assert.deepEqual(
      rowsOf(sections.get('errors')!)
        .slice(1)
        .map(([, count]) => Number(count)),
      [10, 9, 8, 7, 6, 5],
    )
    const guides = elements(sections.get('latency')!, 'text').filter((one) => hasClass(one, 'note'))
    assert.deepEqual(guides.map(textOf), ['P95 ≤ 100 ms', 'P95 ≤ 100 ms'])
    assert.equal(renderLoadTestPage(result, context), renderLoadTestPage(structuredClone(result), context))
  })

  test('its tables hold the slices and the distribution', () => {
    const rows = rowsOf(sectionsOf(checkPage(renderLoadTestPage(result, context))).get('latency')!)
    assert.equal(rows.length, 2 + result.timeline.length + result.distribution.length)
    assert.deepEqual(rows[1].slice(0, 3), ['0 s', '49', '1'])
  })

  test('a search shows its trials; an interrupted one is told', () => {
    const trials = [
      result,
      { ...result, rate: 25, limits: result.limits.map((limit) => ({ ...limit, met: true })) },
    ]
    const found = checkPage(renderLoadTestPage({ ...trials[1], trials }, context))
    assert.deepEqual(badgesOf(sectionsOf(found).get('trials')!), ['misses a limit', 'keeps the limits'])
    const nothing = { p50: null, p90: null, p95: null, p99: null, p999: null, max: null }
    const empty = new Timeline(1000, 20_000)
    const silent = {
      ...result,
      ok: 0,
      failed: 0,
      latencyMs: nothing,
      isInterrupted: true,
      timeline: empty.slices(5000),
      distribution: [],
      limits: [{ name: 'errors' as const, limit: 0, measured: null, met: false }],
    }
    assert.match(textOf(checkPage(renderLoadTestPage(silent, context))), /The test ended early/)
  })

  test('a verdict says no more than was measured', () => {
    const kept = { ...result, isInterrupted: false, ok: 97, failed: 3 }
    const [latency, ...others] = result.limits.map(({ name, limit, measured }) => ({
      name,
      limit,
      measured,
      met: true,
    }))
    const told = (change: Partial<LoadTestResult>) => loadVerdict({ ...kept, ...change })
    assert.deepEqual(told({ limits: others }), {
      grade: 'good',
      word: 'passed',
      text: '3 % of the requests failed, within the limit; no limit of the latency was given.',
    })
    assert.equal(
      told({ limits: [latency, ...others], failed: 0 }).text,
      'The server keeps all limits at this rate. All requests were answered.',
    )
    assert.equal(told({ limits: others, ok: 0, failed: 100 }).word, 'nothing answered')
  })
})
