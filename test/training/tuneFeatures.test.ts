import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Declaration } from '../../src/features/declaration.ts'
import { createMemory } from '../../src/kernels/kernels.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { train } from '../../src/training/train.ts'
import { tune } from '../../src/training/tune.ts'
import { prepareRun } from '../../src/training/run/prepareRun.ts'
import { declareDims, hasFreeDims, scaleDims } from '../../src/training/tune/embeddingDims.ts'
import { epochSize } from '../../src/training/rows/epochSize.ts'
import { startTraining } from '../../src/training/run/startTraining.ts'
import type { TrainSettings } from '../../src/training/types.ts'
import { runTrial } from '../../src/training/tune/trial.ts'
import { smallData } from './dataFixture.ts'

const { data, folder } = await smallData({ kind: 'realistic', rows: 6000, testRows: 500, files: 2 })
const features: Declaration = {
  'user.gender': { kind: 'category', dim: 12 },
  'user.age': { kind: 'number', scale: 'rank' },
  'pair.taste': { kind: 'cross', user: 'gender', restaurant: 'cuisines' },
  'pair.distance': { kind: 'distance' },
}
const options = {
  data,
  contextFeatures: ['time', 'device', 'companion'],
  groupColumn: 'request_id',
  positionColumn: 'position',
  ids: 'restaurants' as const,
  features,
  validation: 0.2,
  threads: 1,
}

test('embeddings of another width: what is declared makes the features that the trial had, and its figure', async () => {
  const prepared = await prepareRun(
    { ...options, epochs: 1, out: join(folder, 'none') },
    { measuresTest: false, checkOut: async () => {} },
  )
  try {
    const { features: own, settings } = prepared
    assert.ok(hasFreeDims(own, features))
    for (const factor of [0.5, 2]) {
      const dimsOf = (all: object) => JSON.stringify(all).match(/"dim":\d+/g)
      const scaled = scaleDims(own, features, factor)
      const declared = declareDims(own, features, factor)
      if (factor === 2) assert.notDeepEqual(dimsOf(scaled), dimsOf(own))
      assert.deepEqual(declared['user.gender'], features['user.gender'], 'what is declared stays')
      const memory = createMemory(64 * 2 ** 20)
      const ended = await runTrial({ ...prepared, memory }, { settings, embeddingDims: factor }, 1, () => {})
      const { epochs } = await train({
        ...options,
        ...settings,
        out: join(folder, 'model'),
        features: declared,
      })
      const { description } = await loadModelFiles(join(folder, 'model'))
      assert.deepEqual(description.features, JSON.parse(JSON.stringify(scaled)))
      assert.ok('loss' in ended)
      assert.equal(ended.loss, epochs[0].validationLoss)
    }
    assert.deepEqual(scaleDims(own, features, 1), own)
    assert.deepEqual(declareDims(own, features, 1), features)
  } finally {
    await prepared.pack.close()
  }
})

test('a part of an epoch of groups is that part of its rows, and its schedule ends with it', async () => {
  const prepared = await prepareRun(
    { ...options, epochs: 1, out: join(folder, 'none') },
    { measuresTest: false, checkOut: async () => {} },
  )
  try {
    // A batch holds one group of 20.
    const settings: TrainSettings = { ...prepared.settings, batchSize: 32, schedule: 'linear' }
    const { rows, steps } = await epochSize(prepared.pack, settings)
    const run = { ...prepared, settings, memory: createMemory(64 * 2 ** 20) }
    const { lead, training } = await startTraining(run, 1 / 3)
    try {
      await training.train()
      const { epochs, step } = training.state
      assert.ok(epochs[0].rows <= Math.ceil(rows / 3) && epochs[0].rows > rows / 3 - 32)
      assert.ok(Math.abs(step - steps / 3) <= 1, `${step} of ${steps} steps`)
    } finally {
      await lead.close()
    }
  } finally {
    await prepared.pack.close()
  }
})

test('losses of the order are compared by NDCG@10, and a batch shorter than the longest group fails', async () => {
  const { measure, best, trials, searched } = await tune({
    ...options,
    out: join(folder, 'ordered'),
    loss: 'softmax',
    epochs: 4,
    trials: 6,
    hidden: [8],
  })
  assert.equal(measure, 'ndcg10')
  assert.deepEqual(searched, ['learningRate', 'batchSize', 'embeddingL2', 'weightDecay', 'embeddingDims'])
  const whole = trials.map(({ rungs }) => rungs[1])
  const ndcgs = whole.map((rung) => (rung && 'loss' in rung ? rung.validationNdcg10! : -1))
  assert.equal(ndcgs[best], Math.max(...ndcgs))
  for (const { settings, rungs } of trials) {
    const [first] = rungs
    const isShort = (settings.batchSize as number) < 20
    assert.equal('failed' in first, isShort)
    if ('failed' in first) assert.match(first.failed, /the longest has 20 rows/)
    else assert.equal(first.loss, 1 - first.validationNdcg10!)
  }
  assert.ok(trials.some(({ settings }) => (settings.batchSize as number) < 20))
})
