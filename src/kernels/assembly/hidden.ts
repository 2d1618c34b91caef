import { madd } from './madd'
import { tile4, tile6 } from './tile'
import { wide4, wide6 } from './wideTile'

/**
 * The last hidden layer and the output in one pass: h = bias + X·W, mask = [h > 0], z = relu(h)·wOut, row by
 * row. X [M, P] row stride ldx, W [P, N] row stride ldw, mask [M, N] of 0 and 1 with row stride ldm; z [M,
 * 4]: the logit, without the output's bias, is the sum of a row's four lanes. M even and ≥ 4, N a multiple of
 * 8; strides in floats.
 */
export function hidden(
  mask: usize,
  ldm: usize,
  z: usize,
  x: usize,
  ldx: usize,
  w: usize,
  ldw: usize,
  bias: usize,
  wOut: usize,
  M: i32,
  N: i32,
  P: i32,
): void {
  memory.fill(z, 0, (<usize>M) << 4)
  narrow(mask, ldm, z, x, ldx, w, ldw, bias, wOut, M, 0, N, P)
}

/** Columns from … N of it, added to z. */
function narrow(
  mask: usize,
  ldm: usize,
  z: usize,
  x: usize,
  ldx: usize,
  w: usize,
  ldw: usize,
  bias: usize,
  wOut: usize,
  M: i32,
  from: i32,
  N: i32,
  P: i32,
): void {
  const mm = ldm << 2
  const xm = ldx << 2
  const wp = ldw << 2
  for (let n = from; n < N; n += 8) {
    const column = (<usize>n) << 2
    const w0 = v128.load(wOut + column)
    const w1 = v128.load(wOut + column, 16)
    let m: i32 = 0
    while (m < M) {
      const at = x + <usize>m * xm
      const to = mask + <usize>m * mm + column
      const left = M - m
      let rows = 6
      // h passes through the mask's place: it is still in the store buffer when it is read again.
      if (left == 4 || left == 8) {
        rows = 4
        tile4(to, mm, at, xm, 4, w + column, wp, bias + column, 0, P)
      } else {
        tile6(to, mm, at, xm, 4, w + column, wp, bias + column, 0, P)
      }
      finish(to, mm, z + ((<usize>m) << 4), rows, w0, w1)
      m += rows
    }
  }
}

/** The same layer, to the bit, by tiles of 16 columns; those that are left, by tiles of 8. */
export function hiddenWide(
  mask: usize,
  ldm: usize,
  z: usize,
  x: usize,
  ldx: usize,
  w: usize,
  ldw: usize,
  bias: usize,
  wOut: usize,
  M: i32,
  N: i32,
  P: i32,
): void {
  memory.fill(z, 0, (<usize>M) << 4)
  const mm = ldm << 2
  const xm = ldx << 2
  const wp = ldw << 2
  const wide = N & ~15
  for (let n: i32 = 0; n < wide; n += 16) {
    const column = (<usize>n) << 2
    const at = wOut + column
    let m: i32 = 0
    while (m < M) {
      const row = x + <usize>m * xm
      const to = mask + <usize>m * mm + column
      const left = M - m
      let rows = 6
      if (left == 4 || left == 8) {
        rows = 4
        wide4(to, mm, row, xm, 4, w + column, wp, bias + column, 0, P)
      } else {
        wide6(to, mm, row, xm, 4, w + column, wp, bias + column, 0, P)
      }
      const sums = z + ((<usize>m) << 4)
      finish(to, mm, sums, rows, v128.load(at), v128.load(at, 16))
      finish(to + 32, mm, sums, rows, v128.load(at, 32), v128.load(at, 48))
      m += rows
    }
  }
  narrow(mask, ldm, z, x, ldx, w, ldw, bias, wOut, M, wide, N, P)
}

/** `rows` rows of eight columns: replaces h by its mask, adds to each row's z. */
function finish(mask: usize, mm: usize, z: usize, rows: i32, w0: v128, w1: v128): void {
  const zero = f32x4.splat(0)
  const one = f32x4.splat(1)
  while (rows > 0) {
    const h0 = v128.load(mask)
    const h1 = v128.load(mask, 16)
    // Off is what is ≤ 0, which NaN is not: of either sign, it goes on into z, where it is found. (x86 makes
    // NaN with the sign set.)
    const off0 = f32x4.le(h0, zero)
    const off1 = f32x4.le(h1, zero)
    v128.store(mask, v128.andnot(one, off0))
    v128.store(mask, v128.andnot(one, off1), 16)
    v128.store(z, madd(v128.andnot(h1, off1), w1, madd(v128.andnot(h0, off0), w0, v128.load(z))))
    mask += mm
    z += 16
    rows--
  }
}
