import type { Kernels } from '../../kernels/kernels.ts'

/** A matrix of floats in the kernels' memory. */
export interface Matrix {
  readonly at: number // byte offset of its first element
  readonly ld: number // floats from row to row
}

/** A left operand: a matrix as it is, or transposed, which costs a product nothing. */
export interface LeftMatrix {
  readonly at: number
  readonly row: number // floats from row to row
  readonly column: number // floats from column to column
}

/** What a product reads and writes: c = init + a·b. Planned once, so that a step allocates nothing. */
export interface GemmOperands {
  readonly c: Matrix
  readonly a: LeftMatrix
  readonly b: Matrix
  readonly init: Matrix // ld 0: the same row for all
}

/** What the last hidden layer reads and writes, see `hidden` in src/kernels/assembly. */
export interface HiddenOperands {
  readonly mask: Matrix // [rows, units]
  readonly z4: number // [rows, 4]
  readonly x: Matrix
  readonly w: Matrix
  readonly bias: number // [units]
  readonly wOut: number // [units]
}

export function asIs({ at, ld }: Matrix): LeftMatrix {
  return { at, row: ld, column: 1 }
}

export function transposed({ at, ld }: Matrix): LeftMatrix {
  return { at, row: 1, column: ld }
}

/** The matrix from column `column` on. */
export function fromColumn({ at, ld }: Matrix, column: number): Matrix {
  return { at: at + 4 * column, ld }
}

/** The matrix from row `row` on. */
export function fromRow({ at, ld }: Matrix, row: number): Matrix {
  return { at: at + 4 * row * ld, ld }
}

/** The same row again and again, as the `init` of a product. */
export function repeated(at: number): Matrix {
  return { at, ld: 0 }
}

/** c [rows, columns] = init + a [rows, inner]·b [inner, columns]. */
export function gemm(
  kernels: Kernels,
  operands: GemmOperands,
  rows: number,
  columns: number,
  inner: number,
): void {
  multiply(kernels.gemm, operands.c.at, operands, rows, columns, inner)
}

/** The same bits, of a b of ones and zeros. */
export function gemmOnes(
  kernels: Kernels,
  operands: GemmOperands,
  rows: number,
  columns: number,
  inner: number,
): void {
  multiply(kernels.gemmOnes, operands.c.at, operands, rows, columns, inner)
}

/** The same product into another place: c [rows, columns] at `at`, its rows as far apart as those of `c`. */
export function gemmInto(
  kernels: Kernels,
  at: number,
  operands: GemmOperands,
  rows: number,
  columns: number,
  inner: number,
): void {
  multiply(kernels.gemm, at, operands, rows, columns, inner)
}

function multiply(
  product: Kernels['gemm'],
  at: number,
  { c, a, b, init }: GemmOperands,
  rows: number,
  columns: number,
  inner: number,
): void {
  product(at, c.ld, a.at, a.row, a.column, b.at, b.ld, init.at, init.ld, rows, columns, inner)
}

/** h = bias + x·w; mask = [h > 0]; z4: the four partial sums of relu(h)·wOut. */
export function hidden(
  kernels: Kernels,
  { mask, z4, x, w, bias, wOut }: HiddenOperands,
  rows: number,
  units: number,
  inner: number,
): void {
  kernels.hidden(mask.at, mask.ld, z4, x.at, x.ld, w.at, w.ld, bias, wOut, rows, units, inner)
}

/** to [width, rows] = from [rows, width], transposed. */
export function transpose(kernels: Kernels, to: Matrix, from: Matrix, rows: number, width: number): void {
  kernels.transpose(to.at, to.ld, from.at, from.ld, rows, width)
}
