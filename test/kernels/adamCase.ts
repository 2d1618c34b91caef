import type { Kernels } from '../../src/kernels/kernels.ts'
import { Random } from '../../src/random.ts'
import { Arena, type Block, uniform } from './arena.ts'
import { type Build, judge, type Result } from './judge.ts'

interface Step {
  arena: Arena
  p: Block
  g: Block
  m: Block
  v: Block
}

export interface Hyper {
  stepSize: number
  vScale: number
  beta1: number
  beta2: number
  epsilon: number
  decay: number
}

export function parameters(count: number, seed: number): Step {
  const random = new Random(seed)
  const fill = uniform(random)
  const arena = new Arena(16 * count + 1024)
  const p = arena.matrix(fill, 1, count)
  const g = arena.matrix(() => fill() * 10 ** random.below(4), 1, count)
  const m = arena.matrix(fill, 1, count)
  return { arena, p, g, m, v: arena.matrix(random.float.bind(random), 1, count) }
}

export function step(kernels: Kernels, { p, g, m, v }: Step, hyper: Hyper): number {
  const { stepSize, vScale, beta1, beta2, epsilon, decay } = hyper
  return kernels.adam(p.at, g.at, m.at, v.at, p.width, stepSize, vScale, beta1, beta2, epsilon, decay)
}

export function resultsOf({ p, m, v }: Step, tolerance: Partial<Result>): Result[] {
  return [
    { ...p, name: 'parameters', ...tolerance },
    { ...m, name: 'first moments', ...tolerance },
    { ...v, name: 'second moments', ...tolerance },
  ]
}

export function judgeStep(build: Build, q: Step, hyper: Hyper) {
  const results = resultsOf(q, { absolute: 2e-7, relative: 5e-7 })
  return judge(build, q.arena, results, (k) => step(k, q, hyper))
}
