import type { Kernels } from '../../src/kernels/kernels.ts'
import { Arena, type Block } from './arena.ts'
import { type Build, judge, type Result } from './judge.ts'

export interface Layer {
  arena: Arena
  mask: Block // [m, n]
  z: Block // [m, 4]
  x: Block // [m, p]
  w: Block // [p, n]
  bias: Block // [1, n]
  wOut: Block // [1, n]
}

export function layer(fill: () => number, m: number, n: number, p: number, slack: number): Layer {
  const arena = new Arena(4 * (m * (p + n + 24) + p * (n + 8) + 2 * n) + 1024)
  return {
    x: arena.matrix(fill, m, p, p + slack),
    w: arena.matrix(fill, p, n, n + slack),
    bias: arena.matrix(fill, 1, n),
    mask: arena.empty(m, n, n + 4 * slack),
    wOut: arena.matrix(fill, 1, n),
    z: arena.empty(m, 4),
    arena,
  }
}

export function forward(kernels: Kernels, { mask, z, x, w, bias, wOut }: Layer, m0 = 0, m1 = x.rows): void {
  kernels.hidden(
    ...([
      mask.at + 4 * m0 * mask.stride,
      mask.stride,
      z.at + 16 * m0,
      x.at + 4 * m0 * x.stride,
      x.stride,
    ] as const),
    ...([w.at, w.stride, bias.at, wOut.at, m1 - m0, mask.width, x.width] as const),
  )
}

export function judgeLayer(build: Build, q: Layer, tolerance: Partial<Result>) {
  const results = [
    { ...q.mask, name: 'mask' },
    { ...q.z, name: 'z', ...tolerance },
  ]
  return judge(build, q.arena, results, (kernels) => forward(kernels, q))
}
