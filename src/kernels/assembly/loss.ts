import { sumLanes } from './madd'

/**
 * Binary cross-entropy of `rows` rows from their logits: delta = (sigmoid(z) − y)·scale, and into `stats`
 * (added): the summed loss (f64), the summed delta (f64), the number of rows whose z > 0 agrees with the
 * click (f64). z4 [rowsPadded, 4] partial sums, clicks [rows] u8, delta [rowsPadded], rowsPadded = rows
 * rounded up to 4 at least; deltas past `rows` become 0.
 */
export function loss(
  z4: usize,
  bias: f32,
  clicks: usize,
  delta: usize,
  rows: i32,
  rowsPadded: i32,
  scale: f32,
  stats: usize,
): void {
  entropies<void>(z4, bias, clicks, delta, rows, rowsPadded, scale, stats, 0, 1)
}

/**
 * The same of rows that count differently: delta and loss of each are multiplied by its weight / mean;
 * weights [rows, rounded up to 4] f32. Weights of 1 / p, with p the probability that a row is there to be
 * learned from, make the sums those of all rows (Horvitz and Thompson, A Generalization of Sampling Without
 * Replacement from a Finite Universe, JASA 1952).
 */
export function weightedLoss(
  z4: usize,
  bias: f32,
  clicks: usize,
  delta: usize,
  rows: i32,
  rowsPadded: i32,
  scale: f32,
  stats: usize,
  weights: usize,
  mean: f32,
): void {
  entropies<f32>(z4, bias, clicks, delta, rows, rowsPadded, scale, stats, weights, mean)
}

// Compiled for weights of f32 and for none (void), so that rows without any do not pay for those of others.
function entropies<Weight>(
  z4: usize,
  bias: f32,
  clicks: usize,
  delta: usize,
  rows: i32,
  rowsPadded: i32,
  scale: f32,
  stats: usize,
  weights: usize,
  mean: f32,
): void {
  let lossSum: f64 = 0
  let deltaSum: f64 = 0
  let correct: i32 = 0
  const one = f32x4.splat(1)
  for (let row: i32 = 0; row < rows; row += 4) {
    const z = logits4(z4 + ((<usize>row) << 4), bias)
    let y = f32x4.splat(0)
    const left = rows - row
    y = f32x4.replace_lane(y, 0, <f32>load<u8>(clicks))
    if (left > 1) y = f32x4.replace_lane(y, 1, <f32>load<u8>(clicks, 1))
    if (left > 2) y = f32x4.replace_lane(y, 2, <f32>load<u8>(clicks, 2))
    if (left > 3) y = f32x4.replace_lane(y, 3, <f32>load<u8>(clicks, 3))
    clicks += 4
    const e = expNegative(f32x4.abs(z)) // exp(−|z|), in (0, 1]
    const inverse = f32x4.div(one, f32x4.add(one, e))
    const positive = f32x4.ge(z, f32x4.splat(0))
    const p = v128.bitselect(inverse, f32x4.mul(e, inverse), positive)
    let d = f32x4.mul(f32x4.sub(p, y), f32x4.splat(scale))
    // softplus(z) − y·z, with softplus(z) = max(z, 0) + log(1 + exp(−|z|)). NaN must survive: max would do,
    // pmax would not.
    let l = f32x4.add(f32x4.sub(f32x4.max(z, f32x4.splat(0)), f32x4.mul(y, z)), log1p(e))
    if (isFloat<Weight>()) {
      const w = f32x4.div(v128.load(weights + ((<usize>row) << 2)), f32x4.splat(mean))
      d = f32x4.mul(d, w)
      l = f32x4.mul(l, w)
    }
    let right = v128.not(v128.xor(f32x4.gt(z, f32x4.splat(0)), f32x4.gt(y, f32x4.splat(0.5))))
    if (left < 4) {
      const inside = i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3))
      d = v128.and(d, inside)
      l = v128.and(l, inside)
      right = v128.and(right, inside)
    }
    v128.store(delta + ((<usize>row) << 2), d)
    lossSum +=
      <f64>f32x4.extract_lane(l, 0) +
      <f64>f32x4.extract_lane(l, 1) +
      <f64>f32x4.extract_lane(l, 2) +
      <f64>f32x4.extract_lane(l, 3)
    deltaSum +=
      <f64>f32x4.extract_lane(d, 0) +
      <f64>f32x4.extract_lane(d, 1) +
      <f64>f32x4.extract_lane(d, 2) +
      <f64>f32x4.extract_lane(d, 3)
    correct += popcnt<i32>(i32x4.bitmask(right))
  }
  for (let row = (rows + 3) & ~3; row < rowsPadded; row++) store<f32>(delta + ((<usize>row) << 2), 0)
  store<f64>(stats, load<f64>(stats) + lossSum)
  store<f64>(stats, load<f64>(stats, 8) + deltaSum, 8)
  store<f64>(stats, load<f64>(stats, 16) + <f64>correct, 16)
}

/** out[row] = the logit, from partial sums z4 [rows, 4] and the output's bias. */
export function logits(z4: usize, bias: f32, out: usize, rows: i32): void {
  for (let row: i32 = 0; row < rows; row++)
    store<f32>(out + ((<usize>row) << 2), sumLanes(v128.load(z4 + ((<usize>row) << 4))) + bias)
}

function logits4(z4: usize, bias: f32): v128 {
  let z = f32x4.splat(sumLanes(v128.load(z4)))
  z = f32x4.replace_lane(z, 1, sumLanes(v128.load(z4, 16)))
  z = f32x4.replace_lane(z, 2, sumLanes(v128.load(z4, 32)))
  z = f32x4.replace_lane(z, 3, sumLanes(v128.load(z4, 48)))
  return f32x4.add(z, f32x4.splat(bias))
}

/**
 * exp(−t) for t ≥ 0 in four lanes; relative error < 3e-7, and exp(−87.3) = 1.2e-38 from t = 87.3 on. NaN
 * stays NaN.
 */
export function expNegative(t: v128): v128 {
  const inRange = f32x4.min(t, f32x4.splat(87.3))
  // exp(−t) = 2^n · exp(r), n an integer, |r| ≤ ln 2 / 2; ln 2 in two parts keeps r exact.
  const n = f32x4.nearest(f32x4.mul(inRange, f32x4.splat(-1.4426950408889634)))
  let r = f32x4.sub(f32x4.neg(inRange), f32x4.mul(n, f32x4.splat(0.693145751953125)))
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(1.428606765330187e-6)))
  // Taylor to r^7: the next term is below 1e-8 at |r| = 0.347.
  let e = f32x4.splat(1.984126984126984e-4)
  e = f32x4.add(f32x4.mul(e, r), f32x4.splat(1.388888888888889e-3))
  e = f32x4.add(f32x4.mul(e, r), f32x4.splat(8.333333333333333e-3))
  e = f32x4.add(f32x4.mul(e, r), f32x4.splat(4.1666666666666664e-2))
  e = f32x4.add(f32x4.mul(e, r), f32x4.splat(0.16666666666666666))
  e = f32x4.add(f32x4.mul(e, r), f32x4.splat(0.5))
  e = f32x4.add(f32x4.mul(e, r), f32x4.splat(1))
  e = f32x4.add(f32x4.mul(e, r), f32x4.splat(1))
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return f32x4.mul(e, power)
}

/** log(1 + e) for 0 ≤ e ≤ 1 in four lanes: 2·atanh(e / (2 + e)) as a series; the next term is below 1e-8. */
export function log1p(e: v128): v128 {
  const s = f32x4.div(e, f32x4.add(f32x4.splat(2), e))
  const q = f32x4.mul(s, s)
  let sum = f32x4.splat(0.15384615384615385)
  sum = f32x4.add(f32x4.mul(sum, q), f32x4.splat(0.18181818181818182))
  sum = f32x4.add(f32x4.mul(sum, q), f32x4.splat(0.2222222222222222))
  sum = f32x4.add(f32x4.mul(sum, q), f32x4.splat(0.2857142857142857))
  sum = f32x4.add(f32x4.mul(sum, q), f32x4.splat(0.4))
  sum = f32x4.add(f32x4.mul(sum, q), f32x4.splat(0.6666666666666666))
  sum = f32x4.add(f32x4.mul(sum, q), f32x4.splat(2))
  return f32x4.mul(s, sum)
}
