/**
 * How good predictions are, as whole numbers that can be added up in any order on any thread: the log loss,
 * and for each bin of the predicted log odds how much clicked and how much did not, expected or drawn.
 */
export const BINS = 4096 // of 0.006 each, from −12 to 12
const HALF = BINS / 2 // the first bin whose predictions are at least 0.5
const BINS_PER_UNIT = BINS / 24
const UNIT = 2 ** 24 // of a whole number: a row's rounding is 3e-8 at most, and up or down
const NDCG = 1
const BIN_COUNTS = 2
export const TALLY = BIN_COUNTS + 2 * BINS // numbers of one tally

/** What a predictor achieves. */
export interface Ceiling {
  accuracy: number
  auc: number | null // null: nothing can click, or nothing can fail to
  logLoss: number
  ndcg10: number | null // of requests as they were drawn; null: none has a click
}

/**
 * Adds a row to the tally at `at`: `predicted` strictly between 0 and 1, `p` the probability of a click or,
 * for clicks as drawn, 0 or 1.
 */
export function addRow(tallies: Float64Array, at: number, predicted: number, p: number): void {
  const logPredicted = Math.log(predicted)
  const logOther = Math.log(1 - predicted)
  tallies[at] += Math.round(-(p * logPredicted + (1 - p) * logOther) * UNIT)
  const bin = Math.floor((logPredicted - logOther) * BINS_PER_UNIT) + HALF
  const binAt = at + BIN_COUNTS + 2 * Math.max(0, Math.min(BINS - 1, bin))
  const clicked = Math.round(p * UNIT)
  tallies[binAt + 1] += clicked
  tallies[binAt] += UNIT - clicked
}

/** Adds the NDCG@10 of a request that has a click. */
export function addNdcg(tallies: Float64Array, at: number, ndcg10: number): void {
  tallies[at + NDCG] += Math.round(ndcg10 * UNIT)
}

/** Adds the tallies of one thread to those of all. */
export function addTallies(sums: BigInt64Array, tallies: Float64Array): void {
  for (let i = 0; i < tallies.length; i++) if (tallies[i] !== 0) Atomics.add(sums, i, BigInt(tallies[i]))
}

/** What the tally at `at` comes to over `rows` rows, in `requests` requests whose order was measured. */
export function ceilingOf(sums: BigInt64Array, at: number, rows: number, requests: number): Ceiling {
  let clicked = 0
  let others = 0
  let right = 0
  let ordered = 0 // pairs of a click and another row whose predictions tell which is which; a tie is half
  for (let bin = 0; bin < BINS; bin++) {
    const binOthers = Number(sums[at + BIN_COUNTS + 2 * bin]) / UNIT
    const binClicked = Number(sums[at + BIN_COUNTS + 2 * bin + 1]) / UNIT
    ordered += binClicked * (others + binOthers / 2)
    right += bin < HALF ? binOthers : binClicked
    clicked += binClicked
    others += binOthers
  }
  const pairs = clicked * others
  return {
    accuracy: right / rows,
    auc: pairs > 0 ? ordered / pairs : null,
    logLoss: Number(sums[at]) / UNIT / rows,
    ndcg10: requests > 0 ? Number(sums[at + NDCG]) / UNIT / requests : null,
  }
}
