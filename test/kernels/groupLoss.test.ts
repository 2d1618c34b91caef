import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { GROUP_LOSSES } from '../../src/kernels/kernels.ts'
import { naiveKernels } from '../../src/kernels/naive/naiveKernels.ts'
import { Random } from '../../src/random.ts'
import { Arena, type Block } from './arena.ts'
import { ARENA_BYTES, type Build, builds, judge, nativeBuilds, runBuild } from './judge.ts'

type Loss = keyof typeof GROUP_LOSSES
const LOSSES = Object.keys(GROUP_LOSSES) as Loss[]

/** What a kernel uses beside its arguments: no twin does, so it lies behind what both share. */
const SCRATCH = ARENA_BYTES - (1 << 16)

interface Rows {
  logits: number[]
  clicks: number[]
  groups: number[]
  weights?: number[]
}

interface Options {
  loss: Loss
  rowMean?: number
  clickMean?: number
  scale?: number
  k?: number
  weight?: number
}

/** Groups of such sizes, whose numbers say nothing but where each ends; a click in every third row or so. */
function drawRows(random: Random, sizes: number[], { quarters = false } = {}): Rows {
  const rows: Rows = { logits: [], clicks: [], groups: [] }
  for (const size of sizes) {
    const group = random.uint32()
    const kind = random.below(6) // of 6 one without a click, one with nothing else
    for (let row = 0; row < size; row++) {
      rows.logits.push(quarters ? (random.below(9) - 4) / 4 : Math.fround(3 * random.normal()))
      rows.clicks.push(kind === 0 ? 0 : kind === 1 ? 1 : Number(random.below(3) === 0))
      rows.groups.push(group)
    }
  }
  return rows
}

/** The same rows, some of which count nothing, some much. */
function weighted(rows: Rows, random: Random): Rows {
  return { ...rows, weights: rows.logits.map(() => [0, 0.25, 1, 1.7, 30][random.below(5)]).map(Math.fround) }
}

function batchOf({ logits, clicks, groups, weights }: Rows) {
  const arena = new Arena(1 << 16)
  const at = {
    logits: arena.floats(logits).at,
    clicks: arena.bytes(clicks),
    groups: arena.words(groups),
    weights: weights ? arena.floats(weights).at : 0,
    delta: arena.empty(1, logits.length),
    stats: arena.empty(1, 6),
  }
  new Float64Array(arena.buffer, at.stats.at, 3).set([0.5, 0.25, 3]) // the kernel adds to what is there
  return { arena, at }
}

function callOf(rows: Rows, at: ReturnType<typeof batchOf>['at'], options: Options) {
  const { loss, scale = 0.125, k = 10, weight = 0.5, rowMean = 1, clickMean = 1 } = options
  const count = rows.logits.length
  return (kernels: Parameters<Parameters<typeof runBuild>[2]>[0]) => {
    kernels.groupLoss(
      ...([GROUP_LOSSES[loss], at.logits, at.clicks, at.groups, count, at.delta.at, SCRATCH] as const),
      ...([scale, k, weight, at.stats.at, at.weights, rowMean, clickMean] as const),
    )
  }
}

function judgeLoss(build: Build, rows: Rows, options: Options): void {
  const { arena, at } = batchOf(rows)
  const largest = Math.max(1, ...(rows.weights ?? []))
  const longest = largest * Math.max(...sizesOf(rows))
  const delta = { ...at.delta, name: 'delta', absolute: 3e-7 * longest, relative: 2e-6 }
  const stats: Block = { at: at.stats.at, rows: 1, width: 3, stride: 3 }
  const sums = { ...stats, name: 'stats', type: 'f64' as const }
  judge(
    build,
    arena,
    [delta, { ...sums, absolute: 2e-6 * longest * rows.logits.length, relative: 3e-6 }],
    callOf(rows, at, options),
  )
}

function sizesOf({ groups }: Rows): number[] {
  const sizes: number[] = []
  for (const [row, group] of groups.entries())
    if (row > 0 && group === groups[row - 1]) sizes[sizes.length - 1]++
    else sizes.push(1)
  return sizes
}

/** Loss and gradients by the twin, in the units of one row. */
function naive(rows: Rows, options: Options): { loss: number; delta: number[] } {
  const { arena, at } = batchOf(rows)
  const after = arena.buffer.slice(0)
  callOf(rows, at, { ...options, scale: 1 })(naiveKernels(after))
  return {
    loss: new Float64Array(after, at.stats.at, 1)[0] - 0.5,
    delta: [...new Float32Array(after, at.delta.at, rows.logits.length)],
  }
}

for (const build of builds) {
  test(`groupLoss ${build.name}: any groups, as its twin`, () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(
        sizes,
        fc.nat(),
        fc.constantFrom(...LOSSES),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(0, 0.25, 0.5, 1),
        fc.boolean(),
        fc.boolean(),
        (shape, seed, loss, k, weight, quarters, hasWeights) => {
          // At least one group that has an order.
          const random = new Random(seed)
          const rows = drawRows(random, shape, { quarters })
          rows.logits.push(1, -1, 0.5)
          rows.clicks.push(0, 1, 0)
          rows.groups.push(7, 7, 7)
          const given = hasWeights ? weighted(rows, random) : rows
          if (given.weights) given.weights[rows.logits.length - 2] = 1.5
          judgeLoss(build, given, { loss, k, weight, rowMean: 1.25, clickMean: 0.75 })
        },
      ),
      { seed: 1, numRuns: 300 },
    )
  })

  test(`groupLoss ${build.name}: a group as long as any`, () => {
    const random = new Random(3)
    const rows: Rows = {
      logits: Array.from({ length: 1024 }, () => Math.fround(random.normal())),
      clicks: Array.from({ length: 1024 }, () => Number(random.below(9) === 0)),
      groups: Array.from({ length: 1024 }, () => 5),
    }
    for (const loss of LOSSES) judgeLoss(build, rows, { loss })
  })

  test(`groupLoss ${build.name}: far logits are neither infinite nor lost, NaN is not hidden`, () => {
    const rows: Rows = { logits: [80, -90, 3e4, 0], clicks: [0, 1, 0, 1], groups: [1, 1, 1, 1] }
    for (const loss of LOSSES) {
      judgeLoss(build, rows, { loss })
      const wrong = { ...rows, logits: [80, NaN, 3, 0] }
      const { arena, at } = batchOf(wrong)
      const { after } = runBuild(build, arena, callOf(wrong, at, { loss }))
      assert.ok(Number.isNaN(new Float64Array(after, at.stats.at, 1)[0]), loss)
    }
  })

  test(`groupLoss ${build.name}: one number added to a group's logits changes nothing of its order`, () => {
    const rows = drawRows(new Random(8), [5, 9, 20, 20], { quarters: true })
    const moved = { ...rows, logits: rows.logits.map((z, row) => z + (rows.groups[row] % 4)) }
    for (const loss of ['pairwise', 'lambdarank', 'softmax'] as const) {
      const [own, other] = [rows, moved].map((which) => {
        const { arena, at } = batchOf(which)
        const { after } = runBuild(build, arena, callOf(which, at, { loss }))
        return new Float32Array(after, at.delta.at, rows.logits.length)
      })
      assert.ok(own.some((value) => value !== 0))
      for (const [row, value] of own.entries()) assert.ok(Math.abs(value - other[row]) < 1e-6, loss)
    }
  })
}

/** Deltas of one build. */
function deltasOf(build: Build, rows: Rows, options: Options): Float32Array {
  const { arena, at } = batchOf(rows)
  const { after } = runBuild(build, arena, callOf(rows, at, options))
  return new Float32Array(after, at.delta.at, rows.logits.length)
}

/** Deltas and sums, bit by bit. */
function bitsOf(build: Build, rows: Rows, options: Options): Uint32Array[] {
  const { arena, at } = batchOf(rows)
  const { after } = runBuild(build, arena, callOf(rows, at, options))
  return [new Uint32Array(after, at.delta.at, rows.logits.length), new Uint32Array(after, at.stats.at, 6)]
}

const [relaxed] = builds
for (const build of nativeBuilds)
  test(`groupLoss ${build.name}: the bits of the relaxed build, whatever the groups and logits`, () => {
    const random = new Random(11)
    for (let round = 0; round < 200; round++) {
      const sizes = Array.from({ length: 1 + random.below(6) }, () => 1 + random.below(70))
      const rows = drawRows(random, sizes, { quarters: round % 3 === 0 })
      const odd = [0, -0, 1e-30, -200, 3e38][round % 5]
      rows.logits[random.below(rows.logits.length)] = Math.fround(odd)
      const given = round % 2 === 0 ? rows : weighted(rows, random)
      for (const loss of LOSSES) {
        const options = { loss, weight: random.float(), scale: random.float(), rowMean: 1.5, clickMean: 0.5 }
        assert.deepEqual(bitsOf(build, given, options), bitsOf(relaxed, given, options))
      }
    }
  })

for (const build of builds)
  test(`groupLoss ${build.name}: equal weights give the same bits as none`, () => {
    const rows = drawRows(new Random(9), [7, 20, 3, 30])
    for (const weight of [1, 3, Math.fround(0.7), 1e15])
      for (const loss of LOSSES) {
        const equal = { ...rows, weights: rows.logits.map(() => weight) }
        const deltas = deltasOf(build, equal, { loss, rowMean: weight, clickMean: weight })
        assert.deepEqual(deltas, deltasOf(build, rows, { loss }))
      }
  })

test('the twin: of the order, the weight of the clicked row counts; of the cross-entropy, that of each row', () => {
  const softplus = (x: number) => Math.log1p(Math.exp(x))
  const close = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-12, `${found}`)
  const [z, w] = [
    [2, 1, 0, -1],
    [3, 4, 0.5, 8],
  ]
  const rows: Rows = { logits: z, clicks: [0, 1, 0, 1], groups: [4, 4, 4, 4], weights: w }
  const pairs = (i: number) => softplus(z[0] - z[i]) + softplus(z[2] - z[i])
  const pairwise = ((4 / 2) * pairs(1) + (8 / 2) * pairs(3)) * (4 / 4)
  close(naive(rows, { loss: 'pairwise', clickMean: 2 }).loss, pairwise)
  const all = Math.log(z.reduce((sum, one) => sum + Math.exp(one), 0))
  close(naive(rows, { loss: 'softmax' }).loss, (4 * (4 * (all - 1) + 8 * (all + 1))) / 2)
  const logistic = 3 * softplus(2) + 4 * softplus(-1) + 0.5 * softplus(0) + 8 * softplus(1)
  const both = { loss: 'logistic+pairwise', weight: 0.25, rowMean: 5, clickMean: 2 } as const
  close(naive(rows, both).loss, 0.25 * pairwise + (0.75 * logistic) / 5)
  // Ranks and the best order are those of the rows, whatever they count.
  const lambdas = [4, 8].map((one, i) => {
    const own = w.map((_, row) => (row === 1 + 2 * i ? one : 0))
    return naive({ ...rows, weights: own }, { loss: 'lambdarank' }).loss
  })
  const halves = [1, 0].map((one) =>
    naive({ ...rows, weights: [0, one, 0, 1 - one] }, { loss: 'lambdarank' }),
  )
  close(naive(rows, { loss: 'lambdarank' }).loss, lambdas[0] + lambdas[1])
  close(lambdas[0] + lambdas[1], 4 * halves[0].loss + 8 * halves[1].loss)
})

for (const hasWeights of [false, true])
  test(`the twin: gradients are those of the loss by numeric differentiation, ranks taken as given${hasWeights ? ', with weights' : ''}`, () => {
    const random = new Random(4)
    const drawn = drawRows(random, [1, 2, 6, 11, 20])
    const rows = hasWeights ? weighted(drawn, random) : drawn
    const step = 2 ** -10 // exact in float32
    for (const loss of LOSSES) {
      const options = { loss, weight: 0.25, k: 5, rowMean: 6, clickMean: 3 }
      const { delta } = naive(rows, options)
      const moved = (row: number, by: number) => {
        const logits = rows.logits.map((z, i) => (i === row ? Math.fround(z + by) : z))
        return naive({ ...rows, logits }, options).loss
      }
      for (const [row, found] of delta.entries()) {
        const [up, down] = [step, -step].map((by) => Math.fround(rows.logits[row] + by) - rows.logits[row])
        const wanted = (moved(row, step) - moved(row, -step)) / (up - down)
        assert.ok(
          Math.abs(found - wanted) < 2e-4 * (1 + Math.abs(wanted)),
          `${loss} ${row}: ${found}, ${wanted}`,
        )
      }
    }
  })

test('the twin: pairs, ranks and shares by hand', () => {
  const rows: Rows = { logits: [2, 1, 0], clicks: [0, 1, 0], groups: [4, 4, 4] }
  const softplus = (x: number) => Math.log1p(Math.exp(x))
  const close = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-12, `${found}`)
  close(naive(rows, { loss: 'pairwise' }).loss, (3 * (softplus(1) + softplus(-1))) / 2)
  const [first, second, third] = [1, 1 / Math.log2(3), 0.5]
  const swaps = (first - second) * softplus(1) + (second - third) * softplus(-1)
  close(naive(rows, { loss: 'lambdarank' }).loss, 3 * swaps)
  close(naive(rows, { loss: 'lambdarank', k: 1 }).loss, 3 * softplus(1))
  close(naive(rows, { loss: 'softmax' }).loss, -3 * Math.log(Math.E / (Math.E ** 2 + Math.E + 1)))
  const logistic = softplus(2) + softplus(1) - 1 + softplus(0)
  close(
    naive(rows, { loss: 'logistic+pairwise', weight: 0.25 }).loss,
    0.25 * naive(rows, { loss: 'pairwise' }).loss + 0.75 * logistic,
  )
  close(naive({ ...rows, clicks: [0, 0, 0] }, { loss: 'softmax' }).loss, 0)
})

type Losses = Record<Loss, { loss: number; gradient: number[] }>
interface Golden {
  rows: Rows
  k: number
  weight: number
  losses: Losses
  weighted: { weights: number[]; rowMean: number; clickMean: number; losses: Losses }
}

const golden = JSON.parse(readFileSync(new URL('golden/groupLosses.json', import.meta.url), 'utf8')) as Golden

for (const build of builds)
  test(`groupLoss ${build.name}: losses and gradients as PyTorch's, relative error < 1e-5, with weights and without`, () => {
    const { rows: plain, k, weight, losses, weighted: other } = golden
    const cases: [Rows, Losses][] = [
      [plain, losses],
      [{ ...plain, weights: other.weights }, other.losses],
    ]
    for (const [rows, expected] of cases)
      for (const loss of LOSSES) {
        const { arena, at } = batchOf(rows)
        const options = { loss, k, weight, scale: 1, rowMean: other.rowMean, clickMean: other.clickMean }
        const { after } = runBuild(build, arena, callOf(rows, at, options))
        const found = new Float64Array(after, at.stats.at, 1)[0] - 0.5
        const wanted = expected[loss]
        assert.ok(Math.abs(found / wanted.loss - 1) < 1e-5, `${loss}: ${found}, not ${wanted.loss}`)
        const largest = Math.max(...wanted.gradient.map(Math.abs))
        const delta = new Float32Array(after, at.delta.at, rows.logits.length)
        for (const [row, value] of wanted.gradient.entries())
          assert.ok(
            Math.abs(delta[row] - value) < 1e-5 * largest,
            `${loss} ${row}: ${delta[row]}, not ${value}`,
          )
      }
  })
