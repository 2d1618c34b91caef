import { adam } from './adam'

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
  for (let row: i32 = 0; row < rows; row++) {
    const codes = rowsTable + ((<usize>load<u32>(indices + ((<usize>row) << 2)) * rowsStride + word) << 2)
    if (out != 0) {
      memory.copy(out, codes, (<usize>slots) << 2)
      out += ldo << 2
    }
    if (slots == 1) copyRow(x, table + <usize>load<u32>(codes) * bytes, bytes)
    else meanRow(x, codes, slots, table, bytes)
    x += ldx << 2
  }
}

function copyRow(to: usize, from: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at))
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

function codeCount(codes: usize, slots: i32): i32 {
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

/**
 * One lazy step of Adam on an embedding table: sums the gradients of the rows that a batch touched, in the
 * order of the batch, and updates those rows alone, with their moments; the bias corrections are those of the
 * step. Does so for the codes of which `residue` is the remainder by `residues`, a power of two. p, m, v
 * [codes, dim]; codes [rows, slots] u32 with row stride ldc, as `embed` reads them; deltas [rows, dim] with
 * row stride ldd. Scratch: sumOf u32 [codes], zeros before and after; touched u32 and sums, for rows · slots
 * codes. The rest, and what is returned, as of `adam`.
 */
export function embeddingAdam(
  p: usize,
  m: usize,
  v: usize,
  dim: i32,
  codes: usize,
  ldc: usize,
  slots: i32,
  residue: u32,
  residues: u32,
  deltas: usize,
  ldd: usize,
  rows: i32,
  sumOf: usize,
  touched: usize,
  sums: usize,
  stepSize: f32,
  vScale: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  decay: f32,
): i32 {
  const bytes = (<usize>dim) << 2
  const mask = residues - 1
  let count: u32 = 0
  for (let row: i32 = 0; row < rows; row++) {
    const listed = slots == 1 ? 1 : codeCount(codes, slots)
    const share = f32x4.splat(<f32>1 / <f32>max(listed, 1))
    for (let slot: i32 = 0; slot < slots; slot++) {
      const code = load<u32>(codes + ((<usize>slot) << 2))
      // 0 stands for no code, but a single one, or a list of nothing else, took row 0.
      if (code == 0 && slots > 1 && (listed > 0 || slot > 0)) continue
      if ((code & mask) != residue) continue
      const place = sumOf + ((<usize>code) << 2)
      let sum: u32 = load<u32>(place)
      if (sum == 0) {
        sum = ++count
        store<u32>(place, sum)
        store<u32>(touched + ((<usize>(sum - 1)) << 2), code)
        memory.fill(sums + <usize>(sum - 1) * bytes, 0, bytes)
      }
      const to = sums + <usize>(sum - 1) * bytes
      for (let at: usize = 0; at < bytes; at += 16)
        v128.store(to + at, f32x4.add(v128.load(to + at), f32x4.mul(v128.load(deltas + at), share)))
    }
    codes += ldc << 2
    deltas += ldd << 2
  }
  let bad: i32 = 0
  for (let k: u32 = 0; k < count; k++) {
    const code = <usize>load<u32>(touched + ((<usize>k) << 2))
    store<u32>(sumOf + (code << 2), 0)
    const at = code * bytes
    const g = sums + <usize>k * bytes
    bad |= adam(p + at, g, m + at, v + at, dim, stepSize, vScale, beta1, beta2, epsilon, decay)
  }
  return bad
}
