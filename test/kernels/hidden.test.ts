import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Random } from '../../src/random.ts'
import { quarters, uniform } from './arena.ts'
import { judge, productBuilds, runBuild, sameBits } from './judge.ts'
import { type Layer, layer, forward, judgeLayer } from './layerCase.ts'

const MS = [4, 6, 8, 10, 12, 14, 22, 44, 66]
const NS = [8, 16, 24, 128]
const PS = [1, 2, 3, 7, 41, 64, 257]
const SHAPES = MS.flatMap((m) => NS.flatMap((n) => PS.map((p) => ({ m, n, p }))))

for (const build of productBuilds) {
  test(`hidden ${build.name}: the same bits where sums are exact, units at exactly 0 are off`, () => {
    const random = new Random(1)
    let zeros = 0
    for (const [i, { m, n, p }] of SHAPES.entries()) {
      const q = layer(quarters(random), m, n, p, i % 3)
      judgeLayer(build, q, {})
      // h again, in the mask's place: the twin must have met some zeros
      const { mask, x, w, bias } = q
      const { after } = judge(build, q.arena, [{ ...mask, name: 'h' }], (kernels) =>
        kernels.gemm(mask.at, mask.stride, x.at, x.stride, 1, w.at, w.stride, bias.at, 0, m, n, p),
      )
      const h = new Float32Array(after)
      for (let j = 0; j < n; j++) if (h[mask.at / 4 + j] === 0) zeros++
    }
    assert.ok(zeros > 20, `only ${zeros} units stood at exactly 0`)
  })

  test(`hidden ${build.name}: the same mask, z within 3e-6 + 3e-6·|ref| at |h| and |z| about 1`, () => {
    const random = new Random(2)
    for (const [i, { m, n, p }] of SHAPES.entries()) {
      const q = layer(uniform(random, Math.sqrt(3 / Math.sqrt(p))), m, n, p, i % 3)
      for (let j = 0; j < n; j++) q.arena.f32[q.wOut.at / 4 + j] /= Math.sqrt(n)
      judgeLayer(build, q, { absolute: 3e-6, relative: 3e-6 })
    }
  })

  test(`hidden ${build.name}: the same bits twice and by row ranges`, () => {
    const halves = fc.integer({ min: 2, max: 20 })
    fc.assert(
      fc.property(
        halves,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(9),
        fc.nat(),
        (...a) => {
          const [half, eighth, p, cut, seed] = a
          const q = layer(uniform(new Random(seed)), 2 * half, 8 * eighth, p, cut % 3)
          const m = 6 * (cut % Math.max(1, Math.floor((2 * half + 2) / 6)))
          const whole = runBuild(build, q.arena, (kernels) => forward(kernels, q)).after
          const again = runBuild(build, q.arena, (kernels) => forward(kernels, q)).after
          const parts = runBuild(build, q.arena, (kernels) => {
            forward(kernels, q, m)
            if (m > 0) forward(kernels, q, 0, m)
          }).after
          for (const other of [again, parts]) assert.deepEqual(new Uint32Array(other), new Uint32Array(whole))
        },
      ),
      { seed: 3, numRuns: 200 },
    )
  })

  // On x86 an invalid operation gives a NaN whose sign bit is set: a mask from the sign bit alone takes it for a unit that is off.
  test(`hidden ${build.name}: a NaN in X, of either sign, and one made of infinities reach z`, () => {
    const spoilt: [string, (q: Layer, row: number) => void][] = [
      ['NaN', (q, row) => (q.arena.u32[q.x.at / 4 + row * q.x.stride + 1] = 0x7fc00000)],
      ['NaN with its sign set', (q, row) => (q.arena.u32[q.x.at / 4 + row * q.x.stride + 1] = 0xffc00000)],
      [
        'infinity − infinity',
        (q, row) => q.arena.f32.set([Infinity, -Infinity, 0], q.x.at / 4 + row * q.x.stride),
      ],
      ['infinity · 0', (q, row) => q.arena.f32.set([0, 0, Infinity], q.x.at / 4 + row * q.x.stride)],
    ]
    for (const [what, spoil] of spoilt)
      for (const row of [0, 5, 6, 9]) {
        const q = layer(() => 0.5, 10, 16, 3, 1)
        for (let j = 0; j < 16; j++) q.arena.f32[q.w.at / 4 + 2 * q.w.stride + j] = 0
        spoil(q, row)
        const { after } = judgeLayer(build, q, {})
        const z = new Float32Array(after)
        for (let m = 0; m < 10; m++)
          assert.equal(
            Number.isNaN(z[q.z.at / 4 + 4 * m]),
            m === row,
            `${what} in row ${row}, seen from row ${m}`,
          )
      }
  })

  test(`hidden ${build.name}: −0, denormals and huge values in h`, () => {
    for (const edge of [-0, 0, 1e-45, -1e-45, 1e-40, -1e-40, 1e30, -1e30, 3e38, -3e38, Infinity, -Infinity]) {
      const q = layer(() => 1, 4, 8, 1, 0)
      q.arena.f32.fill(edge, q.bias.at / 4, q.bias.at / 4 + 4) // and 1 in the other four units: z is not zero
      for (let m = 0; m < 4; m++) q.arena.f32[q.x.at / 4 + m] = 0
      q.arena.f32.fill(2, q.bias.at / 4 + 4, q.bias.at / 4 + 8)
      judgeLayer(build, q, {})
    }
  })
}

test('hidden: wide tiles, narrow ones and native ones give the same bits', () => {
  const random = new Random(4)
  for (const { m, n, p } of SHAPES) {
    const q = layer(uniform(random), m, n, p, m % 3)
    sameBits(q.arena, (kernels) => forward(kernels, q))
  }
})
