import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bindKernels, compileKernels, createMemory } from '../../src/kernels/kernels.ts'
import { type Block } from './arena.ts'
import { builds, judge, sameBits } from './judge.ts'
import { type Hyper, parameters, step, resultsOf, judgeStep } from './adamCase.ts'

const HYPER: Hyper = { stepSize: 0.01, vScale: 3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 1 }

for (const build of builds) {
  test(`adam ${build.name}: any settings, error < 2e-7 + 5e-7·|ref|`, () => {
    const settings = fc.record({
      stepSize: fc.double({ min: 0, max: 0.1, noNaN: true }),
      vScale: fc.double({ min: 1, max: 31, noNaN: true }),
      beta1: fc.double({ min: 0, max: 0.99, noNaN: true }),
      beta2: fc.double({ min: 0.5, max: 0.9999, noNaN: true }),
      epsilon: fc.constantFrom(1e-12, 1e-8, 1e-3, 1),
      decay: fc.constantFrom(1, 0.999),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), settings, (four, seed, hyper) => {
        const { returned } = judgeStep(build, parameters(4 * four, seed), hyper)
        assert.equal(returned, 0)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  // From zero moments the first step is stepSize·sign(g), whatever the gradient: known without any twin.
  test(`adam ${build.name}: the first step is the step size against the gradient's sign, error < 1e-6`, () => {
    const { beta1, beta2 } = HYPER
    const q = parameters(8, 2)
    q.arena.f32.fill(0, q.m.at / 4, q.m.at / 4 + 8)
    q.arena.f32.fill(0, q.v.at / 4, q.v.at / 4 + 8)
    q.arena.f32.set([1e-3, -1e-3, 1, -1, 1e3, -1e3, 1e15, -1e15], q.g.at / 4)
    const vScale = 1 / Math.sqrt(1 - Math.fround(beta2))
    const { after } = judge(build, q.arena, resultsOf(q, { absolute: 1e-6, relative: 1e-6 }), (k) =>
      step(k, q, { ...HYPER, stepSize: 0.01 / (1 - Math.fround(beta1)), vScale }),
    )
    for (let i = 0; i < 8; i++) {
      const moved = new Float32Array(after)[q.p.at / 4 + i] - q.arena.f32[q.p.at / 4 + i]
      assert.ok(
        Math.abs(moved + (i % 2 === 0 ? 0.01 : -0.01)) < 1e-6 + 0.01 * 1.1e-5,
        `parameter ${i} moved by ${moved}`,
      )
    }
  })

  // What is flushed to 0 must be nothing beside the least ε there may be.
  test(`adam ${build.name}: a gradient of any size moves by g / (|g| + ε) step sizes at the least ε`, () => {
    const epsilon = Math.fround(1e-12)
    const { beta1, beta2 } = HYPER
    const gradients = [1e-30, 1e-20, 9e-18, -2e-17, 1e-14, -1e-12, 3e-12, 1e-3].map(Math.fround)
    const q = parameters(8, 2)
    for (const block of [q.p, q.m, q.v]) q.arena.f32.fill(0, block.at / 4, block.at / 4 + 8)
    q.arena.f32.set(gradients, q.g.at / 4)
    const hyper = { stepSize: 1 / (1 - Math.fround(beta1)), vScale: 1 / Math.sqrt(1 - Math.fround(beta2)) }
    const { after } = judge(build, q.arena, resultsOf(q, { absolute: 2e-5, relative: 1e-6 }), (k) =>
      step(k, q, { ...HYPER, ...hyper, epsilon }),
    )
    for (const [i, gradient] of gradients.entries()) {
      const moved = new Float32Array(after)[q.p.at / 4 + i]
      const exact = -gradient / (Math.abs(gradient) + epsilon)
      assert.ok(Math.abs(moved - exact) < 2e-5, `gradient ${gradient}: moved by ${moved}, exactly ${exact}`)
    }
  })

  test(`adam ${build.name}: NaN and infinity are told apart by tensor, wherever they stand`, () => {
    for (const bad of [Number.NaN, Infinity, -Infinity])
      for (let i = 0; i < 12; i++) {
        const flagsOf = (at: Block) => {
          const q = parameters(12, 3)
          q.arena.f32[at.at / 4 + i] = bad
          return { flags: judgeStep(build, q, HYPER).returned, q }
        }
        const { p, g, m, v } = parameters(12, 3)
        assert.equal(flagsOf(g).flags, 7, `gradient ${bad} at ${i}`)
        assert.equal(flagsOf(p).flags, 4, `parameter ${bad} at ${i}`)
        assert.equal(flagsOf(m).flags, 6, `first moment ${bad} at ${i}`)
        // A root of infinity divides to a step of 0: the parameter survives, the moment is named.
        assert.equal(flagsOf(v).flags, bad === Infinity ? 2 : 6, `second moment ${bad} at ${i}`)
      }
  })

  test(`adam ${build.name}: a finite gradient whose square is not is found in the moments`, () => {
    const q = parameters(4, 4)
    q.arena.f32[q.g.at / 4 + 2] = 1e30
    assert.equal(judgeStep(build, q, HYPER).returned, 2)
  })

  test(`adam ${build.name}: zeros and denormals everywhere stay finite`, () => {
    for (const value of [0, -0, 1e-45, 1e-40, 1e-20]) {
      const q = parameters(4, 5)
      for (const block of [q.g, q.m]) q.arena.f32.fill(value, block.at / 4, block.at / 4 + 3)
      q.arena.f32.fill(0, q.v.at / 4, q.v.at / 4 + 3)
      assert.equal(judgeStep(build, q, HYPER).returned, 0)
    }
  })
}

for (const simd of ['relaxed', 'strict'] as const)
  test(`adam ${simd}: with gradients of 0 the moments become 0 and never subnormal; NaN stays`, () => {
    const memory = createMemory(65_536)
    const kernels = bindKernels(compileKernels(simd), memory)
    const [p, g, m, v] = [1024, 2048, 3072, 4096].map((at) => new Float32Array(memory.buffer, at, 8))
    const once = () => kernels.adam(1024, 2048, 3072, 4096, 8, 1e-3, 1, 0.9, 0.5, 1e-8, 1)
    p.fill(0.1)
    m.fill(1e-25)
    v.fill(1e-20)
    for (let i = 0; i < 1000; i++) {
      once()
      for (const moment of [...m, ...v]) assert.ok(moment === 0 || moment > 2 ** -126, `step ${i}: ${moment}`)
    }
    assert.deepEqual([...m, ...v], Array<number>(16).fill(0))
    assert.ok(p.every((value) => Math.abs(value - 0.1) < 1e-8))
    g[5] = Number.NaN
    assert.equal(once(), 1 + 2 + 4)
    assert.ok(Number.isNaN(m[5]) && Number.isNaN(v[5]) && Number.isNaN(p[5]))
  })

test('adam: native builds give the same bits as WebAssembly, at every count', () => {
  for (let count = 4; count <= 140; count += 4) {
    const q = parameters(count, count)
    sameBits(q.arena, (kernels) => step(kernels, q, HYPER))
  }
})
