// Moments below these are taken for 0, and the square of a gradient below the third. A unit that no row
// reaches any more has gradient 0; its moments would fade into subnormal numbers and stay there, with which
// an x86 core computes far slower (a fifth of the time of a long run). With ε 1e-8, m below 1e-30 moves a
// parameter by less than 1e-22 learning rates, and √v below 1e-18 is nothing beside ε.
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
 * first ones. g [count, width], in the order of the list.
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
  // x − x is 0 for a finite x and NaN for any other, and NaN stays in a sum.
  let badGradient = f32x4.splat(0)
  let badMoment = badGradient
  let badParameter = badGradient
  const bytes = (<usize>width) << 2
  for (let k: u32 = 0; k < count; k++) {
    let at = (rows == 0 ? <usize>k : <usize>load<u32>(rows + ((<usize>k) << 2))) * bytes
    const end = at + bytes
    while (at < end) {
      const gradient = v128.load(g)
      const squared = flush(gradient, squaredMin)
      const m1 = flush(f32x4.add(f32x4.mul(b1, v128.load(m + at)), f32x4.mul(c1, gradient)), mMin)
      const v0 = f32x4.mul(b2, v128.load(v + at))
      const v1 = flush(f32x4.add(v0, f32x4.mul(c2, f32x4.mul(squared, squared))), vMin)
      const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v1), scale), eps)
      const change = f32x4.div(f32x4.mul(step, m1), denominator)
      const p1 = f32x4.sub(f32x4.mul(v128.load(p + at), keep), change)
      v128.store(m + at, m1)
      v128.store(v + at, v1)
      v128.store(p + at, p1)
      badGradient = f32x4.add(badGradient, f32x4.sub(gradient, gradient))
      badMoment = f32x4.add(badMoment, f32x4.add(f32x4.sub(m1, m1), f32x4.sub(v1, v1)))
      badParameter = f32x4.add(badParameter, f32x4.sub(p1, p1))
      g += 16
      at += 16
    }
  }
  return notZero(badGradient) | (notZero(badMoment) << 1) | (notZero(badParameter) << 2)
}

/** Zero where |x| < limit; NaN stays. */
function flush(x: v128, limit: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), limit))
}

function notZero(v: v128): i32 {
  return <i32>v128.any_true(f32x4.ne(v, f32x4.splat(0)))
}
