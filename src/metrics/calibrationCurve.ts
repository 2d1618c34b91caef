import type { HistogramAuc } from './histogramAuc.ts'
import { wilsonInterval } from './wilson.ts'

const DECILES = 10

/** Rows whose predictions are close: a model is calibrated if both means are the same. */
export interface CalibrationBin {
  rows: number
  prediction: number // mean predicted probability
  clickRate: number
  low: number // the 95 % interval of the click rate
  high: number
}

/**
 * The rows in tenths by their logits, lowest first; rows of the same logit are in one tenth, and a tenth
 * without rows is left out. A logit counts as the middle of its bin of the histogram, which moves no mean
 * prediction by more than 2e-5.
 */
export function calibrationCurve(logits: HistogramAuc, rows: number): CalibrationBin[] {
  const bins = Array.from({ length: DECILES }, () => ({ rows: 0, predicted: 0, clicks: 0 }))
  let before = 0
  logits.forEachBin((logit, negatives, positives) => {
    const count = negatives + positives
    const bin = bins[Math.floor((DECILES * (before + count / 2)) / rows)]
    bin.rows += count
    bin.predicted += count / (1 + Math.exp(-logit))
    bin.clicks += positives
    before += count
  })
  return bins
    .filter((bin) => bin.rows > 0)
    .map(({ rows: count, predicted, clicks }) => {
      const { low, high } = wilsonInterval(clicks, count)
      return { rows: count, prediction: predicted / count, clickRate: clicks / count, low, high }
    })
}
