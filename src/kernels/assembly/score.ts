import { touch } from './gather'
import { madd, sumLanes } from './madd'

const AHEAD: i32 = 16 // rows whose parts are fetched together

/**
 * out[0 … n) = init + x·W: one row x [p] through W [p, n] with row stride ldw. n a multiple of 8, strides in
 * floats.
 */
export function rowProduct(out: usize, x: usize, w: usize, ldw: usize, init: usize, n: i32, p: i32): void {
  const step = ldw << 2
  const bytes = (<usize>n) << 2
  for (let at: usize = 0; at < bytes; at += 32) {
    let sum0 = v128.load(init + at)
    let sum1 = v128.load(init + at, 16)
    let from = w + at
    for (let k: i32 = 0; k < p; k++) {
      const f = v128.load32_splat(x + ((<usize>k) << 2))
      sum0 = madd(f, v128.load(from), sum0)
      sum1 = madd(f, v128.load(from, 16), sum1)
      from += step
    }
    v128.store(out + at, sum0)
    v128.store(out + at, sum1, 16)
  }
}

/**
 * out[i] = bias + Σ_j relu(user[j] + parts[rows[i], j])·wOut[j] for `count` rows (u32) of parts [·, n] with
 * row stride ldp: the logits of one user with many restaurants. NaN in h stays NaN. n a multiple of 8.
 */
export function scoreRows(
  out: usize,
  rows: usize,
  count: i32,
  parts: usize,
  ldp: usize,
  user: usize,
  wOut: usize,
  bias: f32,
  n: i32,
): void {
  const bytes = (<usize>n) << 2
  const zero = f32x4.splat(0)
  for (let i: i32 = 0; i < count; i++) {
    if ((i & (AHEAD - 1)) == 0) touch(rows + ((<usize>i) << 2), min(AHEAD, count - i), parts, ldp << 2, bytes)
    const part = parts + ((<usize>load<u32>(rows + ((<usize>i) << 2)) * ldp) << 2)
    let sum0 = zero
    let sum1 = zero
    for (let at: usize = 0; at < bytes; at += 32) {
      const h0 = f32x4.add(v128.load(user + at), v128.load(part + at))
      const h1 = f32x4.add(v128.load(user + at, 16), v128.load(part + at, 16))
      sum0 = madd(v128.andnot(h0, f32x4.le(h0, zero)), v128.load(wOut + at), sum0)
      sum1 = madd(v128.andnot(h1, f32x4.le(h1, zero)), v128.load(wOut + at, 16), sum1)
    }
    store<f32>(out + ((<usize>i) << 2), bias + sumLanes(f32x4.add(sum0, sum1)))
  }
}
