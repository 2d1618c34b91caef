import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Random } from '../../src/random.ts'
import { Arena, quarters, uniform } from './arena.ts'
import { builds, judge, nativeBuilds, runBuild, sameBits } from './judge.ts'

const SHAPES = [1, 2, 3, 5, 8, 41, 66].flatMap((rows) =>
  [4, 8, 12, 20, 40, 128].map((width) => ({ rows, width })),
)
const STRIDES = [0, 4, 12] // added to the width

/** Calls `each` for every shape and stride with an arena and its random fill: sums exact, or rounded. */
function forShapes(
  seed: number,
  each: (arena: Arena, fill: () => number, shape: { rows: number; width: number; stride: number }) => void,
): void {
  const random = new Random(seed)
  for (const [i, { rows, width }] of SHAPES.entries()) {
    const stride = width + STRIDES[i % STRIDES.length]
    const arena = new Arena(4 * (3 * (rows + 1) * (stride + 8) + 4 * rows + 4 * width) + 1024)
    each(arena, seed % 2 === 0 ? uniform(random) : quarters(random), { rows, width, stride })
  }
}

const EXACT = 1 // seeds: odd ones give sums that are exact in float32
const ROUNDED = 2
const EDGES = [0, -0, 1e-45, -1e-45, 1e30, -1e30, 3e38, -3e38, Infinity, -Infinity, Number.NaN, 1]

for (const build of builds) {
  test(`scaleRows ${build.name}: the same bits`, () => {
    forShapes(ROUNDED, (arena, fill, { rows, width, stride }) => {
      const x = arena.matrix(fill, rows, width, stride)
      const factor = arena.matrix(fill, 1, rows)
      judge(build, arena, [{ ...x, name: 'x' }], (k) => k.scaleRows(x.at, x.stride, factor.at, rows, width))
    })
  })

  test(`scaleRows ${build.name}: the same bits at edge values`, () => {
    for (const edge of EDGES) {
      const arena = new Arena(1024)
      const x = arena.floats([...EDGES, ...EDGES])
      const factor = arena.floats([edge, 1])
      judge(build, arena, [{ ...x, name: 'x' }], (k) => k.scaleRows(x.at, 12, factor.at, 2, 12))
    }
  })

  test(`reluRows ${build.name}: the same bits, a 1 behind each row, zeros to its end`, () => {
    forShapes(EXACT, (arena, fill, { rows, width, stride }) => {
      const ldx = stride === width ? stride + 4 : stride
      const x = arena.matrix(fill, rows, width, ldx)
      const { after } = judge(build, arena, [{ ...x, width: ldx, name: 'x' }], (k) =>
        k.reluRows(x.at, ldx, rows, width),
      )
      const row = [...new Float32Array(after).subarray(x.at / 4 + width, x.at / 4 + ldx)]
      assert.deepEqual(row, [1, ...row.slice(1).fill(0)])
    })
  })

  test(`reluRows and backRelu ${build.name}: edge values; NaN of either sign counts as on`, () => {
    const arena = new Arena(1024)
    const x = arena.matrix(() => -1, 1, 16, 20)
    arena.f32.set(EDGES, x.at / 4)
    arena.u32.set([0xffc00000, 0x7fc00000, 0xff800000], x.at / 4 + 12) // NaN, NaN, −infinity
    const d = arena.matrix(() => 3, 1, 16)
    judge(build, arena, [{ ...d, name: 'd' }], (k) => k.backRelu(d.at, 16, x.at, 20, 0, 1, 16))
    const { after } = judge(build, arena, [{ ...x, width: 20, name: 'x' }], (k) =>
      k.reluRows(x.at, 20, 1, 16),
    )
    const [negative, positive] = new Float32Array(after).subarray(x.at / 4 + 12)
    assert.deepEqual([negative, positive], [Number.NaN, Number.NaN])
  })

  for (const scaled of [true, false])
    test(`backRelu ${build.name} ${scaled ? 'with' : 'without'} a factor: the same bits`, () => {
      forShapes(ROUNDED, (arena, fill, { rows, width, stride }) => {
        const d = arena.matrix(fill, rows, width, stride)
        const act = arena.matrix(() => Math.max(0, fill()), rows, width, width + 8)
        const factor = scaled ? arena.matrix(fill, 1, rows).at : 0
        judge(build, arena, [{ ...d, name: 'd' }], (k) =>
          k.backRelu(d.at, stride, act.at, act.stride, factor, rows, width),
        )
      })
    })

  for (const seed of [EXACT, ROUNDED]) {
    const tolerance = seed === EXACT ? {} : { absolute: 2e-6, relative: 2e-6 }
    const title = `${build.name}: ${seed === EXACT ? 'the same bits where sums are exact' : 'error < 2e-6 + 2e-6·|ref|'}`

    test(`dotRows ${title}`, () => {
      forShapes(seed, (arena, fill, { rows, width, stride }) => {
        const x = arena.matrix(() => fill() || 1, rows, width, stride)
        const w = arena.matrix(() => fill() || 1, 1, width)
        const z = arena.empty(rows, 4)
        judge(build, arena, [{ ...z, name: 'z', ...tolerance }], (k) =>
          k.dotRows(z.at, x.at, stride, w.at, rows, width),
        )
      })
    })

    test(`sumRows ${title}`, () => {
      forShapes(seed, (arena, fill, { rows, width, stride }) => {
        const x = arena.matrix(fill, rows, width, stride)
        const out = arena.matrix(fill, 1, width)
        judge(build, arena, [{ ...out, name: 'out', ...tolerance }], (k) =>
          k.sumRows(out.at, x.at, stride, rows, width),
        )
      })
    })

    test(`sumSlices ${title}`, () => {
      forShapes(seed, (_, fill, { rows, width, stride }) => {
        for (const partCount of [1, 2, 8]) {
          const parts = new Arena(4 * (partCount + 2) * (rows * stride + 40) + 1024)
          const x = parts.matrix(fill, rows, width, stride)
          for (let part = 1; part < partCount; part++) parts.matrix(fill, rows, width, stride)
          const next = parts.empty(rows, width, stride) // where one part more would stand: the distance of any two
          const out = parts.empty(rows, width, stride)
          const apart = (next.at - x.at) / 4 / partCount
          judge(build, parts, [{ ...out, name: 'out', ...tolerance }], (k) =>
            k.sumSlices(out.at, x.at, apart, partCount, rows, width, stride),
          )
        }
      })
    })

    test(`outputGradient ${title}`, () => {
      forShapes(seed, (arena, fill, { rows, width, stride }) => {
        const gt = arena.matrix(fill, rows, width, stride)
        const w = arena.matrix(() => fill() || 1, rows, width, stride)
        const wOut = arena.matrix(() => fill() || 1, 1, width)
        const dw = arena.empty(1, width)
        const results = [
          { ...gt, name: 'GT' },
          { ...dw, name: 'dw', ...tolerance },
        ]
        judge(build, arena, results, (k) =>
          k.outputGradient(dw.at, gt.at, w.at, wOut.at, stride, rows, width),
        )
      })
    })
  }

  test(`addInto ${build.name}: the same bits`, () => {
    forShapes(ROUNDED, (arena, fill, { rows, width }) => {
      const x = arena.matrix(fill, 1, rows * width)
      const y = arena.matrix(fill, 1, rows * width)
      judge(build, arena, [{ ...x, name: 'x' }], (k) => k.addInto(x.at, y.at, rows * width))
    })
  })

  test(`transpose ${build.name}: the same bits, and twice is the identity`, () => {
    const fours = fc.integer({ min: 1, max: 17 }).map((four) => 4 * four)
    fc.assert(
      fc.property(fours, fours, fc.nat(9), fc.nat(9), fc.nat(), (rows, width, slackFrom, slackTo, seed) => {
        const arena = new Arena(4 * (2 * rows * width + 10 * rows + 10 * width + rows * width) + 1024)
        const from = arena.matrix(uniform(new Random(seed)), rows, width, width + slackFrom)
        const to = arena.empty(width, rows, rows + slackTo)
        const back = arena.empty(rows, width)
        judge(build, arena, [{ ...to, name: 'to' }], (k) =>
          k.transpose(to.at, to.stride, from.at, from.stride, rows, width),
        )
        const { after } = runBuild(build, arena, (k) => {
          k.transpose(to.at, to.stride, from.at, from.stride, rows, width)
          k.transpose(back.at, back.stride, to.at, to.stride, width, rows)
        })
        const f32 = new Float32Array(after)
        for (let row = 0; row < rows; row++)
          for (let j = 0; j < width; j++)
            assert.equal(f32[back.at / 4 + row * width + j], arena.f32[from.at / 4 + row * from.stride + j])
      }),
      { seed: 5, numRuns: 200 },
    )
  })

  test(`peak ${build.name}: its multiply-adds are really done`, () => {
    const random = new Random(6)
    const isNative = nativeBuilds.includes(build) // one product for all: no compiler of C may compute it once
    for (const steps of [0, 1, 2, 7, 100]) {
      const arena = new Arena(1024)
      const at = arena.matrix(quarters(random), 26, 4).at // twelve sums, one factor, the other factors of odd and even steps
      const before = arena.f32.slice(at / 4, at / 4 + 104)
      const { after } = runBuild(build, arena, (k) => k.peak(at, steps))
      for (let lane = 0; lane < 4; lane++) {
        let sum = 0
        for (let i = 0; i < 12; i++) {
          sum += before[4 * i + lane]
          for (let step = 0; step < steps; step++)
            sum += before[48 + lane] * before[52 + (isNative ? 0 : 4 * (i + (step % 2))) + lane]
        }
        assert.equal(new Float32Array(after)[at / 4 + lane], sum, `lane ${lane} after ${steps} steps`)
      }
    }
  })
}

test('sumSlices: native builds give the same bits as WebAssembly', () => {
  forShapes(ROUNDED, (_, fill, { rows, width, stride }) => {
    const parts = new Arena(4 * 10 * (rows * stride + 40) + 1024)
    const x = parts.matrix(fill, rows, width, stride)
    for (let part = 1; part < 8; part++) parts.matrix(fill, rows, width, stride)
    const out = parts.empty(rows, width, stride)
    const apart = (out.at - x.at) / 4 / 8
    sameBits(parts, (kernels) => kernels.sumSlices(out.at, x.at, apart, 8, rows, width, stride))
  })
})
