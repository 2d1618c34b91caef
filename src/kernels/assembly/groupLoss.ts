import { expNegative, log1p } from './loss'
import { sumLanes } from './madd'

// Losses of groups of rows, such as the results of one request, from their logits. n rows of a group count n
// times, so that the mean over the rows of a batch is comparable with that of `loss`.

const PAIRWISE = 1
const LAMBDARANK = 2
const SOFTMAX = 3
const LOGISTIC_PAIRWISE = 4

/**
 * For each group (equal neighbours in groups [rows] u32), the loss of its order and its gradient:
 * delta [rows] = scale · d(loss)/d(logit), and into `stats` (added): the summed loss (f64), the summed delta
 * (f64), the rows whose logit > 0 agrees with the click (f64). logits [rows], clicks [rows] u8. A group
 * without a click, or without anything else, has no order: its loss is 0. Of n rows:
 *
 * - PAIRWISE: n · the mean over all pairs of a click i and another row j of log(1 + exp(z_j − z_i)).
 *   Burges et al., Learning to Rank using Gradient Descent (RankNet), ICML 2005.
 * - LAMBDARANK: n · the sum over the same pairs, each times |ΔNDCG@k| of exchanging the two, whose ranks are
 *   taken as given. Burges, Ragno and Le, Learning to Rank with Nonsmooth Cost Functions, NIPS 2006.
 * - SOFTMAX: n · the mean over the clicks i of −log softmax(z)_i. Cao et al., Learning to Rank: From
 *   Pairwise Approach to Listwise Approach (ListNet, top one), ICML 2007.
 * - LOGISTIC_PAIRWISE: `weight` · PAIRWISE + (1 − weight) · the rows' binary cross-entropy. Sculley, Combined
 *   Regression and Ranking, KDD 2010; Li et al., Click-through Prediction for Advertising in Twitter
 *   Timeline, KDD 2015.
 *
 * `weights` [rows] f32, 0: none, say how much each counts. Of the order, it is the weight of the clicked row
 * that counts, divided by `clickMean`: its pairs, and its term of the softmax, are multiplied by it. With
 * 1 / p, p the probability that a row was looked at, the mean loss is that of a log of which everything was
 * (Joachims, Swaminathan and Schnabel, Unbiased Learning-to-Rank with Biased Feedback, WSDM 2017; the same
 * as in Pasumarthi et al., TF-Ranking, KDD 2019). Of the cross-entropy, it is each row's weight / rowMean.
 *
 * `scratch`: three times the bytes of the longest group's logits, three times those of k, and 256 more.
 */
export function groupLoss(
  kind: i32,
  logits: usize,
  clicks: usize,
  groups: usize,
  rows: i32,
  delta: usize,
  scratch: usize,
  scale: f32,
  k: i32,
  weight: f32,
  stats: usize,
  weights: usize,
  rowMean: f32,
  clickMean: f32,
): void {
  let lossSum: f64 = 0
  let correct: i32 = 0
  for (let start: i32 = 0; start < rows; ) {
    const group = load<u32>(groups)
    let n: i32 = 1
    while (start + n < rows && load<u32>(groups + ((<usize>n) << 2)) == group) n++
    const bytes = (<usize>n) << 2
    const stride = (bytes + 31) & ~15
    lossSum += oneGroup(kind, logits, clicks, n, scratch, stride, k, weight, weights, clickMean)
    const factor = scale * <f32>n
    for (let at: usize = 0; at < bytes; at += 4) store<f32>(delta + at, load<f32>(scratch + at) * factor)
    if (kind == LOGISTIC_PAIRWISE)
      lossSum += weights
        ? addLogistic<f32>(logits, clicks, n, delta, scale, 1 - weight, weights, rowMean)
        : addLogistic<void>(logits, clicks, n, delta, scale, 1 - weight, 0, 1)
    for (let row: i32 = 0; row < n; row++) {
      const isPositive = load<f32>(logits + ((<usize>row) << 2)) > 0
      if (isPositive == (load<u8>(clicks + <usize>row) != 0)) correct++
    }
    start += n
    logits += bytes
    groups += bytes
    delta += bytes
    clicks += <usize>n
    if (weights) weights += bytes
  }
  delta -= (<usize>rows) << 2
  let deltaSum: f64 = 0
  for (let row: i32 = 0; row < rows; row++) deltaSum += <f64>load<f32>(delta + ((<usize>row) << 2))
  store<f64>(stats, load<f64>(stats) + lossSum)
  store<f64>(stats, load<f64>(stats, 8) + deltaSum, 8)
  store<f64>(stats, load<f64>(stats, 16) + <f64>correct, 16)
}

/** Leaves d(loss)/d(logit) / n in the scratch; returns the loss, n times. */
function oneGroup(
  kind: i32,
  logits: usize,
  clicks: usize,
  n: i32,
  scratch: usize,
  stride: usize,
  k: i32,
  weight: f32,
  weights: usize,
  clickMean: f32,
): f64 {
  memory.fill(scratch, 0, stride)
  let clicked: i32 = 0
  for (let row: i32 = 0; row < n; row++) clicked += <i32>load<u8>(clicks + <usize>row)
  if (clicked == 0 || clicked == n) return 0
  if (kind == SOFTMAX) return <f64>n * softmax(logits, clicks, n, scratch, clicked, weights, clickMean)
  if (kind == LAMBDARANK)
    return <f64>n * exchanges(logits, clicks, n, scratch, stride, k, clicked, weights, clickMean)
  let share: f32 = 1 / (<f32>clicked * <f32>(n - clicked))
  if (kind == LOGISTIC_PAIRWISE) share *= weight
  let loss: f64 = 0
  for (let row: i32 = 0; row < n; row++) {
    if (load<u8>(clicks + <usize>row) == 0) continue
    const at = (<usize>row) << 2
    const own = share * weightOf(weights, row, clickMean)
    loss += pairsOf(load<f32>(logits + at), 0, scratch + at, logits, clicks, n, scratch, 0, own)
  }
  return <f64>n * loss
}

/** Of a clicked row, so that nobody else pays for it. */
function weightOf(weights: usize, row: i32, mean: f32): f32 {
  return weights ? load<f32>(weights + ((<usize>row) << 2)) / mean : 1
}

/**
 * All pairs whose exchange changes NDCG@k: of a row among the first k with any other. Rows beyond have pairs
 * with those alone, which are brought together for it.
 */
function exchanges(
  logits: usize,
  clicks: usize,
  n: i32,
  deltas: usize,
  stride: usize,
  k: i32,
  clicked: i32,
  weights: usize,
  clickMean: f32,
): f64 {
  const discounts = deltas + stride
  const share = <f32>(1 / writeDiscounts(logits, n, discounts, k, clicked))
  const step = ((<usize>min(k, n)) << 2) + 16
  const topLogits = discounts + stride
  const topDiscounts = topLogits + step
  const topDeltas = topDiscounts + step
  memory.fill(topDeltas, 0, step)
  let top: i32 = 0 // of the first k, those without a click
  for (let row: i32 = 0; row < n; row++) {
    const at = (<usize>row) << 2
    const discount = load<f32>(discounts + at)
    if (discount == 0 || load<u8>(clicks + <usize>row) != 0) continue
    store<f32>(topLogits + ((<usize>top) << 2), load<f32>(logits + at))
    store<f32>(topDiscounts + ((<usize>top) << 2), discount)
    top++
  }
  let loss: f64 = 0
  for (let row: i32 = 0; row < n; row++) {
    if (load<u8>(clicks + <usize>row) == 0) continue
    const at = (<usize>row) << 2
    const z = load<f32>(logits + at)
    const discount = load<f32>(discounts + at)
    const own = share * weightOf(weights, row, clickMean)
    loss +=
      discount == 0
        ? pairsOf(z, 0, deltas + at, topLogits, 0, top, topDeltas, topDiscounts, own)
        : pairsOf(z, discount, deltas + at, logits, clicks, n, deltas, discounts, own)
  }
  let next = topDeltas
  for (let row: i32 = 0; row < n; row++) {
    const at = (<usize>row) << 2
    if (load<f32>(discounts + at) == 0 || load<u8>(clicks + <usize>row) != 0) continue
    store<f32>(deltas + at, load<f32>(deltas + at) + load<f32>(next))
    next += 4
  }
  return loss
}

/**
 * The pairs of a clicked row, of such a logit and discount, with all of `n` rows that are not clicked (clicks
 * 0: none is), each times `share`, and if there are discounts times their difference. Adds the gradients to
 * that of the row, at `own`, and to `deltas`.
 */
function pairsOf(
  logit: f32,
  ownDiscount: f32,
  own: usize,
  logits: usize,
  clicks: usize,
  n: i32,
  deltas: usize,
  discounts: usize,
  share: f32,
): f64 {
  const z = f32x4.splat(logit)
  const discount = f32x4.splat(ownDiscount)
  const zero = f32x4.splat(0)
  const one = f32x4.splat(1)
  const all = f32x4.splat(share)
  let loss = zero
  let sum = zero
  for (let row: i32 = 0; row < n; row += 4) {
    const there = (<usize>row) << 2
    const difference = f32x4.sub(z, v128.load(logits + there)) // positive: in the right order
    const e = expNegative(f32x4.abs(difference))
    const inverse = f32x4.div(one, f32x4.add(one, e))
    const p = v128.bitselect(f32x4.mul(e, inverse), inverse, f32x4.ge(difference, zero)) // of the wrong one
    let w = v128.and(all, others(clicks ? clicks + <usize>row : 0, n - row))
    if (discounts) w = f32x4.mul(w, f32x4.abs(f32x4.sub(discount, v128.load(discounts + there))))
    const isPair = f32x4.gt(w, zero) // no NaN from beyond the group's end
    const step = v128.and(f32x4.mul(w, p), isPair)
    const terms = f32x4.mul(w, f32x4.add(f32x4.max(f32x4.neg(difference), zero), log1p(e)))
    loss = f32x4.add(loss, v128.and(terms, isPair))
    sum = f32x4.add(sum, step)
    v128.store(deltas + there, f32x4.add(v128.load(deltas + there), step))
  }
  store<f32>(own, load<f32>(own) - sumLanes(sum))
  return <f64>sumLanes(loss)
}

/** All bits of the lanes whose rows are in the group (`left` of them) and not clicked; clicks 0: none is. */
function others(clicks: usize, left: i32): v128 {
  const inside = i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3))
  if (!clicks) return inside
  const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(clicks)))
  return v128.and(i32x4.eq(words, i32x4.splat(0)), inside)
}

/**
 * discounts [n]: 1 / log2(1 + rank) of the first k rows by their logits, the first of equal ones before the
 * others; 0 of the rest. Returns the best sum that `clicked` rows can have.
 */
function writeDiscounts(logits: usize, n: i32, discounts: usize, k: i32, clicked: i32): f64 {
  memory.fill(discounts, 0, (<usize>n) << 2)
  let best: f64 = 0
  for (let rank: i32 = 0; rank < min(k, n); rank++) {
    let first: usize = 0
    let most: f32 = 0
    let isFound = false
    for (let at: usize = 0; at < (<usize>n) << 2; at += 4) {
      if (load<f32>(discounts + at) != 0) continue
      const z = load<f32>(logits + at)
      if (isFound && !(z > most)) continue
      isFound = true
      most = z
      first = at
    }
    const discount = discountOf(rank)
    store<f32>(discounts + first, <f32>discount)
    if (rank < clicked) best += discount
  }
  return best
}

function discountOf(rank: i32): f64 {
  return 0.6931471805599453 / log(<f32>(rank + 2))
}

/** The same as `oneGroup`, of the softmax over the group; returns the loss once. */
function softmax(
  logits: usize,
  clicks: usize,
  n: i32,
  deltas: usize,
  clicked: i32,
  weights: usize,
  clickMean: f32,
): f64 {
  let most = -f32.MAX_VALUE
  for (let row: i32 = 0; row < n; row++) most = max(most, load<f32>(logits + ((<usize>row) << 2)))
  let sum: f64 = 0
  for (let row: i32 = 0; row < n; row += 4) {
    const at = (<usize>row) << 2
    const e = expNegative(f32x4.sub(f32x4.splat(most), v128.load(logits + at)))
    v128.store(deltas + at, e)
    for (let lane: i32 = 0; lane < min(4, n - row); lane++)
      sum += <f64>load<f32>(deltas + at + ((<usize>lane) << 2))
  }
  const mean = meanWeight(clicks, n, clicked, weights, clickMean)
  const share = <f32>(1 / sum) * <f32>mean
  const target: f32 = 1 / <f32>clicked
  let loss: f64 = 0
  for (let row: i32 = 0; row < n; row++) {
    const at = deltas + ((<usize>row) << 2)
    let value = load<f32>(at) * share
    if (load<u8>(clicks + <usize>row) != 0) {
      const weight = weightOf(weights, row, clickMean)
      value -= target * weight
      loss += <f64>(most - load<f32>(logits + ((<usize>row) << 2))) * <f64>weight
    }
    store<f32>(at, value)
  }
  return loss / <f64>clicked + log(<f32>sum) * mean
}

/** Of the clicked rows; exactly 1 if all weights are. */
function meanWeight(clicks: usize, n: i32, clicked: i32, weights: usize, clickMean: f32): f64 {
  if (!weights) return 1
  let sum: f64 = 0
  for (let row: i32 = 0; row < n; row++)
    if (load<u8>(clicks + <usize>row) != 0) sum += <f64>weightOf(weights, row, clickMean)
  return sum / <f64>clicked
}

/**
 * The natural logarithm of x ≥ 1, as precise as `log1p`. That of the standard library has a table, and the
 * memory of the kernels is not theirs to put it in.
 */
function log(x: f32): f64 {
  const bits = reinterpret<u32>(x)
  const exponent = <i32>(bits >> 23) - 127
  const fraction = reinterpret<f32>((bits & 0x7fffff) | 0x3f800000) - 1 // 0 … 1
  return <f64>exponent * 0.6931471805599453 + <f64>f32x4.extract_lane(log1p(f32x4.splat(fraction)), 0)
}

/**
 * Adds share · scale · d(binary cross-entropy)/d(logit) to delta; returns share · its sum. Compiled for
 * weights of f32 and for none (void).
 */
function addLogistic<Weight>(
  logits: usize,
  clicks: usize,
  n: i32,
  delta: usize,
  scale: f32,
  share: f32,
  weights: usize,
  mean: f32,
): f64 {
  let loss: f64 = 0
  const one = f32x4.splat(1)
  for (let row: i32 = 0; row < n; row++) {
    const at = (<usize>row) << 2
    const z = load<f32>(logits + at)
    const y = <f32>load<u8>(clicks + <usize>row)
    const e4 = expNegative(f32x4.splat(abs(z)))
    const e = f32x4.extract_lane(e4, 0)
    const p: f32 = z >= 0 ? 1 / (1 + e) : e / (1 + e)
    let l: f32 = max<f32>(z, 0) - y * z + f32x4.extract_lane(log1p(f32x4.min(e4, one)), 0)
    let d: f32 = share * scale * (p - y)
    if (isFloat<Weight>()) {
      const w = load<f32>(weights + at) / mean
      l *= w
      d *= w
    }
    loss += <f64>l
    store<f32>(delta + at, load<f32>(delta + at) + d)
  }
  return <f64>share * loss
}
