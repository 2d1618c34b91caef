import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HistogramAuc } from '../../src/metrics/histogramAuc.ts'
import { scoreCurves } from '../../src/metrics/scoreCurves.ts'
import { wilsonInterval } from '../../src/metrics/wilson.ts'
import { Random } from '../../src/random.ts'

function curvesOf(logits: number[], clicks: number[]) {
  const histogram = new HistogramAuc()
  histogram.add(Float32Array.from(logits), Uint8Array.from(clicks), 0, logits.length)
  const count = clicks.reduce((sum, click) => sum + click, 0)
  return { ...scoreCurves(histogram, { rows: logits.length, clicks: count }), auc: histogram.area() }
}

/** Rows whose clicks follow their logits. */
function drawnRows(seed: number, rows: number, shift: number) {
  const random = new Random(seed)
  const logits = Array.from({ length: rows }, () => Math.fround(2 * random.normal() + shift))
  return { logits, clicks: logits.map((logit) => (random.float() < sigmoid(logit) ? 1 : 0)) }
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}

describe('scoreCurves', () => {
  test('each ROC point is that of some threshold, and the area below them is the AUC', () => {
    for (const [seed, shift] of [
      [1, 0],
      [2, -4],
      [3, 3],
    ]) {
      const { logits, clicks } = drawnRows(seed, 5000, shift)
      const { roc, auc } = curvesOf(logits, clicks)
      const positives = logits.filter((_, i) => clicks[i] === 1).toSorted((a, b) => b - a)
      const negatives = logits.filter((_, i) => clicks[i] === 0).toSorted((a, b) => b - a)
      assert.deepEqual(
        [roc[0], roc[roc.length - 1]],
        [
          { others: 0, clicks: 0 },
          { others: 1, clicks: 1 },
        ],
      )
      assert.ok(roc.length > 50 && roc.length <= 203, `${roc.length} points`)
      for (const point of roc.slice(1, -1)) {
        const above = Math.round(point.clicks * positives.length)
        // The threshold lies between the last click above it and the next one below; the bins are narrow.
        const [from, to] = [positives[above - 1] ?? Infinity, positives[above] ?? -Infinity].map(
          (logit) => logit,
        )
        const least = negatives.filter((logit) => logit > from + 0.001).length / negatives.length
        const most = negatives.filter((logit) => logit > to - 0.001).length / negatives.length
        assert.ok(
          point.others >= least - 1e-9 && point.others <= most + 1e-9,
          `${point.others} in ${least} to ${most}`,
        )
      }
      const area = roc.slice(1).reduce((sum, point, i) => {
        return sum + ((point.others - roc[i].others) * (point.clicks + roc[i].clicks)) / 2
      }, 0)
      assert.ok(Math.abs(area - (auc ?? 0)) < 0.001, `${area} for ${auc}`)
    }
  })

  test('rows of one score are one straight piece', () => {
    assert.deepEqual(curvesOf([1, 1, 1, 1], [1, 0, 0, 1]).roc, [
      { others: 0, clicks: 0 },
      { others: 1, clicks: 1 },
    ])
    assert.deepEqual(curvesOf([2, 1, 1, -1], [1, 0, 1, 0]).roc, [
      { others: 0, clicks: 0 },
      { others: 0, clicks: 0.5 },
      { others: 0.5, clicks: 1 },
      { others: 1, clicks: 1 },
    ])
  })

  test('the distribution counts every row once, in the bin of its probability or at the ends', () => {
    const { logits, clicks } = drawnRows(4, 20_000, -2)
    const { distribution } = curvesOf(logits, clicks)
    assert.ok(distribution)
    const { low, high } = distribution
    const wanted = [0, 1].map((label) => {
      const counts = distribution.clicks.map(() => 0)
      for (const [i, logit] of logits.entries()) {
        if (clicks[i] !== label) continue
        const bin = Math.floor((counts.length * (sigmoid(logit) - low)) / (high - low))
        counts[Math.min(counts.length - 1, Math.max(0, bin))]++
      }
      return counts
    })
    const moved = [distribution.others, distribution.clicks].map((counts, label) =>
      counts.reduce((sum, count, bin) => sum + Math.abs(count - wanted[label][bin]), 0),
    )
    // A score at the edge of two bins may be counted in either.
    assert.ok(moved[0] + moved[1] < 40, `${moved.join(' and ')} rows`)
    const beyond = logits.filter((logit) => sigmoid(logit) < low || sigmoid(logit) > high).length
    assert.ok(beyond <= 0.001 * logits.length + 2, `${beyond} rows beyond ${low} to ${high}`)
  })

  test('without rows, or with one class only, there is nothing to draw', () => {
    assert.deepEqual(curvesOf([], []), { roc: [], distribution: null, auc: null })
    const { roc, distribution } = curvesOf([0.3, 0.3], [1, 1])
    assert.deepEqual(roc, [])
    assert.ok(distribution && distribution.low < distribution.high)
    assert.equal(
      distribution.clicks.reduce((sum, count) => sum + count, 0),
      2,
    )
  })
})

describe('wilsonInterval', () => {
  test('its ends are the shares that the one seen is 1.96 standard deviations away from', () => {
    for (const [hits, count] of [
      [1, 7],
      [50, 100],
      [3, 100_000],
      [999, 1000],
    ]) {
      const { low, high } = wilsonInterval(hits, count)
      for (const end of [low, high]) {
        const deviations = Math.abs(hits / count - end) / Math.sqrt((end * (1 - end)) / count)
        assert.ok(Math.abs(deviations - 1.95996) < 1e-4, `${hits} of ${count}: ${deviations}`)
      }
      assert.ok(low < hits / count && hits / count < high)
    }
    assert.ok(Math.abs(wilsonInterval(0, 10).low) < 1e-12)
    assert.ok(Math.abs(wilsonInterval(10, 10).high - 1) < 1e-12)
  })
})
