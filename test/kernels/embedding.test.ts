import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Kernels } from '../../src/kernels/kernels.ts'
import { Random } from '../../src/random.ts'
import { Arena, type Block, quarters, uniform } from './arena.ts'
import { type Build, builds, judge, type Result, runBuild } from './judge.ts'

const CODES = 24 // of the table; few, so that a batch has most of them several times

interface Shape {
  rows: number
  dim: number
  slots: number
  slack: number // 0: rows stand as close as they can
}

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 130 }),
  dim: fc.constantFrom(4, 8, 12, 16),
  slots: fc.constantFrom(1, 1, 2, 3, 5, 16),
  slack: fc.nat(3),
})

/** Codes of a row: one, 0 included, or a list with zeros anywhere in it, at times nothing else. */
function drawCodes(random: Random, slots: number): number[] {
  if (slots === 1) return [random.below(CODES)]
  const share = random.below(4) / 4 // of codes that are 0, at least
  const isEmpty = random.below(5) === 0
  return Array.from({ length: slots }, () => (isEmpty || random.float() < share ? 0 : random.below(CODES)))
}

/** The table rows that a list of codes stands for: without any code, row 0. */
function listed(codes: number[]): number[] {
  const some = codes.filter((code) => code !== 0)
  return some.length > 0 ? some : [0]
}

function floatsOf(memory: ArrayBuffer, { at, stride }: Block, row: number, width: number): number[] {
  return [...new Float32Array(memory, at + 4 * row * stride, width)]
}

// ---- rows in

const SIDE_ROWS = 19 // of the encoded rows that the batch points at

function judgeEmbed(
  build: Build,
  { rows, dim, slots, slack }: Shape,
  { seed, copies }: { seed: number; copies: boolean },
) {
  const random = new Random(seed)
  const arena = new Arena(1 << 17)
  const word = random.below(5) // numbers and other codes before those of this embedding
  const column = random.below(4) // likewise among the inputs
  const side = arena.empty(SIDE_ROWS, word + slots, word + slots + slack)
  const codes = Array.from({ length: SIDE_ROWS }, () => drawCodes(random, slots))
  for (const [row, own] of codes.entries()) arena.u32.set(own, side.at / 4 + row * side.stride + word)
  const indices = Array.from({ length: rows }, () => random.below(SIDE_ROWS))
  const indicesAt = arena.words(indices)
  const table = arena.matrix(uniform(random), CODES, dim)
  const x = arena.empty(rows, column + dim + slack + 1)
  const own: Block = { at: x.at + 4 * column, rows, width: dim, stride: x.width }
  const out = arena.empty(rows, slots, slots + slack)
  // A single code is copied; the division of a mean is a multiplication in the kernel.
  const tolerance = slots === 1 ? {} : { absolute: 2e-7 * slots, relative: 5e-7 }
  const results: Result[] = [{ ...own, name: 'X', ...tolerance }]
  if (copies && indices.some((row) => codes[row].some((code) => code !== 0)))
    results.push({ ...out, name: 'codes' })
  else if (copies) return // a matrix of zeros says nothing
  const { after } = judge(build, arena, results, (k) =>
    k.embed(
      ...([own.at, own.stride, indicesAt, side.at, side.stride, word, slots] as const),
      ...([table.at, dim, copies ? out.at : 0, out.stride, rows] as const),
    ),
  )
  // Each row once more, as lists: neither kernel nor twin.
  for (const [row, index] of indices.entries()) {
    const means = listed(codes[index])
    const rowsOfTable = means.map((code) => floatsOf(arena.buffer, table, code, dim))
    for (const [k, found] of floatsOf(after, own, row, dim).entries()) {
      const wanted = rowsOfTable.reduce((sum, values) => sum + values[k], 0) / means.length
      assert.ok(Math.abs(found - wanted) < 1e-6, `row ${row}, number ${k}: ${found}, not ${wanted}`)
    }
    if (copies)
      assert.deepEqual([...new Uint32Array(after, out.at + 4 * row * out.stride, slots)], codes[index])
  }
}

for (const build of builds) {
  test(`embed ${build.name}: any shape, lists with zeros in them and empty lists`, () => {
    fc.assert(
      fc.property(shapes, fc.nat(), fc.boolean(), (shape, seed, copies) =>
        judgeEmbed(build, shape, { seed, copies }),
      ),
      { seed: 1, numRuns: 300 },
    )
  })

  test(`embed ${build.name}: a list takes its codes as often as they are in it, and an empty one row 0`, () => {
    const arena = new Arena(1 << 12)
    const table = arena.floats([10, 20, 30, 40, 1, 2, 3, 4, 5, 6, 7, 8])
    const side = arena.words([1, 2, 1, 0, 0, 0, 0, 2, 0])
    const indices = arena.words([0, 1, 2])
    const x = arena.empty(3, 4)
    const result = { ...x, name: 'X', absolute: 1e-6 }
    const { after } = judge(build, arena, [result], (k) =>
      k.embed(x.at, 4, indices, side, 3, 0, 3, table.at, 4, 0, 0, 3),
    )
    const found = floatsOf(after, x, 0, 12)
    const wanted = [7 / 3, 10 / 3, 13 / 3, 16 / 3, 10, 20, 30, 40, 5, 6, 7, 8]
    for (const [i, value] of wanted.entries()) assert.ok(Math.abs(found[i] - value) < 1e-6, `${found[i]}`)
  })

  test(`addToLogits and addDeltas ${build.name}: any shape, beside what is there already`, () => {
    fc.assert(
      fc.property(shapes, fc.nat(), ({ rows, dim, slack }, seed) => {
        const random = new Random(seed)
        const arena = new Arena(1 << 16)
        const x = arena.matrix(uniform(random), rows, dim, dim + slack)
        const z4 = arena.matrix(uniform(random), rows, 4)
        const delta = arena.matrix(uniform(random), rows, 1)
        const forward = { ...z4, name: 'z4', absolute: 4e-7 * dim }
        judge(build, arena, [forward], (k) => k.addToLogits(z4.at, x.at, x.stride, dim, rows))
        judge(build, arena, [{ ...x, name: 'd' }], (k) => k.addDeltas(x.at, x.stride, delta.at, dim, rows))
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  test(`setColumn ${build.name}: one column, and nothing beside it`, () => {
    for (const rows of [1, 2, 63, 64])
      for (const ldx of [1, 5, 8]) {
        const arena = new Arena(1 << 13)
        const x = arena.empty(rows, 1, ldx)
        judge(build, arena, [{ ...x, name: 'column' }], (k) => k.setColumn(x.at, ldx, 0.75, rows))
      }
  })
}

// ---- the step of Adam

interface Lazy {
  arena: Arena
  shape: Shape
  codes: number[][]
  codesBlock: Block
  deltas: Block
  p: Block
  m: Block
  v: Block
  sumOf: Block
  touched: Block
  sums: Block
  penalties?: Block // [codes]; absent: none
}

const HYPER = [0.01, 3, 0.9, 0.999, 1e-8, 0.999] as const // step size, scale of √v, β1, β2, ε, decay

function lazy(shape: Shape, seed: number, draw: (random: Random) => () => number): Lazy {
  const { rows, dim, slots, slack } = shape
  const random = new Random(seed)
  const arena = new Arena(1 << 18)
  const codes = Array.from({ length: rows }, () => drawCodes(random, slots))
  const codesBlock = arena.empty(rows, slots, slots + slack)
  for (const [row, own] of codes.entries()) arena.u32.set(own, codesBlock.at / 4 + row * codesBlock.stride)
  const deltas = arena.matrix(draw(random), rows, dim, dim + slack)
  const [p, m] = [0, 1].map(() => arena.matrix(uniform(random), CODES, dim))
  const v = arena.matrix(() => random.float(), CODES, dim)
  const sumOf = arena.matrix(() => 0, 1, CODES)
  const touched = arena.empty(1, rows * slots)
  const sums = arena.empty(rows * slots, dim)
  return { arena, shape, codes, codesBlock, deltas, p, m, v, sumOf, touched, sums }
}

function step(kernels: Kernels, q: Lazy, residue: number, residues: number): number {
  const { codesBlock, deltas, p, m, v, sumOf, touched, sums, shape, penalties } = q
  return kernels.embeddingAdam(
    ...([p.at, m.at, v.at, shape.dim, codesBlock.at, codesBlock.stride, shape.slots] as const),
    ...([residue, residues, deltas.at, deltas.stride, shape.rows] as const),
    ...([sumOf.at, touched.at, sums.at, ...HYPER, penalties?.at ?? 0] as const),
  )
}

/** The codes that the step updates, in the order in which the batch first has them. */
function order({ codes }: Lazy, residue: number, residues: number): number[] {
  return [...new Set(codes.flatMap(listed))].filter((code) => code % residues === residue)
}

/**
 * What may change: of the table and its moments the rows of the codes, and scratch. `sumOf` is not among it:
 * it is zeros afterwards too.
 */
function resultsOf(q: Lazy, codes: number[], tolerance: Partial<Result>): Result[] {
  const { dim } = q.shape
  const named = { parameters: q.p, 'first moments': q.m, 'second moments': q.v }
  const rows = Object.entries(named).flatMap(([what, block]) =>
    codes.map((code): Result => {
      const row = { at: block.at + 4 * code * dim, rows: 1, width: dim, stride: dim }
      return { ...row, name: `${what} of code ${code}`, ...tolerance }
    }),
  )
  const sums = { ...q.sums, rows: codes.length }
  const isZeroAlone = codes.length === 1 && codes[0] === 0
  const touched = { ...q.touched, width: codes.length, name: 'touched' }
  return [...rows, { ...sums, name: 'sums', ...tolerance }, ...(isZeroAlone ? [] : [touched])]
}

function judgeStep(
  build: Build,
  q: Lazy,
  { residue, residues, tolerance }: { residue: number; residues: number; tolerance: Partial<Result> },
) {
  const codes = order(q, residue, residues)
  // The judge takes a result of zeros for a case that tests nothing: this one has to be there already.
  if (codes.length === 1 && codes[0] === 0) q.arena.u32[q.touched.at / 4] = 0
  const results = codes.length > 0 ? resultsOf(q, codes, tolerance) : []
  return { codes, ...judge(build, q.arena, results, (k) => step(k, q, residue, residues)) }
}

for (const build of builds) {
  test(`embeddingAdam ${build.name}: single codes, gradients that sum exactly: as near as Adam itself`, () => {
    fc.assert(
      fc.property(shapes, fc.nat(), fc.constantFrom(1, 8), fc.nat(7), (shape, seed, residues, one) => {
        const q = lazy({ ...shape, slots: 1 }, seed, quarters)
        const tolerance = { absolute: 3e-7, relative: 5e-7 }
        const { returned } = judgeStep(build, q, { residue: one % residues, residues, tolerance })
        assert.equal(returned, 0)
      }),
      { seed: 2, numRuns: 200 },
    )
  })

  test(`embeddingAdam ${build.name}: a penalty of its own for each code`, () => {
    fc.assert(
      fc.property(shapes, fc.nat(), fc.constantFrom(1, 8), fc.nat(7), (shape, seed, residues, one) => {
        const q = lazy(shape, seed, uniform)
        q.penalties = q.arena.matrix(uniform(new Random(seed + 1)), 1, CODES)
        const tolerance = { absolute: 1e-5, relative: 2e-6 }
        const { returned } = judgeStep(build, q, { residue: one % residues, residues, tolerance })
        assert.equal(returned, 0)
      }),
      { seed: 5, numRuns: 100 },
    )
  })

  test(`embeddingAdam ${build.name}: lists with zeros in them, empty lists and codes named twice`, () => {
    fc.assert(
      fc.property(shapes, fc.nat(), fc.constantFrom(1, 8), fc.nat(7), (shape, seed, residues, one) => {
        const q = lazy({ ...shape, slots: Math.max(2, shape.slots) }, seed, uniform)
        const tolerance = { absolute: 1e-5, relative: 2e-6 }
        const { returned } = judgeStep(build, q, { residue: one % residues, residues, tolerance })
        assert.equal(returned, 0)
      }),
      { seed: 3, numRuns: 200 },
    )
  })

  // Neither kernel nor twin: from zero moments the first moment is a tenth of the gradient.
  test(`embeddingAdam ${build.name}: a code's gradient is the sum of its rows', a list's shared among its codes`, () => {
    for (const slots of [1, 3]) {
      const q = lazy({ rows: 60, dim: 8, slots, slack: 1 }, slots, uniform)
      q.arena.f32.fill(0, q.m.at / 4, q.m.at / 4 + CODES * 8)
      const gradient = Array.from({ length: CODES }, () => new Float64Array(8))
      for (const [row, own] of q.codes.entries()) {
        const codes = listed(own)
        const delta = floatsOf(q.arena.buffer, q.deltas, row, 8)
        for (const code of codes)
          for (const [k, value] of delta.entries()) gradient[code][k] += value / codes.length
      }
      const { after } = runBuild(build, q.arena, (k) => step(k, q, 0, 1))
      for (const [code, wanted] of gradient.entries())
        for (const [k, value] of floatsOf(after, q.m, code, 8).entries())
          assert.ok(
            Math.abs(value - 0.1 * wanted[k]) < 1e-6,
            `code ${code}: ${value}, not ${0.1 * wanted[k]}`,
          )
    }
  })

  test(`embeddingAdam ${build.name}: eight residues, one after another, are one step, to the bit`, () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, seed) => {
        const q = lazy(shape, seed, uniform)
        const whole = runBuild(build, q.arena, (k) => step(k, q, 0, 1)).after
        const parts = runBuild(build, q.arena, (k) => {
          for (let residue = 0; residue < 8; residue++) step(k, q, residue, 8)
        }).after
        for (const { at } of [q.p, q.m, q.v]) {
          const words = CODES * shape.dim
          assert.deepEqual(new Uint32Array(parts, at, words), new Uint32Array(whole, at, words))
        }
      }),
      { seed: 4, numRuns: 60 },
    )
  })

  test(`embeddingAdam ${build.name}: NaN and infinity are told apart by what holds them, in rows that the batch touches`, () => {
    const shape = { rows: 9, dim: 8, slots: 1, slack: 0 }
    const made = () => lazy(shape, 5, quarters)
    const [touched] = order(made(), 0, 1)
    const untouched = Array.from({ length: CODES }, (_, code) => code).find(
      (code) => !order(made(), 0, 1).includes(code),
    )!
    const row = made().codes.findIndex(([code]) => code === touched)
    for (const bad of [Number.NaN, Infinity, -Infinity])
      for (const k of [0, 5]) {
        const flagsOf = (block: Block, which: number) => {
          const q = made()
          q.arena.f32[block.at / 4 + which * block.stride + k] = bad
          return judgeStep(build, q, { residue: 0, residues: 1, tolerance: { absolute: 1e-6 } }).returned
        }
        const { p, m, v, deltas } = made()
        assert.equal(flagsOf(deltas, row), 7, `gradient ${bad}`)
        assert.equal(flagsOf(p, touched), 4, `parameter ${bad}`)
        assert.equal(flagsOf(m, touched), 6, `first moment ${bad}`)
        assert.equal(flagsOf(v, touched), bad === Infinity ? 2 : 6, `second moment ${bad}`)
        for (const block of [p, m, v])
          assert.equal(flagsOf(block, untouched), 0, 'of a row that is left alone')
      }
  })
}
