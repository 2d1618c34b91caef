import { tile4, tile6 } from './tile'
import { wide4, wide6 } from './wideTile'

/**
 * C = init + A·B.   Dimensions: M rows, N columns, P inner.
 * A[m, p] stands at a + 4·(m·am + p·ap): either stride may be 1, so a transposed A costs nothing. B [P, N]
 * with row stride ldb, C [M, N] with row stride ldc, init with row stride ldi (0: one row for all; init = c,
 * ldi = ldc: accumulate). M even and ≥ 4, N a multiple of 8; strides in floats.
 */
export function gemm(
  c: usize,
  ldc: usize,
  a: usize,
  am: usize,
  ap: usize,
  b: usize,
  ldb: usize,
  init: usize,
  ldi: usize,
  M: i32,
  N: i32,
  P: i32,
): void {
  const cm = ldc << 2
  const aRow = am << 2
  const aStep = ap << 2
  const bStep = ldb << 2
  const im = ldi << 2
  for (let n: i32 = 0; n < N; n += 8) {
    const column = (<usize>n) << 2
    let m: i32 = 0
    while (m < M) {
      const at = a + <usize>m * aRow
      const to = c + <usize>m * cm + column
      const from = init + <usize>m * im + column
      const left = M - m
      if (left == 4 || left == 8) {
        tile4(to, cm, at, aRow, aStep, b + column, bStep, from, im, P)
        m += 4
      } else {
        tile6(to, cm, at, aRow, aStep, b + column, bStep, from, im, P)
        m += 6
      }
    }
  }
}

/** The same product, to the bit, by tiles of 16 columns; those that are left, by tiles of 8. */
export function gemmWide(
  c: usize,
  ldc: usize,
  a: usize,
  am: usize,
  ap: usize,
  b: usize,
  ldb: usize,
  init: usize,
  ldi: usize,
  M: i32,
  N: i32,
  P: i32,
): void {
  const cm = ldc << 2
  const aRow = am << 2
  const aStep = ap << 2
  const bStep = ldb << 2
  const im = ldi << 2
  const wide = N & ~15
  for (let n: i32 = 0; n < wide; n += 16) {
    const column = (<usize>n) << 2
    let m: i32 = 0
    while (m < M) {
      const at = a + <usize>m * aRow
      const to = c + <usize>m * cm + column
      const from = init + <usize>m * im + column
      const left = M - m
      if (left == 4 || left == 8) {
        wide4(to, cm, at, aRow, aStep, b + column, bStep, from, im, P)
        m += 4
      } else {
        wide6(to, cm, at, aRow, aStep, b + column, bStep, from, im, P)
        m += 6
      }
    }
  }
  const done = (<usize>wide) << 2
  if (wide < N) gemm(c + done, ldc, a, am, ap, b + done, ldb, init + done, ldi, M, N - wide, P)
}
