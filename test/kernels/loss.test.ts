import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Random } from '../../src/random.ts'
import { Arena, uniform } from './arena.ts'
import { builds, judge, runBuild, sameBits } from './judge.ts'
import { batch, judgeLoss, up4 } from './lossCase.ts'

for (const build of builds) {
  test(`loss ${build.name}: any rows and padding, |delta error| < 2e-7·scale, loss error < 1e-6·rows`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.nat(3),
        fc.nat(),
        fc.double({ min: 1e-3, max: 4, noNaN: true }),
        (...a) => {
          const [rows, padding, seed, scale] = a
          const random = new Random(seed)
          const next = uniform(random, 3)
          const lanes = Array.from({ length: rows }, () => [next(), next(), next(), next()])
          const clicks = lanes.map(() => random.below(2))
          judgeLoss(build, batch(lanes, clicks, up4(rows) + 4 * padding), 0.125, Math.fround(scale))
        },
      ),
      { seed: 1, numRuns: 500 },
    )
  })

  test(`weightedLoss ${build.name}: any rows and weights, as its twin; what they are past the end says nothing`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.nat(),
        fc.constantFrom(1, 0.7, 3, 40).map(Math.fround),
        (rows, seed, mean) => {
          const random = new Random(seed)
          const next = uniform(random, 3)
          const lanes = Array.from({ length: rows }, () => [next(), next(), next(), next()])
          const clicks = lanes.map(() => random.below(2))
          const weights = lanes.map(() => [0, 0.25, 1.7, 60][random.below(4)]).map(Math.fround)
          weights[0] = 2
          const past = Array.from({ length: up4(rows) - rows }, (_, i) => [NaN, Infinity, 7][i])
          judgeLoss(build, batch(lanes, clicks, up4(rows) + 4, [...weights, ...past]), 0.125, 0.25, mean)
        },
      ),
      { seed: 1, numRuns: 300 },
    )
  })

  test(`weightedLoss ${build.name}: equal weights give the same bits as none, 0 no delta and no loss`, () => {
    const random = new Random(5)
    const next = uniform(random, 3)
    const lanes = Array.from({ length: 67 }, () => [next(), next(), next(), next()])
    const clicks = lanes.map(() => random.below(2))
    const run = (weights: number[], mean: number) => {
      const q = batch(lanes, clicks, 72, weights)
      const { after } = runBuild(build, q.arena, (k) => {
        const own = [q.z4.at, 0.5, q.clicks, q.delta.at, q.rows, q.rowsPadded, 0.1, q.stats] as const
        if (mean === 0) k.loss(...own)
        else k.weightedLoss(...own, q.weights, mean)
      })
      return [...new Float32Array(after, q.delta.at, 72), ...new Float64Array(after, q.stats, 3)]
    }
    const plain = run([], 0)
    for (const weight of [1, 3, Math.fround(0.1), 1e15])
      assert.deepEqual(
        run(
          Array.from({ length: 68 }, () => weight),
          weight,
        ),
        plain,
      )
    const none = run(
      Array.from({ length: 68 }, () => 0),
      2,
    )
    assert.deepEqual(none.slice(0, -1).map(Math.abs), [...Array.from({ length: 72 }, () => 0), 0.5, 0.25])
    assert.equal(none.at(-1), plain.at(-1))
  })

  test(`loss ${build.name}: rows past the end get delta 0 and count for nothing`, () => {
    for (let rows = 1; rows <= 9; rows++) {
      const lanes = Array.from({ length: rows }, () => [1, 2, -1, 0.5])
      const q = batch(lanes, [...lanes.map(() => 1), 1, 1, 1, 1], up4(rows) + 8)
      const { after } = judgeLoss(build, q, 0, 1)
      const delta = [...new Float32Array(after).subarray(q.delta.at / 4, q.delta.at / 4 + q.rowsPadded)]
      assert.deepEqual(delta.slice(rows), delta.slice(rows).fill(0))
      assert.equal(new Float64Array(after)[q.stats / 8 + 2], 3 + rows)
    }
  })

  const MAGNITUDES = [
    0, 1e-45, 1e-38, 1e-8, 1e-4, 0.01, 0.3, 0.3466, 1, 2, 5, 16, 20, 40, 86.9, 87, 87.3, 87.4, 88, 100, 1e4,
    1e38,
  ]
  const LOGITS = MAGNITUDES.flatMap((z) => [z, -z]).map(Math.fround)

  /** One row with this logit: its delta and its loss, to be compared with float64 here and not with the twin. */
  function one(z: number, click: number) {
    const q = batch([[z, 0, 0, 0]], [click], 4)
    new Float64Array(q.arena.buffer, q.stats, 3).fill(0)
    const { after } = runBuild(build, q.arena, (k) =>
      k.loss(q.z4.at, 0, q.clicks, q.delta.at, 1, 4, 1, q.stats),
    )
    const [loss, deltaSum, correct] = new Float64Array(after, q.stats, 3)
    return { loss, deltaSum, correct, delta: new Float32Array(after)[q.delta.at / 4] }
  }

  test(`loss ${build.name}: sigmoid of −1e38 … 1e38, relative error < 5e-7 from 1.2e-38 up`, () => {
    for (const z of LOGITS) {
      const { delta, deltaSum } = one(z, 0)
      const sigmoid = z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z))
      assert.ok(
        Math.abs(delta - sigmoid) <= 1.3e-38 + 5e-7 * sigmoid,
        `sigmoid(${z}) is ${delta}, not ${sigmoid}`,
      )
      assert.equal(deltaSum, delta)
    }
  })

  test(`loss ${build.name}: log loss of −1e38 … 1e38, relative error < 5e-7 from 1.2e-38 up`, () => {
    for (const z of LOGITS)
      for (const click of [0, 1]) {
        const margin = click === 1 ? z : -z // log(1 + exp(−margin))
        const expected = margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin))
        const { loss, correct, delta } = one(z, click)
        const error = Math.abs(loss - expected)
        assert.ok(
          error <= 1.3e-38 + 5e-7 * expected,
          `log loss of ${z}, click ${click} is ${loss}, not ${expected}`,
        )
        assert.equal(correct, z > 0 === (click === 1) ? 1 : 0, `z ${z}, click ${click}`)
        assert.ok(click === 1 ? delta <= 0 : delta >= 0, `delta of ${z}, click ${click} is ${delta}`)
      }
  })

  // Nothing in this kernel is relaxed, so its error is the same on every machine: the bounds stand just above what was measured
  // (1.8e-7, 1.6e-7, 1.9e-7), below what one term fewer of either series gives.
  test(`loss ${build.name}: 8,001 logits in ±17: sigmoid < 2.2e-7, log loss < 2.2e-7 relative error`, () => {
    const q = batch([[0, 0, 0, 0]], [0], 4)
    build.bytes.set(q.arena.u8)
    const { buffer } = build.bytes
    const z4 = new Float32Array(buffer, q.z4.at, 4)
    const delta = new Float32Array(buffer, q.delta.at, 4)
    const stats = new Float64Array(buffer, q.stats, 3)
    for (let i = -4000; i <= 4000; i++)
      for (const click of [0, 1]) {
        const z = Math.fround((i * 17) / 4000)
        z4[0] = z
        build.bytes[q.clicks] = click
        stats.fill(0)
        build.kernels.loss(q.z4.at, 0, q.clicks, q.delta.at, 1, 4, 1, q.stats)
        const e = Math.exp(-Math.abs(z))
        const sigmoid = z < 0 ? e / (1 + e) : 1 / (1 + e)
        if (click === 0) assert.ok(Math.abs(delta[0] / sigmoid - 1) < 2.2e-7, `sigmoid(${z}) is ${delta[0]}`)
        const expected = Math.max(z, 0) - click * z + Math.log1p(e)
        assert.ok(
          Math.abs(stats[0] / expected - 1) < 2.2e-7,
          `log loss of ${z}, click ${click} is ${stats[0]}`,
        )
      }
  })

  test(`loss ${build.name}: NaN and infinity in any lane reach delta's sum or the loss, and no other row`, () => {
    for (const bad of [Number.NaN, Infinity, -Infinity])
      for (const row of [0, 3, 4, 6])
        for (const lane of [0, 1, 2, 3])
          for (const click of [0, 1]) {
            const lanes = Array.from({ length: 7 }, () => [1, 0.5, -1, 0.25])
            lanes[row][lane] = bad
            const q = batch(
              lanes,
              lanes.map(() => click),
              8,
            )
            const { after } = judgeLoss(build, q, 0, 1)
            const [loss] = new Float64Array(after, q.stats, 3)
            assert.ok(!Number.isFinite(loss), `${bad} in row ${row} gives a loss of ${loss}`)
            for (let i = 0; i < 7; i++)
              if (i !== row) assert.ok(Number.isFinite(new Float32Array(after)[q.delta.at / 4 + i]))
          }
  })

  test(`logits ${build.name}: error < 1e-6 for any number of rows, nothing behind them`, () => {
    const random = new Random(2)
    for (let rows = 1; rows <= 13; rows++) {
      const arena = new Arena(1024)
      const z4 = arena.matrix(uniform(random), rows, 4)
      const out = arena.empty(1, rows)
      judge(build, arena, [{ ...out, name: 'logits', absolute: 1e-6 }], (k) =>
        k.logits(z4.at, 0.1, out.at, rows),
      )
    }
  })
}

test('loss and weightedLoss: native builds give the same bits as WebAssembly', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 140 }), fc.nat(2), fc.nat(), (rows, spread, seed) => {
      const random = new Random(seed)
      const next = uniform(random, [0.1, 5, 60][spread])
      const lanes = Array.from({ length: rows }, () => [next(), next(), next(), next()])
      const clicks = lanes.map(() => random.below(2))
      const weights = Array.from({ length: up4(rows) }, () => Math.fround(0.1 + 3 * random.float()))
      const q = batch(lanes, clicks, up4(rows) + 4, weights)
      const own = [
        q.z4.at,
        Math.fround(next()),
        q.clicks,
        q.delta.at,
        rows,
        q.rowsPadded,
        0.01,
        q.stats,
      ] as const
      sameBits(q.arena, (kernels) => kernels.loss(...own))
      sameBits(q.arena, (kernels) => kernels.weightedLoss(...own, q.weights, Math.fround(1.3)))
    }),
    { seed: 7, numRuns: 300 },
  )
})
