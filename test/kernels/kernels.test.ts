import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bestSimd, createMemory, type Kernels, MEMORY_BYTES_MAX } from '../../src/kernels/kernels.ts'
import { naiveKernels } from '../../src/kernels/naive/naiveKernels.ts'
import { Arena } from './arena.ts'
import { builds, judge } from './judge.ts'

test('both builds have exactly the kernels of the naive twin', () => {
  const names = Object.keys(naiveKernels(new ArrayBuffer(64))).toSorted()
  for (const { simd, kernels } of builds) {
    const functions = Object.entries(kernels).filter(([, value]) => typeof value === 'function')
    assert.deepEqual(functions.map(([name]) => name).toSorted(), names, simd)
  }
})

test('the relaxed build is chosen where the engine can run it', () => {
  assert.equal(bestSimd(), 'relaxed') // every Node that package.json allows has relaxed SIMD
})

test('the naive twin has no peak', () => {
  assert.throws(() => naiveKernels(new ArrayBuffer(64)).peak(0, 1), {
    name: 'NearrankError',
    code: 'INTERNAL',
  })
})

test('the twin works over a shared memory too', () => {
  const memory = createMemory(65_536)
  const f32 = new Float32Array(memory.buffer)
  f32.set([1, 2, 3, 4], 4)
  naiveKernels(memory).addInto(16, 16, 4)
  assert.deepEqual([...f32.subarray(3, 9)], [0, 2, 4, 6, 8, 0])
})

test('a memory has whole pages and at least what was asked for; past 4 GiB it is refused', () => {
  for (const [bytes, wanted] of [
    [1, 65_536],
    [65_536, 65_536],
    [65_537, 131_072],
  ])
    assert.equal(createMemory(bytes).buffer.byteLength, wanted)
  assert.throws(() => createMemory(MEMORY_BYTES_MAX + 1), {
    name: 'NearrankError',
    code: 'MEMORY',
    message: /4 GiB/,
  })
})

// The judge itself: kernels that are wrong in one way each. `addInto` stands for all.
const WRONG: [string, RegExp, (right: Kernels, f32: Float32Array, at: number) => Partial<Kernels>][] = [
  [
    'off by a rounding',
    /x\[0, 2\].*off by/,
    (right, f32, at) => ({
      addInto(x, y, count) {
        right.addInto(x, y, count)
        f32[at / 4 + 2] *= 1 + 2 ** -23
      },
    }),
  ],
  ['silent', /x\[0, 0\]/, () => ({ addInto() {} })],
  [
    'of the wrong sign at zero',
    /x\[0, 3\] .*is −0, its twin's 0/,
    (right, f32, at) => ({
      addInto(x, y, count) {
        right.addInto(x, y, count)
        f32[at / 4 + 3] = -0
      },
    }),
  ],
  [
    'writing behind its result',
    /wrote outside/,
    (right, f32, at) => ({
      addInto(x, y, count) {
        right.addInto(x, y, count)
        f32[at / 4 + count] = 0
      },
    }),
  ],
  [
    'writing into its input',
    /wrote outside/,
    (right, f32) => ({
      addInto(x, y, count) {
        right.addInto(x, y, count)
        f32[y / 4] = 7
      },
    }),
  ],
]

for (const [how, message, make] of WRONG)
  test(`the judge sees a kernel that is ${how}`, () => {
    const arena = new Arena(1024)
    const x = arena.floats([1, 2, 3, 4])
    const y = arena.floats([5, 6, 7, -4])
    const [{ bytes, kernels }] = builds
    const wrong = {
      simd: 'relaxed',
      name: 'wrong',
      bytes,
      kernels: { ...kernels, ...make(kernels, new Float32Array(bytes.buffer), x.at) },
    } as const
    const run = (build: (typeof builds)[0]) =>
      judge(build, arena, [{ ...x, name: 'x' }], (k) => k.addInto(x.at, y.at, 4))
    run(builds[0])
    assert.throws(() => run(wrong), message)
  })

test('the judge refuses a case whose result is all zero, and another value returned', () => {
  const arena = new Arena(1024)
  const x = arena.floats([1, 2, 3, 4])
  const y = arena.floats([-1, -2, -3, -4])
  const sum = (k: Kernels) => k.addInto(x.at, y.at, 4)
  assert.throws(() => judge(builds, arena, [{ ...x, name: 'x' }], sum), /all zero/)
  let calls = 0
  assert.throws(() => judge(builds, arena, [], () => calls++), /another value/)
})
