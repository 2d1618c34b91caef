import { madd } from './madd'

// A register tile is 6 rows × 8 columns: 12 accumulators, 2 vectors of B and 1 splat of A fill the 15
// registers that V8 hands out on x86-64. Unrolling the inner loop made it slower. What six cannot divide is
// done by fours.

/**
 * One register tile: C = init + A·B over P inner steps; strides in bytes. A's rows are `am` apart and its
 * inner steps `ap`, so a transposed A costs nothing; init's rows are `im` apart (0: one row for all).
 */
export function tile6(
  c: usize,
  cm: usize,
  a: usize,
  am: usize,
  ap: usize,
  b: usize,
  bp: usize,
  init: usize,
  im: usize,
  P: i32,
): void {
  let i = init
  let c00 = v128.load(i)
  let c01 = v128.load(i, 16)
  i += im
  let c10 = v128.load(i)
  let c11 = v128.load(i, 16)
  i += im
  let c20 = v128.load(i)
  let c21 = v128.load(i, 16)
  i += im
  let c30 = v128.load(i)
  let c31 = v128.load(i, 16)
  i += im
  let c40 = v128.load(i)
  let c41 = v128.load(i, 16)
  i += im
  let c50 = v128.load(i)
  let c51 = v128.load(i, 16)
  while (P > 0) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    let p = a
    const x0 = v128.load32_splat(p)
    c00 = madd(x0, b0, c00)
    c01 = madd(x0, b1, c01)
    p += am
    const x1 = v128.load32_splat(p)
    c10 = madd(x1, b0, c10)
    c11 = madd(x1, b1, c11)
    p += am
    const x2 = v128.load32_splat(p)
    c20 = madd(x2, b0, c20)
    c21 = madd(x2, b1, c21)
    p += am
    const x3 = v128.load32_splat(p)
    c30 = madd(x3, b0, c30)
    c31 = madd(x3, b1, c31)
    p += am
    const x4 = v128.load32_splat(p)
    c40 = madd(x4, b0, c40)
    c41 = madd(x4, b1, c41)
    p += am
    const x5 = v128.load32_splat(p)
    c50 = madd(x5, b0, c50)
    c51 = madd(x5, b1, c51)
    a += ap
    b += bp
    P--
  }
  v128.store(c, c00)
  v128.store(c, c01, 16)
  c += cm
  v128.store(c, c10)
  v128.store(c, c11, 16)
  c += cm
  v128.store(c, c20)
  v128.store(c, c21, 16)
  c += cm
  v128.store(c, c30)
  v128.store(c, c31, 16)
  c += cm
  v128.store(c, c40)
  v128.store(c, c41, 16)
  c += cm
  v128.store(c, c50)
  v128.store(c, c51, 16)
}

export function tile4(
  c: usize,
  cm: usize,
  a: usize,
  am: usize,
  ap: usize,
  b: usize,
  bp: usize,
  init: usize,
  im: usize,
  P: i32,
): void {
  let i = init
  let c00 = v128.load(i)
  let c01 = v128.load(i, 16)
  i += im
  let c10 = v128.load(i)
  let c11 = v128.load(i, 16)
  i += im
  let c20 = v128.load(i)
  let c21 = v128.load(i, 16)
  i += im
  let c30 = v128.load(i)
  let c31 = v128.load(i, 16)
  while (P > 0) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    let p = a
    const x0 = v128.load32_splat(p)
    c00 = madd(x0, b0, c00)
    c01 = madd(x0, b1, c01)
    p += am
    const x1 = v128.load32_splat(p)
    c10 = madd(x1, b0, c10)
    c11 = madd(x1, b1, c11)
    p += am
    const x2 = v128.load32_splat(p)
    c20 = madd(x2, b0, c20)
    c21 = madd(x2, b1, c21)
    p += am
    const x3 = v128.load32_splat(p)
    c30 = madd(x3, b0, c30)
    c31 = madd(x3, b1, c31)
    a += ap
    b += bp
    P--
  }
  v128.store(c, c00)
  v128.store(c, c01, 16)
  c += cm
  v128.store(c, c10)
  v128.store(c, c11, 16)
  c += cm
  v128.store(c, c20)
  v128.store(c, c21, 16)
  c += cm
  v128.store(c, c30)
  v128.store(c, c31, 16)
}
