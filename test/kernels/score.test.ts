import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kernels } from '../../src/kernels/kernels.ts'
import { Random } from '../../src/random.ts'
import { Arena, quarters, uniform } from './arena.ts'
import { builds, judge } from './judge.ts'

const NS = [8, 16, 40, 128]
const PS = [1, 2, 7, 10, 30]
const COUNTS = [1, 2, 3, 17]
const PLACES = 9
const CODES = 5 // by which the user's part differs

function product(fill: () => number, n: number, p: number, slack: number) {
  const arena = new Arena(16 * (p * (n + 8 + slack) + 2 * n) + 1024)
  const w = arena.matrix(fill, p, n, n + slack)
  const x = arena.matrix(fill, 1, p)
  const init = arena.matrix(fill, 1, n)
  const out = arena.empty(1, n)
  return { arena, w, x, init, out, n, p }
}

function scores(fill: () => number, n: number, count: number, random: Random) {
  const arena = new Arena(16 * ((PLACES + 3) * (n + 16) + count) + 2048)
  const parts = arena.matrix(fill, PLACES, n, n + 8)
  const user = arena.matrix(fill, 1, n)
  const wOut = arena.matrix(fill, 1, n)
  const rows = arena.words(Array.from({ length: count }, () => random.below(PLACES)))
  const out = arena.empty(1, count)
  return { arena, parts, user, wOut, rows, out, n, count }
}

/** The scores with `p` inputs of each row's own. */
function pairScores(
  fill: () => number,
  { n, p, count }: Record<'n' | 'p' | 'count', number>,
  random: Random,
) {
  const arena = new Arena(16 * ((PLACES + CODES + 2 + p) * (n + 16) + count * (p + 7)) + 4096)
  const parts = arena.matrix(fill, PLACES, n, n + 8)
  const [users, wOut] = [arena.matrix(fill, CODES, n), arena.matrix(fill, 1, n)]
  const w = arena.matrix(fill, Math.max(p, 1), n)
  const x = arena.matrix(fill, count, p, p + random.below(4))
  const rows = arena.words(Array.from({ length: count }, () => random.below(PLACES)))
  const out = arena.empty(1, count)
  const ldc = random.below(3)
  const codes = arena.words(Array.from({ length: 1 + ldc * count }, () => random.below(CODES)))
  const call = (kernels: Kernels) =>
    kernels.scorePairs(
      ...([out.at, rows, count, parts.at, parts.stride, x.at, x.stride, w.at, p] as const),
      ...([users.at, codes, ldc, wOut.at, 0.25, n] as const),
    )
  return { arena, parts, x, rows, out, call }
}

for (const { simd, ...build } of builds) {
  for (const [how, make, tolerance] of [
    ['the same bits where sums are exact', quarters, {}],
    ['within 3e-6 + 3e-6·|ref|', uniform, { absolute: 3e-6, relative: 3e-6 }],
  ] as const) {
    test(`rowProduct ${simd}: ${how}`, () => {
      const fill = make(new Random(1), 1)
      for (const n of NS)
        for (const p of PS) {
          const q = product(fill, n, p, p % 3)
          judge({ simd, ...build }, q.arena, [{ ...q.out, name: 'out', ...tolerance }], (kernels) =>
            kernels.rowProduct(q.out.at, q.x.at, q.w.at, q.w.stride, q.init.at, n, p),
          )
        }
    })

    test(`scoreRows ${simd}: ${how}`, () => {
      const random = new Random(2)
      const fill = make(random, 1)
      for (const n of NS)
        for (const count of COUNTS) {
          const q = scores(fill, n, count, random)
          const far = { absolute: 'absolute' in tolerance ? 1e-5 : 0, relative: 0 }
          judge({ simd, ...build }, q.arena, [{ ...q.out, name: 'out', ...far }], (kernels) =>
            kernels.scoreRows(
              ...([q.out.at, q.rows, count, q.parts.at, q.parts.stride] as const),
              ...([q.user.at, q.wOut.at, 0.25, n] as const),
            ),
          )
        }
    })

    test(`scorePairs ${simd}: ${how}`, () => {
      const random = new Random(4)
      const fill = make(random, 1)
      for (const n of NS)
        for (const p of [0, ...PS])
          for (const count of [...COUNTS, 4, 64]) {
            const q = pairScores(fill, { n, p, count }, random)
            const far = { absolute: 'absolute' in tolerance ? 3e-5 : 0, relative: 0 }
            judge({ simd, ...build }, q.arena, [{ ...q.out, name: 'out', ...far }], q.call)
          }
    })
  }

  test(`scorePairs ${simd}: a NaN of either sign in a part or an input reaches that row's score alone`, () => {
    const [p, n] = [3, 16]
    for (const bits of [0x7fc00000, 0xffc00000])
      for (let bad = 0; bad < PLACES; bad++)
        for (const where of ['parts', 'x'] as const) {
          const q = pairScores(() => 0.5, { n, p, count: PLACES }, new Random(5))
          for (let row = 0; row < PLACES; row++) q.arena.u32[q.rows / 4 + row] = row
          q.arena.u32[q[where].at / 4 + bad * q[where].stride + 2] = bits
          const { after } = judge({ simd, ...build }, q.arena, [{ ...q.out, name: 'out' }], q.call)
          const out = new Float32Array(after, q.out.at, PLACES)
          assert.deepEqual(
            [...out.keys()].filter((row) => Number.isNaN(out[row])),
            [bad],
          )
        }
  })

  test(`scoreRows ${simd}: a NaN of either sign in a part reaches that row's score and no other`, () => {
    for (const bits of [0x7fc00000, 0xffc00000]) {
      const q = scores(() => 0.5, 16, PLACES, new Random(3))
      q.arena.u32.set(
        Array.from({ length: PLACES }, (_, row) => row),
        q.rows / 4,
      )
      q.arena.u32[q.parts.at / 4 + 4 * q.parts.stride + 11] = bits
      const { after } = judge({ simd, ...build }, q.arena, [{ ...q.out, name: 'out' }], (kernels) =>
        kernels.scoreRows(
          ...([q.out.at, q.rows, PLACES, q.parts.at, q.parts.stride] as const),
          ...([q.user.at, q.wOut.at, 0, 16] as const),
        ),
      )
      const out = new Float32Array(after, q.out.at, PLACES)
      assert.deepEqual(
        [...out.keys()].filter((row) => Number.isNaN(out[row])),
        [4],
      )
    }
  })
}
