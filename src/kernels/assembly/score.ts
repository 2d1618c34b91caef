import { touch } from './gather'
import { madd, sumLanes } from './madd'

const AHEAD: i32 = 16 // rows whose parts are fetched together; a multiple of 4

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

/**
 * out[i] = bias + Σ_j relu(users[codes[i·ldc], j] + parts[rows[i], j] + (X·W)[i, j])·wOut[j] for `count`
 * rows: `scoreRows` with inputs X [count, p] of each row's own, row stride ldx, through W [p, n], and with
 * one of several parts of a user, users [·, n], by a code (u32, ldc words apart). NaN in h stays NaN. n a
 * multiple of 8; p and ldc may be 0.
 */
export function scorePairs(
  out: usize,
  rows: usize,
  count: i32,
  parts: usize,
  ldp: usize,
  x: usize,
  ldx: usize,
  w: usize,
  p: i32,
  users: usize,
  codes: usize,
  ldc: usize,
  wOut: usize,
  bias: f32,
  n: i32,
): void {
  const bytes = (<usize>n) << 2
  const pm = ldp << 2
  const xm = ldx << 2
  const cm = ldc << 2
  const zero = f32x4.splat(0)
  // Four rows at a time, so that a weight is loaded once for them. Of the last four some may be one row,
  // computed again.
  for (let i: i32 = 0; i < count; i += 4) {
    if ((i & (AHEAD - 1)) == 0) touch(rows + ((<usize>i) << 2), min(AHEAD, count - i), parts, pm, bytes)
    const last = count - 1
    const i0 = <usize>i
    const i1 = <usize>min(i + 1, last)
    const i2 = <usize>min(i + 2, last)
    const i3 = <usize>min(i + 3, last)
    const part0 = parts + <usize>load<u32>(rows + (i0 << 2)) * pm
    const part1 = parts + <usize>load<u32>(rows + (i1 << 2)) * pm
    const part2 = parts + <usize>load<u32>(rows + (i2 << 2)) * pm
    const part3 = parts + <usize>load<u32>(rows + (i3 << 2)) * pm
    const user0 = users + <usize>load<u32>(codes + i0 * cm) * bytes
    const user1 = users + <usize>load<u32>(codes + i1 * cm) * bytes
    const user2 = users + <usize>load<u32>(codes + i2 * cm) * bytes
    const user3 = users + <usize>load<u32>(codes + i3 * cm) * bytes
    const x0 = x + i0 * xm
    const x1 = x + i1 * xm
    const x2 = x + i2 * xm
    const x3 = x + i3 * xm
    let z0 = zero
    let z1 = zero
    let z2 = zero
    let z3 = zero
    for (let at: usize = 0; at < bytes; at += 32) {
      let a0 = f32x4.add(v128.load(user0 + at), v128.load(part0 + at))
      let a1 = f32x4.add(v128.load(user0 + at, 16), v128.load(part0 + at, 16))
      let b0 = f32x4.add(v128.load(user1 + at), v128.load(part1 + at))
      let b1 = f32x4.add(v128.load(user1 + at, 16), v128.load(part1 + at, 16))
      let c0 = f32x4.add(v128.load(user2 + at), v128.load(part2 + at))
      let c1 = f32x4.add(v128.load(user2 + at, 16), v128.load(part2 + at, 16))
      let d0 = f32x4.add(v128.load(user3 + at), v128.load(part3 + at))
      let d1 = f32x4.add(v128.load(user3 + at, 16), v128.load(part3 + at, 16))
      let from = w + at
      for (let k: usize = 0; k < (<usize>p) << 2; k += 4) {
        const w0 = v128.load(from)
        const w1 = v128.load(from, 16)
        let f = v128.load32_splat(x0 + k)
        a0 = madd(f, w0, a0)
        a1 = madd(f, w1, a1)
        f = v128.load32_splat(x1 + k)
        b0 = madd(f, w0, b0)
        b1 = madd(f, w1, b1)
        f = v128.load32_splat(x2 + k)
        c0 = madd(f, w0, c0)
        c1 = madd(f, w1, c1)
        f = v128.load32_splat(x3 + k)
        d0 = madd(f, w0, d0)
        d1 = madd(f, w1, d1)
        from += bytes
      }
      const o0 = v128.load(wOut + at)
      const o1 = v128.load(wOut + at, 16)
      z0 = madd(v128.andnot(a1, f32x4.le(a1, zero)), o1, madd(v128.andnot(a0, f32x4.le(a0, zero)), o0, z0))
      z1 = madd(v128.andnot(b1, f32x4.le(b1, zero)), o1, madd(v128.andnot(b0, f32x4.le(b0, zero)), o0, z1))
      z2 = madd(v128.andnot(c1, f32x4.le(c1, zero)), o1, madd(v128.andnot(c0, f32x4.le(c0, zero)), o0, z2))
      z3 = madd(v128.andnot(d1, f32x4.le(d1, zero)), o1, madd(v128.andnot(d0, f32x4.le(d0, zero)), o0, z3))
    }
    store<f32>(out + (i0 << 2), bias + sumLanes(z0))
    store<f32>(out + (i1 << 2), bias + sumLanes(z1))
    store<f32>(out + (i2 << 2), bias + sumLanes(z2))
    store<f32>(out + (i3 << 2), bias + sumLanes(z3))
  }
}
