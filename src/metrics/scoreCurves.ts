import type { HistogramAuc } from './histogramAuc.ts'

const ROC_STEP = 0.02 // of both shares together: about 100 points, 202 at most
const BINS = 40
const TAIL = 0.0005 // of the rows, at each end: the bins there hold whatever lies beyond
const NARROW = 1e-6 // if all probabilities are equal

/** What pictures of scores are made of. */
export interface ScoreCurves {
  roc: RocPoint[] // from (0, 0) to (1, 1); none if all rows are clicks, or none is
  distribution: ScoreDistribution | null // null: there are no rows
}

/** If every row above some score counted as a click: the share of the others above it, and of the clicks. */
export interface RocPoint {
  others: number
  clicks: number
}

/** Rows by their predicted probabilities, in bins of one width. */
export interface ScoreDistribution {
  low: number // where the first bin begins, which also holds what is below
  high: number // where the last one ends, which also holds what is above
  clicks: number[] // rows of each bin that are clicks
  others: number[]
}

/** The curves of a histogram of logits. Cost: three passes over its bins. */
export function scoreCurves(
  logits: HistogramAuc,
  { rows, clicks }: { rows: number; clicks: number },
): ScoreCurves {
  if (rows === 0) return { roc: [], distribution: null }
  return {
    roc: clicks > 0 && clicks < rows ? rocOf(logits, { clicks, others: rows - clicks }) : [],
    distribution: distributionOf(logits, rangeOf(logits, rows)),
  }
}

function rocOf(logits: HistogramAuc, all: RocPoint): RocPoint[] {
  const rising: RocPoint[] = []
  let shown = { others: 0, clicks: 0 } // rows below the last point
  let below = shown // rows below the bin at hand
  const show = (rowsBelow: RocPoint) => {
    shown = rowsBelow
    rising.push({ others: 1 - shown.others / all.others, clicks: 1 - shown.clicks / all.clicks })
  }
  show(below)
  logits.forEachBin((_, negatives, positives) => {
    const next = { others: below.others + negatives, clicks: below.clicks + positives }
    const step = (next.others - shown.others) / all.others + (next.clicks - shown.clicks) / all.clicks
    if (step > ROC_STEP && below !== shown) show(below)
    below = next
  })
  show(below)
  return rising.toReversed()
}

/** Round numbers between which all probabilities but those of the tails lie. */
function rangeOf(logits: HistogramAuc, rows: number): { low: number; high: number } {
  let least = 0
  let greatest = 0
  let below = 0
  logits.forEachBin((logit, negatives, positives) => {
    if (below <= TAIL * rows) least = sigmoid(logit)
    if (below < (1 - TAIL) * rows) greatest = sigmoid(logit)
    below += negatives + positives
  })
  const step = 10 ** Math.floor(Math.log10(Math.max(greatest - least, NARROW))) / 2
  const low = Math.max(0, Math.floor(least / step) * step)
  const high = Math.min(1, Math.ceil(greatest / step) * step)
  return low < high ? { low, high } : { low: Math.max(0, low - step), high: Math.min(1, high + step) }
}

function distributionOf(
  logits: HistogramAuc,
  { low, high }: { low: number; high: number },
): ScoreDistribution {
  const clicks = Array.from({ length: BINS }, () => 0)
  const others = Array.from({ length: BINS }, () => 0)
  logits.forEachBin((logit, negatives, positives) => {
    const place = Math.floor((BINS * (sigmoid(logit) - low)) / (high - low))
    const bin = Math.min(BINS - 1, Math.max(0, place))
    clicks[bin] += positives
    others[bin] += negatives
  })
  return { low, high, clicks, others }
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}
