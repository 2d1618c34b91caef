import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { resolveSettings } from '../../src/training/settings/resolveSettings.ts'
import { planRungs, survivors } from '../../src/training/tune/halving.ts'
import {
  drawTrial,
  SEARCHABLE,
  type Searchable,
  searchedOf,
  settingsOf,
} from '../../src/training/tune/space.ts'

test('rounds: a third of the trials, three times as long, the last in full', () => {
  assert.deepEqual(planRungs(20, 10_000), [
    { share: 1 / 9, trials: 20 },
    { share: 1 / 3, trials: 7 },
    { share: 1, trials: 3 },
  ])
  const trialsOf = (trials: number, steps = 1e6) => planRungs(trials, steps).map((rung) => rung.trials)
  assert.deepEqual(trialsOf(1), [1])
  assert.deepEqual(trialsOf(2), [2])
  assert.deepEqual(trialsOf(3), [3, 1])
  assert.deepEqual(trialsOf(27), [27, 9, 3, 1])
  assert.deepEqual(trialsOf(1000), [1000, 334, 112, 38], 'at most four')
  assert.deepEqual(trialsOf(27, 449), [27, 9], 'no training of fewer than 50 steps')
  assert.deepEqual(trialsOf(27, 450), [27, 9, 3])
})

test('who goes on: the lowest losses, and the preset in any case', () => {
  const losses = [0.5, 0.2, undefined, 0.1, 0.3]
  assert.deepEqual(survivors(losses, 2), [0, 1, 3])
  assert.deepEqual(survivors(losses, 4), [0, 1, 3, 4])
  assert.deepEqual(survivors([undefined, 0.2, 0.1], 1), [2], 'not if it failed')
  assert.deepEqual(survivors([0.9, 0.3, 0.3, 0.3], 2), [0, 1, 2], 'of equal ones the first')
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }), { minLength: 1 }),
      fc.integer({ min: 1, max: 20 }),
      (all, count) => {
        const on = survivors(all, count)
        const left = all.flatMap((loss, i) => (loss === undefined || on.includes(i) ? [] : [loss]))
        const worst = Math.max(...on.filter((i) => i > 0).map((i) => all[i]!), Number.NEGATIVE_INFINITY)
        assert.ok(left.every((loss) => loss >= worst))
        assert.ok(on.length <= count + 1 && on.every((i) => all[i] !== undefined))
      },
    ),
  )
})

test('what is drawn depends on the seed and the number of the trial alone, and lies around the preset', () => {
  const settings = fc.record({
    learningRate: fc.constantFrom(1e-8, 3e-3, 5, 10),
    batchSize: fc.constantFrom(1, 30, 1024, 65_536),
    embeddingL2: fc.constantFrom(0, 10, 1e6),
    seed: fc.nat(),
  })
  const searched = fc.subarray<Searchable>([...SEARCHABLE])
  fc.assert(
    fc.property(settings, searched, fc.integer({ min: 1, max: 999 }), (given, keys, trial) => {
      const base = resolveSettings(given)
      const all = drawTrial(base, SEARCHABLE, trial)
      const some = drawTrial(base, keys, trial)
      for (const key of keys) assert.deepEqual(some[key], all[key])
      assert.equal('activations' in some, keys.includes('hidden'))
      const drawn = resolveSettings(settingsOf(base, all, {})) // each value is one that training takes
      const { learningRate, batchSize } = base
      assert.ok(drawn.learningRate >= learningRate * 0.0995 && drawn.learningRate <= learningRate * 4.02)
      assert.ok(Number.isInteger(Math.log2(drawn.batchSize)), `${drawn.batchSize}`)
      if (batchSize === 1024) {
        assert.ok(drawn.batchSize >= 256 && drawn.batchSize <= 4096)
        assert.equal(drawn.warmupSteps * drawn.batchSize, 100 * 1024, 'a warm-up of as many rows')
      }
      assert.equal(settingsOf(base, all, { warmupSteps: 100 }).warmupSteps, 100, 'unless it is given')
    }),
  )
})

test('trial 0 is the preset, and others differ from one another', () => {
  const base = resolveSettings({})
  assert.deepEqual(settingsOf(base, drawTrial(base, SEARCHABLE, 0), {}), base)
  const others = Array.from({ length: 50 }, (_, i) => JSON.stringify(drawTrial(base, SEARCHABLE, i)))
  assert.equal(new Set(others).size, 50)
})

test('what is given is not varied, and embeddings only if there are any', () => {
  const data = { hasEmbeddings: true, hasDims: true }
  assert.deepEqual(searchedOf({ epochs: 3 }, data), [...SEARCHABLE])
  assert.deepEqual(searchedOf({ activations: [], learningRate: 1 }, data), [
    'batchSize',
    'embeddingL2',
    'weightDecay',
    'embeddingDims',
  ])
  assert.deepEqual(searchedOf({}, { hasEmbeddings: false, hasDims: false }), [
    'learningRate',
    'batchSize',
    'hidden',
    'weightDecay',
  ])
})
