import { touched } from './gather'

/**
 * The embedding of each row: X[row, 0 … dim) = the mean of the table's rows of its codes. A code list is
 * `slots` u32 at word `word` of row indices[row] of `rowsTable` (row stride `rowsStride` words); 0 stands for
 * no code, but a list of nothing else takes the table's row 0. `table` [codes, dim], dim a multiple of 4. The
 * codes are copied to `out` [rows, slots] with row stride ldo, unless `out` is 0.
 */
export function embed(
  x: usize,
  ldx: usize,
  indices: usize,
  rowsTable: usize,
  rowsStride: usize,
  word: usize,
  slots: i32,
  table: usize,
  dim: i32,
  out: usize,
  ldo: usize,
  rows: i32,
): void {
  const bytes = (<usize>dim) << 2
  const stride = rowsStride << 2
  const first = rowsTable + (word << 2)
  if (out != 0) copyCodes(out, ldo, indices, first, stride, slots, rows)
  const end = indices + ((<usize>rows) << 2)
  if (slots > 1) {
    for (; indices < end; indices += 4) {
      meanRow(x, first + <usize>load<u32>(indices) * stride, slots, table, bytes)
      x += ldx << 2
    }
    return
  }
  touchTable(indices, end, first, stride, table, bytes)
  for (; indices < end; indices += 4) {
    copyRow(x, table + <usize>load<u32>(first + <usize>load<u32>(indices) * stride) * bytes, bytes)
    x += ldx << 2
  }
}

function copyCodes(
  out: usize,
  ldo: usize,
  indices: usize,
  first: usize,
  stride: usize,
  slots: i32,
  rows: i32,
): void {
  const end = indices + ((<usize>rows) << 2)
  for (; indices < end; indices += 4) {
    const from = first + <usize>load<u32>(indices) * stride
    for (let at: usize = 0; at < (<usize>slots) << 2; at += 4) store<u32>(out + at, load<u32>(from + at))
    out += ldo << 2
  }
}

/** Reads a word at both ends of the table's row of each single code, as `touch` does and for its reason. */
function touchTable(
  indices: usize,
  end: usize,
  first: usize,
  stride: usize,
  table: usize,
  bytes: usize,
): void {
  let sum: i32 = 0
  for (; indices < end; indices += 4) {
    const from = table + <usize>load<u32>(first + <usize>load<u32>(indices) * stride) * bytes
    sum |= load<i32>(from) | load<i32>(from + bytes - 4)
  }
  touched(sum)
}

/** By 16 bytes; `bytes` is at most 64 as a rule, which branches tell apart faster than a loop. */
function copyRow(to: usize, from: usize, bytes: usize): void {
  v128.store(to, v128.load(from))
  if (bytes == 16) return
  v128.store(to + 16, v128.load(from + 16))
  for (let at: usize = 32; at < bytes; at += 16) v128.store(to + at, v128.load(from + at))
}

function meanRow(to: usize, codes: usize, slots: i32, table: usize, bytes: usize): void {
  const count = codeCount(codes, slots)
  if (count == 0) return copyRow(to, table, bytes)
  const share = f32x4.splat(<f32>1 / <f32>count)
  for (let at: usize = 0; at < bytes; at += 16) {
    let sum = f32x4.splat(0)
    for (let slot: i32 = 0; slot < slots; slot++) {
      const code = load<u32>(codes + ((<usize>slot) << 2))
      if (code != 0) sum = f32x4.add(sum, v128.load(table + <usize>code * bytes + at))
    }
    v128.store(to + at, f32x4.mul(sum, share))
  }
}

/** How many codes of a list stand for something. */
export function codeCount(codes: usize, slots: i32): i32 {
  let count: i32 = 0
  for (let slot: i32 = 0; slot < slots; slot++) if (load<u32>(codes + ((<usize>slot) << 2)) != 0) count++
  return count
}

/** x[row] = value, rows ldx floats apart. */
export function setColumn(x: usize, ldx: usize, value: f32, rows: i32): void {
  for (let row: i32 = 0; row < rows; row++) {
    store<f32>(x, value)
    x += ldx << 2
  }
}

/** z4[row, 4] += x[row, 0 … width), four at a time: partial sums of a logit. `width` a multiple of 4. */
export function addToLogits(z4: usize, x: usize, ldx: usize, width: i32, rows: i32): void {
  const bytes = (<usize>width) << 2
  for (let row: i32 = 0; row < rows; row++) {
    let sum = v128.load(z4)
    for (let at: usize = 0; at < bytes; at += 16) sum = f32x4.add(sum, v128.load(x + at))
    v128.store(z4, sum)
    z4 += 16
    x += ldx << 2
  }
}

/** The way back of `addToLogits`: d[row, 0 … width) += delta[row]. */
export function addDeltas(d: usize, ldd: usize, delta: usize, width: i32, rows: i32): void {
  const bytes = (<usize>width) << 2
  for (let row: i32 = 0; row < rows; row++) {
    const own = v128.load32_splat(delta)
    for (let at: usize = 0; at < bytes; at += 16) v128.store(d + at, f32x4.add(v128.load(d + at), own))
    delta += 4
    d += ldd << 2
  }
}
