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
 * `scratch`: twice the bytes of the longest group's logits, and 64 more.
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
): void {
  let lossSum: f64 = 0
  let correct: i32 = 0
  for (let start: i32 = 0; start < rows; ) {
    const group = load<u32>(groups)
    let n: i32 = 1
    while (start + n < rows && load<u32>(groups + ((<usize>n) << 2)) == group) n++
    const bytes = (<usize>n) << 2
    const stride = (bytes + 31) & ~15
    lossSum += oneGroup(kind, logits, clicks, n, scratch, stride, k, weight)
    const factor = scale * <f32>n
    for (let at: usize = 0; at < bytes; at += 4) store<f32>(delta + at, load<f32>(scratch + at) * factor)
    if (kind == LOGISTIC_PAIRWISE) lossSum += addLogistic(logits, clicks, n, delta, scale, 1 - weight)
    for (let row: i32 = 0; row < n; row++) {
      const isPositive = load<f32>(logits + ((<usize>row) << 2)) > 0
      if (isPositive == (load<u8>(clicks + <usize>row) != 0)) correct++
    }
    start += n
    logits += bytes
    groups += bytes
    delta += bytes
    clicks += <usize>n
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
): f64 {
  memory.fill(scratch, 0, stride)
  let clicked: i32 = 0
  for (let row: i32 = 0; row < n; row++) clicked += <i32>load<u8>(clicks + <usize>row)
  if (clicked == 0 || clicked == n) return 0
  if (kind == SOFTMAX) return <f64>n * softmax(logits, clicks, n, scratch, clicked)
  let share: f32 = 1 / (<f32>clicked * <f32>(n - clicked))
  let discounts: usize = 0
  if (kind == LAMBDARANK) {
    discounts = scratch + stride
    share = <f32>(1 / writeDiscounts(logits, n, discounts, k, clicked))
  }
  if (kind == LOGISTIC_PAIRWISE) share *= weight
  let loss: f64 = 0
  for (let row: i32 = 0; row < n; row++)
    if (load<u8>(clicks + <usize>row) != 0) loss += pairsOf(row, logits, clicks, n, scratch, discounts, share)
  return <f64>n * loss
}

/** All pairs of the clicked row `own`, each times `share`, and with discounts times their difference. */
function pairsOf(
  own: i32,
  logits: usize,
  clicks: usize,
  n: i32,
  deltas: usize,
  discounts: usize,
  share: f32,
): f64 {
  const at = (<usize>own) << 2
  const z = v128.load32_splat(logits + at)
  const discount = discounts ? v128.load32_splat(discounts + at) : f32x4.splat(0)
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
    let w = v128.and(all, others(clicks + <usize>row, n - row))
    if (discounts) w = f32x4.mul(w, f32x4.abs(f32x4.sub(discount, v128.load(discounts + there))))
    const step = v128.and(f32x4.mul(w, p), f32x4.gt(w, zero)) // not NaN beyond the group's end
    const terms = f32x4.mul(w, f32x4.add(f32x4.max(f32x4.neg(difference), zero), log1p(e)))
    loss = f32x4.add(loss, v128.and(terms, f32x4.gt(w, zero)))
    sum = f32x4.add(sum, step)
    v128.store(deltas + there, f32x4.add(v128.load(deltas + there), step))
  }
  store<f32>(deltas + at, load<f32>(deltas + at) - sumLanes(sum))
  return <f64>sumLanes(loss)
}

/** All bits of the lanes whose rows are in the group (`left` of them) and not clicked. */
function others(clicks: usize, left: i32): v128 {
  const bytes = v128.load32_zero(clicks)
  const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes))
  const none = i32x4.eq(words, i32x4.splat(0))
  return v128.and(none, i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3)))
}

/**
 * discounts [n]: 1 / log2(1 + rank) of each row by its logit, the first of equal ones before the others; 0
 * beyond rank k. Returns the best sum that `clicked` rows can have.
 */
function writeDiscounts(logits: usize, n: i32, discounts: usize, k: i32, clicked: i32): f64 {
  const lanes = i32x4(0, 1, 2, 3)
  for (let own: i32 = 0; own < n; own++) {
    const z = v128.load32_splat(logits + ((<usize>own) << 2))
    let before = i32x4.splat(0)
    for (let row: i32 = 0; row < n; row += 4) {
      const other = v128.load(logits + ((<usize>row) << 2))
      const index = i32x4.add(lanes, i32x4.splat(row))
      const isEarlier = v128.and(f32x4.eq(other, z), i32x4.lt_s(index, i32x4.splat(own)))
      const isBetter = v128.or(f32x4.gt(other, z), isEarlier)
      before = i32x4.sub(before, v128.and(isBetter, i32x4.lt_s(index, i32x4.splat(n))))
    }
    const rank =
      i32x4.extract_lane(before, 0) +
      i32x4.extract_lane(before, 1) +
      i32x4.extract_lane(before, 2) +
      i32x4.extract_lane(before, 3) // from 0
    store<f32>(discounts + ((<usize>own) << 2), rank < k ? <f32>discountOf(rank) : 0)
  }
  let best: f64 = 0
  for (let rank: i32 = 0; rank < min(clicked, k); rank++) best += discountOf(rank)
  return best
}

function discountOf(rank: i32): f64 {
  return 0.6931471805599453 / log(<f32>(rank + 2))
}

/** The same as `oneGroup`, of the softmax over the group; returns the loss once. */
function softmax(logits: usize, clicks: usize, n: i32, deltas: usize, clicked: i32): f64 {
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
  const share = <f32>(1 / sum)
  const target: f32 = 1 / <f32>clicked
  let loss: f64 = 0
  for (let row: i32 = 0; row < n; row++) {
    const at = deltas + ((<usize>row) << 2)
    let value = load<f32>(at) * share
    if (load<u8>(clicks + <usize>row) != 0) {
      value -= target
      loss += <f64>(most - load<f32>(logits + ((<usize>row) << 2)))
    }
    store<f32>(at, value)
  }
  return loss / <f64>clicked + log(<f32>sum)
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

/** Adds share · scale · d(binary cross-entropy)/d(logit) to delta; returns share · its sum. */
function addLogistic(logits: usize, clicks: usize, n: i32, delta: usize, scale: f32, share: f32): f64 {
  let loss: f64 = 0
  const one = f32x4.splat(1)
  for (let row: i32 = 0; row < n; row++) {
    const at = (<usize>row) << 2
    const z = load<f32>(logits + at)
    const y = <f32>load<u8>(clicks + <usize>row)
    const e4 = expNegative(f32x4.splat(abs(z)))
    const e = f32x4.extract_lane(e4, 0)
    const p: f32 = z >= 0 ? 1 / (1 + e) : e / (1 + e)
    loss += <f64>(max<f32>(z, 0) - y * z + f32x4.extract_lane(log1p(f32x4.min(e4, one)), 0))
    store<f32>(delta + at, load<f32>(delta + at) + share * scale * (p - y))
  }
  return <f64>share * loss
}
