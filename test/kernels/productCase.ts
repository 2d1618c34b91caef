import type { Kernels } from '../../src/kernels/kernels.ts'
import { Arena, type Block } from './arena.ts'
import { type Build, judge, type Result } from './judge.ts'

export type Init = 'zeros' | 'bias' | 'accumulate'

interface Shape {
  m: number
  n: number
  p: number
}

/** One product in an arena; the strides are wider than the widths by `slack` floats. */
interface Product extends Shape {
  arena: Arena
  c: Block
  a: Block // [m, p], or [p, m] where transposed
  b: Block
  init: Block
  transposed: boolean
}

interface Layout {
  init: Init
  transposed: boolean
  slack: number
}

export function product(
  fill: () => number,
  { m, n, p }: Shape,
  { init, transposed, slack }: Layout,
): Product {
  const arena = new Arena(4 * ((m + 32) * (p + 32) + (p + 1) * (n + 64) + (m + 2) * (n + 32)))
  // A is scaled as initial weights are, so that C is of order 1 for every p.
  const a = transposed ? arena.matrix(fill, p, m, m + slack) : arena.matrix(fill, m, p, p + slack)
  const b = arena.matrix(fill, p, n, n + 2 * slack)
  const row = init === 'accumulate' ? null : arena.matrix(init === 'zeros' ? () => 0 : fill, 1, n, 0)
  const c = row ? arena.empty(m, n, n + 4 * slack) : arena.matrix(fill, m, n, n + 4 * slack)
  return { arena, m, n, p, a, b, c, init: row ?? c, transposed }
}

/** Rows m0 … m1 and columns n0 … n1 of the product, ends exclusive. */
export function multiply(kernels: Kernels, q: Product, m0 = 0, m1 = q.m, n0 = 0, n1 = q.n): void {
  const [am, ap] = q.transposed ? [1, q.a.stride] : [q.a.stride, 1]
  const to = (block: Block) => block.at + 4 * (m0 * block.stride + n0)
  kernels.gemm(
    ...([to(q.c), q.c.stride, q.a.at + 4 * m0 * am, am, ap, q.b.at + 4 * n0, q.b.stride] as const),
    ...([to(q.init), q.init.stride, m1 - m0, n1 - n0, q.p] as const),
  )
}

export function judgeProduct(which: Build | Build[], q: Product, tolerance: Partial<Result>) {
  return judge(which, q.arena, [{ ...q.c, name: 'C', ...tolerance }], (kernels) => multiply(kernels, q))
}

export const ROUNDING = { absolute: 2e-6, relative: 2e-6 }
