import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Random } from '../../src/random.ts'
import { Arena, quarters, uniform } from './arena.ts'
import { productBuilds, runBuild, sameBits } from './judge.ts'
import { type Init, product, multiply, judgeProduct, ROUNDING } from './productCase.ts'

const MS = [4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 66]
const NS = [8, 16, 24, 128]
const PS = [1, 2, 3, 7, 41, 64, 257]
const SHAPES = NS.flatMap((n) => PS.flatMap((p) => MS.map((m) => ({ m, n, p }))))

for (const init of ['zeros', 'bias', 'accumulate'] as const)
  for (const transposed of [false, true]) {
    const layout = { init, transposed }
    const title = `gemm, all builds, init ${init}, ${transposed ? 'transposed A' : 'A by rows'}`

    test(`${title}: the same bits where sums are exact`, () => {
      const random = new Random(1, transposed ? 1 : 0)
      for (const [i, shape] of SHAPES.entries())
        judgeProduct(productBuilds, product(quarters(random), shape, { ...layout, slack: i % 5 }), {})
    })

    test(`${title}: error < 2e-6 + 2e-6·|ref| at |C| about 1`, () => {
      const random = new Random(2, transposed ? 1 : 0)
      for (const [i, shape] of SHAPES.entries()) {
        if (i % 3 > 0) continue // the positions are proved above
        const fill = uniform(random, Math.sqrt(3 / Math.sqrt(shape.p)))
        judgeProduct(productBuilds, product(fill, shape, { ...layout, slack: i % 5 }), ROUNDING)
      }
    })
  }

const EDGES = [0, -0, 1e-45, -1e-40, 1.17549435e-38, 1e30, -1e30, 3.4e38, Infinity, -Infinity, Number.NaN]

for (const build of productBuilds)
  test(`gemm ${build.name}: zeros, denormals, huge values, infinities and NaN within 1e-45 of the twin`, () => {
    for (const edge of EDGES)
      for (const other of [1, -0.5, 0, edge]) {
        const arena = new Arena(2048)
        const shape = { m: 6, n: 8, p: 1 }
        const a = arena.floats([edge, 1, edge, other, 1, other])
        const b = arena.floats([other, edge, 1, other, 0.25, -1, edge, 1])
        const init = arena.matrix(() => 0, 1, 8, 0)
        const q = {
          ...shape,
          arena,
          a: { ...a, stride: 1 },
          b,
          init,
          c: arena.empty(6, 8),
          transposed: false,
        }
        judgeProduct(build, q, { absolute: 2e-45 }) // an unfused product may lose the last denormal
      }
  })

const shapes = fc.record({
  m: fc.integer({ min: 2, max: 30 }).map((half) => 2 * half),
  n: fc.integer({ min: 1, max: 9 }).map((eighth) => 8 * eighth),
  p: fc.integer({ min: 1, max: 90 }),
})
const layouts = fc.record({
  init: fc.constantFrom<Init>('zeros', 'bias', 'accumulate'),
  transposed: fc.boolean(),
  slack: fc.nat(9),
})
const seeds = fc.nat(2 ** 31)

for (const build of productBuilds) {
  test(`gemm ${build.name}: any shape and layout, error < 2e-6 + 2e-6·|ref|`, () => {
    fc.assert(
      fc.property(shapes, layouts, seeds, (shape, layout, seed) => {
        const fill = uniform(new Random(seed), Math.sqrt(3 / Math.sqrt(shape.p)))
        judgeProduct(build, product(fill, shape, layout), ROUNDING)
      }),
      { seed: 3, numRuns: 300 },
    )
  })

  test(`gemm ${build.name}: the same bits twice, by row ranges and by column ranges`, () => {
    fc.assert(
      fc.property(shapes, layouts, seeds, fc.nat(9), fc.nat(9), (shape, layout, seed, rowCut, columnCut) => {
        const q = product(uniform(new Random(seed)), shape, layout)
        const whole = runBuild(build, q.arena, (kernels) => multiply(kernels, q)).after
        const m = 6 * (rowCut % Math.max(1, Math.floor((q.m + 2) / 6))) // leaves at least four rows
        const n = 8 * (columnCut % (q.n / 8))
        const again = runBuild(build, q.arena, (kernels) => multiply(kernels, q)).after
        const byRows = runBuild(build, q.arena, (kernels) => {
          multiply(kernels, q, m, q.m)
          if (m > 0) multiply(kernels, q, 0, m)
        }).after
        const byColumns = runBuild(build, q.arena, (kernels) => {
          multiply(kernels, q, 0, q.m, n, q.n)
          if (n > 0) multiply(kernels, q, 0, q.m, 0, n)
        }).after
        for (const other of [again, byRows, byColumns])
          assert.deepEqual(new Uint32Array(other), new Uint32Array(whole))
      }),
      { seed: 4, numRuns: 300 },
    )
  })
}

test('gemmOnes: native builds give the bits of gemm of a B of ones and zeros', () => {
  fc.assert(
    fc.property(shapes, layouts, seeds, (shape, layout, seed) => {
      const random = new Random(seed)
      const q = product(uniform(random), shape, layout)
      const { at, stride, rows, width } = q.b
      for (let row = 0; row < rows; row++)
        for (let j = 0; j < width; j++) q.arena.f32[at / 4 + row * stride + j] = random.below(2)
      sameBits(q.arena, (kernels) => multiply({ ...kernels, gemm: kernels.gemmOnes }, q))
      for (const build of productBuilds) {
        const run = (name: 'gemm' | 'gemmOnes') =>
          runBuild(build, q.arena, (kernels) => multiply({ ...kernels, gemm: kernels[name] }, q)).after
        assert.deepEqual(new Uint32Array(run('gemmOnes')), new Uint32Array(run('gemm')), build.name)
      }
    }),
    { seed: 6, numRuns: 200 },
  )
})

test('gemm: wide tiles, narrow ones and native ones give the same bits', () => {
  fc.assert(
    fc.property(shapes, layouts, seeds, (shape, layout, seed) => {
      const q = product(uniform(new Random(seed)), shape, layout)
      sameBits(q.arena, (kernels) => multiply(kernels, q))
    }),
    { seed: 5, numRuns: 200 },
  )
})
