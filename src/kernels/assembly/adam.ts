/**
 * One Adam step on `count` parameters (a multiple of 4): m, v the moments,
 * stepSize = learningRate/(1 − β1^t), vScale = 1/√(1 − β2^t), decay = 1 − learningRate·weightDecay (AdamW; 1: none).
 * p ← p·decay − stepSize·m / (√v·vScale + ε).
 * Returns which of them hold NaN or infinity: 1 gradient, 2 moments, 4 parameters, or a sum of these; 0: all are finite.
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
  const b1 = f32x4.splat(beta1)
  const b2 = f32x4.splat(beta2)
  const c1 = f32x4.splat(<f32>1 - beta1)
  const c2 = f32x4.splat(<f32>1 - beta2)
  const step = f32x4.splat(stepSize)
  const scale = f32x4.splat(vScale)
  const eps = f32x4.splat(epsilon)
  const keep = f32x4.splat(decay)
  // x − x is 0 for a finite x and NaN for any other, and NaN stays in a sum.
  let badGradient = f32x4.splat(0)
  let badMoment = badGradient
  let badParameter = badGradient
  const end = p + ((<usize>count) << 2)
  while (p < end) {
    const gradient = v128.load(g)
    const m1 = f32x4.add(f32x4.mul(b1, v128.load(m)), f32x4.mul(c1, gradient))
    const v1 = f32x4.add(f32x4.mul(b2, v128.load(v)), f32x4.mul(c2, f32x4.mul(gradient, gradient)))
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v1), scale), eps)
    const p1 = f32x4.sub(f32x4.mul(v128.load(p), keep), f32x4.div(f32x4.mul(step, m1), denominator))
    v128.store(m, m1)
    v128.store(v, v1)
    v128.store(p, p1)
    badGradient = f32x4.add(badGradient, f32x4.sub(gradient, gradient))
    badMoment = f32x4.add(badMoment, f32x4.add(f32x4.sub(m1, m1), f32x4.sub(v1, v1)))
    badParameter = f32x4.add(badParameter, f32x4.sub(p1, p1))
    p += 16
    g += 16
    m += 16
    v += 16
  }
  return notZero(badGradient) | (notZero(badMoment) << 1) | (notZero(badParameter) << 2)
}

function notZero(v: v128): i32 {
  return <i32>v128.any_true(f32x4.ne(v, f32x4.splat(0)))
}
