import { adamRows } from './adam'
import { codeCount } from './embedding'
import { touched as keepTouched } from './gather'

/** Rows of which the memory is touched before they are updated. */
const AHEAD: u32 = 64

/**
 * One lazy step of Adam on an embedding table: sums the gradients of the rows that a batch touched, in the
 * order of the batch, and updates those rows alone, with their moments; the bias corrections are those of the
 * step. Does so for the codes of which `residue` is the remainder by `residues`, a power of two. p, m, v
 * [codes, dim]; codes [rows, slots] u32 with row stride ldc, as `embed` reads them; deltas [rows, dim] with
 * row stride ldd. Scratch: sumOf u32 [codes], zeros before and after; touched u32 and sums, for rows · slots
 * codes. `penalties`: f32 [codes], of which each row adds as many times itself to its gradient (L2); 0: none.
 * The rest, and what is returned, as of `adam`.
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
  penalties: usize,
): i32 {
  const bytes = (<usize>dim) << 2
  const mask = residues - 1
  const cm = ldc << 2
  const dm = ldd << 2
  const count =
    slots == 1 && mask == 0
      ? sumSingles(bytes, codes, cm, deltas, dm, rows, sumOf, touched, sums)
      : sumLists(bytes, codes, cm, slots, residue, mask, deltas, dm, rows, sumOf, touched, sums)
  let bad: i32 = 0
  for (let done: u32 = 0; done < count; done += AHEAD) {
    const next = min(AHEAD, count - done)
    const list = touched + ((<usize>done) << 2)
    forget(sumOf, list, next)
    touchRows(p, m, v, bytes, list, next)
    const g = sums + <usize>done * bytes
    if (penalties != 0) penalise(p, g, bytes, list, next, penalties)
    bad |= adamRows(p, g, m, v, dim, list, next, stepSize, vScale, beta1, beta2, epsilon, decay)
  }
  return bad
}

/** Gradients of single codes, in the order of the rows: sums [count, dim], touched the codes of the sums. */
function sumSingles(
  bytes: usize,
  codes: usize,
  cm: usize,
  deltas: usize,
  dm: usize,
  rows: i32,
  sumOf: usize,
  touched: usize,
  sums: usize,
): u32 {
  touchSumOf(codes, cm, rows, sumOf)
  let count: u32 = 0
  for (let row: i32 = 0; row < rows; row++) {
    const code = load<u32>(codes)
    const place = sumOf + ((<usize>code) << 2)
    const sum: u32 = load<u32>(place)
    if (sum == 0) {
      const to = sums + <usize>count * bytes
      store<u32>(touched + ((<usize>count) << 2), code)
      store<u32>(place, ++count)
      for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(deltas + at))
    } else {
      const to = sums + <usize>(sum - 1) * bytes
      for (let at: usize = 0; at < bytes; at += 16)
        v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(deltas + at)))
    }
    codes += cm
    deltas += dm
  }
  return count
}

/** The same of lists, each code with its share of the row's gradient; and of some codes alone. */
function sumLists(
  bytes: usize,
  codes: usize,
  cm: usize,
  slots: i32,
  residue: u32,
  mask: u32,
  deltas: usize,
  dm: usize,
  rows: i32,
  sumOf: usize,
  touched: usize,
  sums: usize,
): u32 {
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
    codes += cm
    deltas += dm
  }
  return count
}

function touchSumOf(codes: usize, cm: usize, rows: i32, sumOf: usize): void {
  let sum: i32 = 0
  for (let row: i32 = 0; row < rows; row++) {
    sum |= load<i32>(sumOf + ((<usize>load<u32>(codes)) << 2))
    codes += cm
  }
  keepTouched(sum)
}

/** Adds to the gradient of each row the penalty of its code times the row. */
function penalise(p: usize, g: usize, bytes: usize, list: usize, count: u32, penalties: usize): void {
  for (let k: u32 = 0; k < count; k++) {
    const code = <usize>load<u32>(list + ((<usize>k) << 2))
    const penalty = f32x4.splat(load<f32>(penalties + (code << 2)))
    const row = p + code * bytes
    for (let at: usize = 0; at < bytes; at += 16) {
      const sum = v128.load(g + at)
      v128.store(g + at, f32x4.add(sum, f32x4.mul(penalty, v128.load(row + at))))
    }
    g += bytes
  }
}

/** No code of the list has a sum any more. */
function forget(sumOf: usize, list: usize, count: u32): void {
  for (let k: u32 = 0; k < count; k++)
    store<u32>(sumOf + ((<usize>load<u32>(list + ((<usize>k) << 2))) << 2), 0)
}

/**
 * Reads a word of each row and of its moments, as `touch` does and for its reason; two of rows that may lie
 * on two cache lines.
 */
function touchRows(p: usize, m: usize, v: usize, bytes: usize, list: usize, count: u32): void {
  const last = 64 % bytes == 0 ? 0 : bytes - 4
  let sum: i32 = 0
  for (let k: u32 = 0; k < count; k++) {
    const at = <usize>load<u32>(list + ((<usize>k) << 2)) * bytes
    sum |= load<i32>(p + at) | load<i32>(m + at) | load<i32>(v + at)
    if (last != 0) sum |= load<i32>(p + at + last) | load<i32>(m + at + last) | load<i32>(v + at + last)
  }
  keepTouched(sum)
}
