import { madd } from './madd'

// Passes over a block of rows, or over the few rows of a folded matrix. Strides in floats, widths multiples
// of 4 unless said.

/** x[row] ·= factor[row] over `width` floats of each row. */
export function scaleRows(x: usize, ldx: usize, factor: usize, rows: i32, width: i32): void {
  const step = ldx << 2
  const bytes = (<usize>width) << 2
  for (let row: i32 = 0; row < rows; row++) {
    const f = v128.load32_splat(factor + ((<usize>row) << 2))
    for (let at: usize = 0; at < bytes; at += 16) v128.store(x + at, f32x4.mul(v128.load(x + at), f))
    x += step
  }
}

/**
 * x[row, 0 … width) = relu of itself, then a 1 and zeros up to ldx: the next layer's input with the place of
 * its bias.
 */
export function reluRows(x: usize, ldx: usize, rows: i32, width: i32): void {
  const step = ldx << 2
  const bytes = (<usize>width) << 2
  const zero = f32x4.splat(0)
  for (let row: i32 = 0; row < rows; row++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      const h = v128.load(x + at)
      v128.store(x + at, v128.andnot(h, f32x4.le(h, zero))) // NaN, of either sign, stays
    }
    store<f32>(x + bytes, 1)
    memory.fill(x + bytes + 4, 0, step - bytes - 4)
    x += step
  }
}

/** d[row, j] = [act[row, j] > 0] · d[row, j] · factor[row]; factor 0 (no address): no factor. */
export function backRelu(
  d: usize,
  ldd: usize,
  act: usize,
  lda: usize,
  factor: usize,
  rows: i32,
  width: i32,
): void {
  const bytes = (<usize>width) << 2
  const zero = f32x4.splat(0)
  const one = f32x4.splat(1)
  for (let row: i32 = 0; row < rows; row++) {
    const f = factor ? v128.load32_splat(factor + ((<usize>row) << 2)) : one
    for (let at: usize = 0; at < bytes; at += 16)
      v128.store(d + at, v128.andnot(f32x4.mul(v128.load(d + at), f), f32x4.le(v128.load(act + at), zero)))
    d += ldd << 2
    act += lda << 2
  }
}

/** z[row, 4]: partial sums of x[row]·w over `width` floats. */
export function dotRows(z: usize, x: usize, ldx: usize, w: usize, rows: i32, width: i32): void {
  const bytes = (<usize>width) << 2
  for (let row: i32 = 0; row < rows; row++) {
    let sum = f32x4.splat(0)
    for (let at: usize = 0; at < bytes; at += 16) sum = madd(v128.load(x + at), v128.load(w + at), sum)
    v128.store(z, sum)
    z += 16
    x += ldx << 2
  }
}

/** out[0 … width) += the sum of the rows of x. */
export function sumRows(out: usize, x: usize, ldx: usize, rows: i32, width: i32): void {
  const bytes = (<usize>width) << 2
  for (let row: i32 = 0; row < rows; row++) {
    for (let at: usize = 0; at < bytes; at += 16)
      v128.store(out + at, f32x4.add(v128.load(out + at), v128.load(x + at)))
    x += ldx << 2
  }
}

/**
 * out[row, 0 … width) = the sum of `sliceCount` matrices, `stride` floats apart, in their order; all with row
 * stride ld.
 */
export function sumSlices(
  out: usize,
  slices: usize,
  stride: usize,
  sliceCount: i32,
  rows: i32,
  width: i32,
  ld: usize,
): void {
  const step = stride << 2
  const bytes = (<usize>width) << 2
  for (let row: i32 = 0; row < rows; row++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      let from = slices + at
      let sum = v128.load(from)
      for (let slice: i32 = 1; slice < sliceCount; slice++) {
        from += step
        sum = f32x4.add(sum, v128.load(from))
      }
      v128.store(out + at, sum)
    }
    out += ld << 2
    slices += ld << 2
  }
}

/**
 * From GT = Σ x·maskᵀ·δ [rows, width] to what the output layer and the layers below need:
 * dw[j] = Σ_k W[k, j]·GT[k, j], and GT[k, j] ·= wOut[j]. W, GT with row stride ld.
 */
export function outputGradient(
  dw: usize,
  gt: usize,
  w: usize,
  wOut: usize,
  ld: usize,
  rows: i32,
  width: i32,
): void {
  const step = ld << 2
  const bytes = (<usize>width) << 2
  for (let at: usize = 0; at < bytes; at += 16) {
    const out = v128.load(wOut + at)
    let sum = f32x4.splat(0)
    let k = at
    for (let row: i32 = 0; row < rows; row++) {
      const g = v128.load(gt + k)
      sum = madd(v128.load(w + k), g, sum)
      v128.store(gt + k, f32x4.mul(g, out))
      k += step
    }
    v128.store(dw + at, sum)
  }
}

/**
 * to[j, i] = from[i, j]; from [rows, width] with row stride ldf, to [width, rows] with row stride ldt; both
 * multiples of 4.
 */
export function transpose(to: usize, ldt: usize, from: usize, ldf: usize, rows: i32, width: i32): void {
  const tm = ldt << 2
  const fm = ldf << 2
  // Sixteen columns at a time: whole cache lines are read, and few enough of them are written to side by
  // side.
  for (let column: i32 = 0; column < width; column += 16) {
    const columnEnd = min(column + 16, width)
    for (let i: i32 = 0; i < rows; i += 4) {
      const source = from + <usize>i * fm
      for (let j = column; j < columnEnd; j += 4) {
        const f = source + ((<usize>j) << 2)
        const t = to + <usize>j * tm + ((<usize>i) << 2)
        const a = v128.load(f)
        const b = v128.load(f + fm)
        const c = v128.load(f + fm + fm)
        const d = v128.load(f + fm + fm + fm)
        const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
        const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
        const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
        const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
        v128.store(t, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5))
        v128.store(t + tm, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7))
        v128.store(t + tm + tm, v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5))
        v128.store(t + tm + tm + tm, v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7))
      }
    }
  }
}

/** x[0 … count) += y. */
export function addInto(x: usize, y: usize, count: i32): void {
  const bytes = (<usize>count) << 2
  for (let at: usize = 0; at < bytes; at += 16)
    v128.store(x + at, f32x4.add(v128.load(x + at), v128.load(y + at)))
}
