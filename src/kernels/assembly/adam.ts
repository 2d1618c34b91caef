// Moments below these are taken for 0, and the square of a gradient below the third. A unit that no row
// reaches any more has gradient 0; its moments would fade into subnormal numbers and stay there, with which
// an x86 core computes far slower (a fifth of the time of a long run). With ε 1e-12, the least there is, m
// below 1e-30 moves a parameter by less than 1e-18 learning rates, and √v below 1e-17 is nothing beside ε.
const M_MIN: f32 = 1e-30
const V_MIN: f32 = 1e-36
const SQUARED_MIN: f32 = 1e-17

/**
 * One Adam step on `count` parameters (a multiple of 4): m, v the moments, stepSize = learningRate/(1 −
 * β1^t), vScale = 1/√(1 − β2^t), decay = 1 − learningRate·weightDecay (AdamW; 1: none). p ← p·decay −
 * stepSize·m / (√v·vScale + ε).
 * Returns which of them hold NaN or infinity: 1 gradient, 2 moments, 4 parameters, or a sum of these; 0: all
 * are finite.
 */
export function adam(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  count: i32,
  stepSize: f32,
  vScale: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  decay: f32,
): i32 {
  return adamRows(p, g, m, v, count, 0, 1, stepSize, vScale, beta1, beta2, epsilon, decay)
}

/**
 * The same on `count` rows of p, m, v, each `width` wide: those that `rows` (u32) lists, or, if it is 0, the
 * first ones. g [count, width], in the order of the list. Two vectors at a time, all of them read before any
 * is written, so that V8 may make one of them.
 */
export function adamRows(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  width: i32,
  rows: usize,
  count: u32,
  stepSize: f32,
  vScale: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  decay: f32,
): i32 {
  const b1 = f32x4.splat(beta1)
  const b2 = f32x4.splat(beta2)
  const c1 = f32x4.splat(<f32>1 - beta1)
  const c2 = f32x4.splat(<f32>1 - beta2)
  const step = f32x4.splat(stepSize)
  const scale = f32x4.splat(vScale)
  const eps = f32x4.splat(epsilon)
  const keep = f32x4.splat(decay)
  const mMin = f32x4.splat(M_MIN)
  const vMin = f32x4.splat(V_MIN)
  const squaredMin = f32x4.splat(SQUARED_MIN)
  let bad0 = f32x4.splat(0)
  let bad1 = bad0
  const bytes = (<usize>width) << 2
  const from = g
  for (let k: u32 = 0; k < count; k++) {
    let at = (rows == 0 ? <usize>k : <usize>load<u32>(rows + ((<usize>k) << 2))) * bytes
    const end = at + bytes
    for (; at + 16 < end; at += 32) {
      const g0 = v128.load(g)
      const g1 = v128.load(g, 16)
      const m0 = momentOf(v128.load(m + at), g0, b1, c1, mMin)
      const m1 = momentOf(v128.load(m + at, 16), g1, b1, c1, mMin)
      const v0 = momentOf(v128.load(v + at), squareOf(g0, squaredMin), b2, c2, vMin)
      const v1 = momentOf(v128.load(v + at, 16), squareOf(g1, squaredMin), b2, c2, vMin)
      const p0 = parameterOf(v128.load(p + at), m0, v0, keep, step, scale, eps)
      const p1 = parameterOf(v128.load(p + at, 16), m1, v1, keep, step, scale, eps)
      v128.store(m + at, m0)
      v128.store(m + at, m1, 16)
      v128.store(v + at, v0)
      v128.store(v + at, v1, 16)
      v128.store(p + at, p0)
      v128.store(p + at, p1, 16)
      bad0 = f32x4.add(bad0, zeroIfFinite(m0, v0, p0))
      bad1 = f32x4.add(bad1, zeroIfFinite(m1, v1, p1))
      g += 32
    }
    if (at < end) {
      const g0 = v128.load(g)
      const m0 = momentOf(v128.load(m + at), g0, b1, c1, mMin)
      const v0 = momentOf(v128.load(v + at), squareOf(g0, squaredMin), b2, c2, vMin)
      const p0 = parameterOf(v128.load(p + at), m0, v0, keep, step, scale, eps)
      v128.store(m + at, m0)
      v128.store(v + at, v0)
      v128.store(p + at, p0)
      bad0 = f32x4.add(bad0, zeroIfFinite(m0, v0, p0))
      g += 16
    }
  }
  if (!notZero(f32x4.add(bad0, bad1))) return 0
  return kindsOf(p, from, m, v, bytes, rows, count)
}

/** beta·old + rest·value, or 0 if that is too small. */
function momentOf(old: v128, value: v128, beta: v128, rest: v128, least: v128): v128 {
  return flush(f32x4.add(f32x4.mul(beta, old), f32x4.mul(rest, value)), least)
}

function squareOf(gradient: v128, least: v128): v128 {
  const squared = flush(gradient, least)
  return f32x4.mul(squared, squared)
}

function parameterOf(old: v128, m: v128, v: v128, keep: v128, step: v128, scale: v128, eps: v128): v128 {
  const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v), scale), eps)
  return f32x4.sub(f32x4.mul(old, keep), f32x4.div(f32x4.mul(step, m), denominator))
}
/**
 * x − x is 0 for a finite x and NaN for any other, and NaN stays in a sum. A gradient that is not finite
 * makes such a moment. The sum of three finite numbers may be infinite: then nothing is found to be wrong.
 */
function zeroIfFinite(m: v128, v: v128, p: v128): v128 {
  const sum = f32x4.add(f32x4.add(m, v), p)
  return f32x4.sub(sum, sum)
}

/** What `adam` returns, from what it has left. */
function kindsOf(p: usize, g: usize, m: usize, v: usize, bytes: usize, rows: usize, count: u32): i32 {
  let bad: i32 = 0
  for (let k: u32 = 0; k < count; k++) {
    let at = (rows == 0 ? <usize>k : <usize>load<u32>(rows + ((<usize>k) << 2))) * bytes
    for (const end = at + bytes; at < end; at += 16) {
      bad |= isBad(v128.load(g))
      bad |= (isBad(v128.load(m + at)) | isBad(v128.load(v + at))) << 1
      bad |= isBad(v128.load(p + at)) << 2
      g += 16
    }
  }
  return bad
}

function isBad(x: v128): i32 {
  return notZero(f32x4.sub(x, x))
}

/** Zero where |x| < limit; NaN stays. */
function flush(x: v128, limit: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), limit))
}

function notZero(v: v128): i32 {
  return <i32>v128.any_true(f32x4.ne(v, f32x4.splat(0)))
}
