import { madd } from './madd'

// The tiles of the wide kernels: twice as many columns as those of tile.ts. They pay where V8's revectorizer
// joins neighbouring vectors: a row of four is then two registers of 256 bits, and 24 accumulators are the
// same twelve registers. Without it, they do not fit the registers: a fifth slower than tile.ts. The sums are
// the same, in the same order.

/** As tile6, with 16 columns. */
// biome-ignore format: a line for each row of the tile
export function wide6(c: usize, cm: usize, a: usize, am: usize, ap: usize, b: usize, bp: usize, init: usize, im: usize, P: i32): void {
  let i = init
  let c00 = v128.load(i), c01 = v128.load(i, 16), c02 = v128.load(i, 32), c03 = v128.load(i, 48)
  i += im
  let c10 = v128.load(i), c11 = v128.load(i, 16), c12 = v128.load(i, 32), c13 = v128.load(i, 48)
  i += im
  let c20 = v128.load(i), c21 = v128.load(i, 16), c22 = v128.load(i, 32), c23 = v128.load(i, 48)
  i += im
  let c30 = v128.load(i), c31 = v128.load(i, 16), c32 = v128.load(i, 32), c33 = v128.load(i, 48)
  i += im
  let c40 = v128.load(i), c41 = v128.load(i, 16), c42 = v128.load(i, 32), c43 = v128.load(i, 48)
  i += im
  let c50 = v128.load(i), c51 = v128.load(i, 16), c52 = v128.load(i, 32), c53 = v128.load(i, 48)
  while (P > 0) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    let p = a
    const x0 = v128.load32_splat(p)
    c00 = madd(x0, b0, c00); c01 = madd(x0, b1, c01); c02 = madd(x0, b2, c02); c03 = madd(x0, b3, c03)
    p += am
    const x1 = v128.load32_splat(p)
    c10 = madd(x1, b0, c10); c11 = madd(x1, b1, c11); c12 = madd(x1, b2, c12); c13 = madd(x1, b3, c13)
    p += am
    const x2 = v128.load32_splat(p)
    c20 = madd(x2, b0, c20); c21 = madd(x2, b1, c21); c22 = madd(x2, b2, c22); c23 = madd(x2, b3, c23)
    p += am
    const x3 = v128.load32_splat(p)
    c30 = madd(x3, b0, c30); c31 = madd(x3, b1, c31); c32 = madd(x3, b2, c32); c33 = madd(x3, b3, c33)
    p += am
    const x4 = v128.load32_splat(p)
    c40 = madd(x4, b0, c40); c41 = madd(x4, b1, c41); c42 = madd(x4, b2, c42); c43 = madd(x4, b3, c43)
    p += am
    const x5 = v128.load32_splat(p)
    c50 = madd(x5, b0, c50); c51 = madd(x5, b1, c51); c52 = madd(x5, b2, c52); c53 = madd(x5, b3, c53)
    a += ap
    b += bp
    P--
  }
  v128.store(c, c00); v128.store(c, c01, 16); v128.store(c, c02, 32); v128.store(c, c03, 48)
  c += cm
  v128.store(c, c10); v128.store(c, c11, 16); v128.store(c, c12, 32); v128.store(c, c13, 48)
  c += cm
  v128.store(c, c20); v128.store(c, c21, 16); v128.store(c, c22, 32); v128.store(c, c23, 48)
  c += cm
  v128.store(c, c30); v128.store(c, c31, 16); v128.store(c, c32, 32); v128.store(c, c33, 48)
  c += cm
  v128.store(c, c40); v128.store(c, c41, 16); v128.store(c, c42, 32); v128.store(c, c43, 48)
  c += cm
  v128.store(c, c50); v128.store(c, c51, 16); v128.store(c, c52, 32); v128.store(c, c53, 48)
}

/** As tile4, with 16 columns. */
// biome-ignore format: a line for each row of the tile
export function wide4(c: usize, cm: usize, a: usize, am: usize, ap: usize, b: usize, bp: usize, init: usize, im: usize, P: i32): void {
  let i = init
  let c00 = v128.load(i), c01 = v128.load(i, 16), c02 = v128.load(i, 32), c03 = v128.load(i, 48)
  i += im
  let c10 = v128.load(i), c11 = v128.load(i, 16), c12 = v128.load(i, 32), c13 = v128.load(i, 48)
  i += im
  let c20 = v128.load(i), c21 = v128.load(i, 16), c22 = v128.load(i, 32), c23 = v128.load(i, 48)
  i += im
  let c30 = v128.load(i), c31 = v128.load(i, 16), c32 = v128.load(i, 32), c33 = v128.load(i, 48)
  while (P > 0) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    let p = a
    const x0 = v128.load32_splat(p)
    c00 = madd(x0, b0, c00); c01 = madd(x0, b1, c01); c02 = madd(x0, b2, c02); c03 = madd(x0, b3, c03)
    p += am
    const x1 = v128.load32_splat(p)
    c10 = madd(x1, b0, c10); c11 = madd(x1, b1, c11); c12 = madd(x1, b2, c12); c13 = madd(x1, b3, c13)
    p += am
    const x2 = v128.load32_splat(p)
    c20 = madd(x2, b0, c20); c21 = madd(x2, b1, c21); c22 = madd(x2, b2, c22); c23 = madd(x2, b3, c23)
    p += am
    const x3 = v128.load32_splat(p)
    c30 = madd(x3, b0, c30); c31 = madd(x3, b1, c31); c32 = madd(x3, b2, c32); c33 = madd(x3, b3, c33)
    a += ap
    b += bp
    P--
  }
  v128.store(c, c00); v128.store(c, c01, 16); v128.store(c, c02, 32); v128.store(c, c03, 48)
  c += cm
  v128.store(c, c10); v128.store(c, c11, 16); v128.store(c, c12, 32); v128.store(c, c13, 48)
  c += cm
  v128.store(c, c20); v128.store(c, c21, 16); v128.store(c, c22, 32); v128.store(c, c23, 48)
  c += cm
  v128.store(c, c30); v128.store(c, c31, 16); v128.store(c, c32, 32); v128.store(c, c33, 48)
}
