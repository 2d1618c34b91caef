import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ClickMetrics, type EvaluationMetrics } from '../../src/metrics/clickMetrics.ts'
import { Random } from '../../src/random.ts'

describe('ClickMetrics', () => {
  test('accuracy, log loss, normalized entropy, rates: against plain sums over all rows, however they are cut', () => {
    const someOf = { min: 1, max: 700 } // blocks are 256 rows
    fc.assert(
      fc.property(fc.integer(someOf), fc.integer(someOf), fc.integer(), (n, piece, seed) => {
        const random = new Random(seed)
        const share = random.float() // of clicks
        const logits = Array.from({ length: n }, () => Math.fround(60 * random.float() - 30))
        const clicks = logits.map(() => (random.float() < share ? 1 : 0))
        const found = metricsOf(logits, clicks, { piece })
        const clicked = clicks.filter((click) => click === 1).length
        const right = logits.filter((z, row) => (z > 0 ? 1 : 0) === clicks[row]).length
        const loss = logits.reduce((sum, z, row) => sum + Math.log1p(Math.exp(clicks[row] ? -z : z)), 0) / n
        assert.equal(found.rows, n)
        assert.equal(found.accuracy, right / n)
        assert.equal(found.clickRate, clicked / n)
        assert.equal(found.majorityAccuracy, Math.max(clicked, n - clicked) / n)
        assert.ok(Math.abs(found.logLoss - loss) < 1e-12 + 1e-12 * loss)
        if (clicked === 0 || clicked === n) return assert.equal(found.normalizedEntropy, null)
        const p = clicked / n
        const entropy = -p * Math.log(p) - (1 - p) * Math.log(1 - p)
        assert.ok(Math.abs((found.normalizedEntropy ?? Number.NaN) - loss / entropy) < 1e-9)
      }),
    )
  })

  test('always saying the click rate: normalized entropy 1, calibration error 0, AUC 0.5', () => {
    const clicks = Array.from({ length: 1000 }, (_, i) => (i % 4 === 0 ? 1 : 0))
    const found = metricsOf(
      clicks.map(() => Math.log(0.25 / 0.75)),
      clicks,
      { users: 1 },
    )
    assert.ok(Math.abs((found.normalizedEntropy ?? 0) - 1) < 1e-12)
    assert.ok(found.calibrationError < 1e-7) // the logit is rounded to float32
    assert.equal(found.auc, 0.5)
    assert.equal(found.accuracy, 0.75)
    assert.equal(found.majorityAccuracy, 0.75)
  })

  test('true probabilities as scores: calibrated, log loss near the mean entropy', () => {
    const random = new Random(3)
    const logits = Array.from({ length: 100_000 }, () => 3 * random.normal())
    const probabilities = logits.map((z) => 1 / (1 + Math.exp(-z)))
    const found = metricsOf(
      logits,
      probabilities.map((p) => (random.float() < p ? 1 : 0)),
    )
    const entropy =
      probabilities.reduce((sum, p) => sum - p * Math.log(p) - (1 - p) * Math.log(1 - p), 0) / logits.length
    assert.ok(found.calibrationError < 0.01, `${found.calibrationError}`)
    assert.ok(Math.abs(found.logLoss - entropy) < 0.01, `${found.logLoss} against ${entropy}`)
    const off = metricsOf(
      logits.map((z) => z + 2),
      probabilities.map((p) => (random.float() < p ? 1 : 0)),
    )
    assert.ok(off.calibrationError > 0.1, `${off.calibrationError}`)
  })

  test('AUC and NDCG see the same rows: a perfect and a reversed ranking', () => {
    const clicks = [1, 0, 1, 0]
    const users = [0, 0, 1, 1]
    const good = metricsOf([2, -1, 3, -4], clicks, { users: 2, userOf: users })
    assert.deepEqual([good.auc, good.ndcg10], [1, 1])
    const bad = metricsOf([-2, 1, -3, 4], clicks, { users: 2, userOf: users })
    assert.deepEqual([bad.auc, bad.ndcg10], [0, 1 / Math.log2(3)])
  })

  test('users: 0 leaves NDCG out and reads no user', () => {
    const metrics = new ClickMetrics({ users: 0 })
    metrics.add(Float32Array.of(1), Uint8Array.of(1), new Uint32Array(0), 1)
    assert.equal(metrics.result().ndcg10, null)
  })

  test('no rows: means are NaN, the rest null', () => {
    assert.deepEqual(new ClickMetrics({ users: 3 }).result(), {
      rows: 0,
      accuracy: Number.NaN,
      auc: null,
      logLoss: Number.NaN,
      normalizedEntropy: null,
      calibrationError: Number.NaN,
      ndcg10: null,
      clickRate: Number.NaN,
      majorityAccuracy: Number.NaN,
    })
  })

  test('one class only: no AUC, no normalized entropy, majority 1', () => {
    for (const click of [0, 1]) {
      const found = metricsOf([0.5, -2, 3], [click, click, click], { users: 1 })
      assert.equal(found.auc, null)
      assert.equal(found.normalizedEntropy, null)
      assert.equal(found.majorityAccuracy, 1)
      assert.equal(found.ndcg10, click === 1 ? 1 : null)
    }
  })

  test('a logit of 0 says no', () => {
    assert.equal(metricsOf([0, -0], [1, 1]).accuracy, 0)
    assert.equal(metricsOf([0, -0], [0, 0]).accuracy, 1)
  })

  test('NaN and infinite logits are refused, naming the row among all rows', () => {
    for (const [bad, shown] of [
      [Number.NaN, 'NaN'],
      [Infinity, 'Infinity'],
      [-Infinity, '-Infinity'],
    ] as const)
      for (const at of [0, 300, 999]) {
        const metrics = new ClickMetrics({ users: 0 })
        const logits = new Float32Array(1000).fill(0.5)
        const clicks = Uint8Array.from(logits, (_, i) => i % 2)
        metrics.add(logits, clicks, new Uint32Array(0), 1000)
        logits[at] = bad
        assert.throws(() => metrics.add(logits, clicks, new Uint32Array(0), 1000), {
          name: 'NearrankError',
          code: 'NOT_FINITE',
          message: new RegExp(`row ${1000 + at} holds ${shown};`),
        })
      }
  })

  test('rows past count are not read', () => {
    const metrics = new ClickMetrics({ users: 1 })
    metrics.add(Float32Array.of(1, Number.NaN), Uint8Array.of(1, 9), Uint32Array.of(0, 99), 1)
    assert.equal(metrics.result().rows, 1)
    assert.equal(metrics.result().accuracy, 1)
  })

  test('a user out of range is refused', () => {
    const metrics = new ClickMetrics({ users: 5 })
    assert.throws(() => metrics.add(Float32Array.of(1, 1), Uint8Array.of(1, 0), Uint32Array.of(4, 5), 2), {
      code: 'INTERNAL',
      message: /0 to 4, found 5/,
    })
  })

  test('no memory that grows with the rows', () => {
    const metrics = new ClickMetrics({ users: 100 })
    const logits = Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i))
    const clicks = Uint8Array.from(logits, (z) => (z > 0.1 ? 1 : 0))
    const users = Uint32Array.from(logits, (_, i) => i % 100)
    metrics.add(logits, clicks, users, 10_000) // memory for the bins that scores fall into
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 250; i++) metrics.add(logits, clicks, users, 10_000)
    assert.equal(metrics.result().rows, 2_510_000)
    assert.ok(process.memoryUsage().arrayBuffers - before < 1e6)
  })
})

function metricsOf(
  logits: number[],
  clicks: number[],
  {
    users = 0,
    userOf = [],
    piece = logits.length,
  }: { users?: number; userOf?: number[]; piece?: number } = {},
): EvaluationMetrics {
  const metrics = new ClickMetrics({ users })
  for (let start = 0; start < logits.length; start += piece) {
    const part = logits.slice(start, start + piece)
    metrics.add(
      Float32Array.from(part),
      Uint8Array.from(clicks.slice(start, start + piece)),
      Uint32Array.from(part, (_, i) => userOf[start + i] ?? 0),
      part.length,
    )
  }
  return metrics.result()
}
