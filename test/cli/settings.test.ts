import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, test } from 'node:test'
import { NearrankError } from '../../src/errors.ts'
import { PRESETS } from '../../src/training/settings/presets.ts'
import { resolveRun, resolveSettings } from '../../src/training/settings/resolveSettings.ts'
import { SETTINGS } from '../../src/training/settings/trainSettings.ts'

/** For each key, values that must be refused. */
const WRONG: Record<string, unknown[]> = {
  preset: ['refernce', '', 1, null, 'toString', '__proto__'],
  epochs: [0, -1, 1.5, '2', Number.NaN, Number.POSITIVE_INFINITY, null, 10_001],
  learningRate: [0, -1e-3, '1e-3', Number.NaN, 11, true],
  schedule: ['step', '', 0, ['cosine']],
  warmupSteps: [-1, 0.5, '100'],
  batchSize: [0, 65_537, 10.5, '1024'],
  loss: ['hinge', '', null, ['softmax']],
  ndcgAt: [0, 101, 2.5, '10'],
  pairwiseWeight: [-0.1, 1.1, '0.5'],
  hidden: [256, '256,128', [0], [1.5], [4097], Array.from({ length: 17 }, () => 4), ['256'], null],
  activations: ['relu', ['tanh', 'relu'], [null, 'relu'], ['relu'], ['none', 'relu', 'relu']],
  beta1: [1, -0.1, '0.9'],
  beta2: [1, 2, Number.NaN],
  epsilon: [0, -1e-8, 2],
  weightDecay: [-0.1, 1.5],
  embeddingL2: [-1, 2e6, '10'],
  shuffle: [1, 'true', null],
  normalize: [0, 'no'],
  seed: [-1, 0.5, 2 ** 53, '1'],
  validation: [-0.1, 0.51, '0.01', Number.NaN],
  keep: ['first', true],
  patience: [-1, 1.5],
}

function isUsage(...parts: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NearrankError, String(error))
    assert.equal(error.code, 'USAGE')
    for (const part of parts) assert.match(error.message, part)
    return true
  }
}

describe('settings', () => {
  test('the reference preset is the reference job to the letter', () => {
    assert.deepEqual(resolveSettings({ preset: 'reference' }), {
      epochs: 5,
      learningRate: 1e-8,
      schedule: 'constant',
      warmupSteps: 0,
      batchSize: 1024,
      loss: 'logistic',
      ndcgAt: 10,
      pairwiseWeight: 0.5,
      hidden: [256, 128],
      activations: ['none', 'relu'],
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      embeddingL2: 0,
      shuffle: false,
      normalize: false,
      seed: 1,
      validation: 0,
      keep: 'last',
      patience: 0,
    })
  })

  test('presets pass their own checks, and are not shared', () => {
    for (const preset of ['default', 'reference'] as const) {
      const settings = resolveSettings({ preset })
      assert.deepEqual(settings, PRESETS[preset])
      settings.hidden.push(7)
      assert.notDeepEqual(settings, PRESETS[preset])
    }
    assert.deepEqual(resolveSettings({}), PRESETS.default)
  })

  test('every key overrides its preset, and nothing else changes', () => {
    const other = {
      epochs: 3,
      learningRate: 0.5,
      schedule: 'linear',
      warmupSteps: 7,
      batchSize: 5,
      loss: 'softmax',
      ndcgAt: 3,
      pairwiseWeight: 0.25,
      activations: ['relu', 'none'],
      beta1: 0.5,
      beta2: 0.25,
      epsilon: 0.125,
      weightDecay: 0.5,
      embeddingL2: 3,
      shuffle: false,
      normalize: false,
      seed: 99,
      validation: 0.25,
      keep: 'last',
      patience: 4,
    } as const
    assert.deepEqual([...Object.keys(other), 'hidden'].toSorted(), Object.keys(SETTINGS).toSorted())
    for (const [key, value] of Object.entries(other)) {
      assert.notDeepEqual(PRESETS.default[key as keyof typeof other], value, key)
      assert.deepEqual(resolveSettings({ [key]: value }), { ...PRESETS.default, [key]: value })
    }
  })

  test('each wrong value is refused, naming key and what was found', () => {
    assert.deepEqual(
      Object.keys(WRONG).toSorted(),
      ['preset', ...Object.keys(SETTINGS)].toSorted(),
      'a key has no wrong values in this test',
    )
    for (const [key, values] of Object.entries(WRONG))
      for (const value of values)
        assert.throws(
          () => resolveSettings({ [key]: value }),
          isUsage(key === 'activations' ? /activation/ : new RegExp(`\\b${key}\\b.* must be .*, found `)),
          `${key}: ${JSON.stringify(value)}`,
        )
  })

  test('undefined is not given; keys that are no settings are left alone', () => {
    assert.deepEqual(resolveSettings({ epochs: undefined }), PRESETS.default)
    const options = { data: 'd', out: 'o', threads: 3, epochs: 2 }
    assert.deepEqual(resolveSettings(options), { ...PRESETS.default, epochs: 2 })
    assert.deepEqual(options, { data: 'd', out: 'o', threads: 3, epochs: 2 })
  })

  test('new hidden layers are all relu unless activations are given', () => {
    assert.deepEqual(resolveSettings({ hidden: [8, 4, 2] }).activations, ['relu', 'relu', 'relu'])
    assert.deepEqual(resolveSettings({ hidden: [] }).activations, [])
    assert.deepEqual(resolveSettings({ hidden: [8], activations: ['none'] }).activations, ['none'])
    assert.throws(
      () => resolveSettings({ hidden: [8, 4], activations: ['relu'] }),
      isUsage(/2 hidden layers/),
    )
  })

  test('without a validation split the last epoch is kept, and what needs one is refused', () => {
    assert.equal(resolveSettings({ validation: 0 }).keep, 'last')
    assert.equal(resolveSettings({ preset: 'reference', validation: 0.1 }).keep, 'last')
    assert.throws(
      () => resolveSettings({ validation: 0, keep: 'best' }),
      isUsage(/keep best/, /validation is 0/),
    )
    assert.throws(() => resolveSettings({ preset: 'reference', patience: 1 }), isUsage(/patience/))
  })

  test('how to run: defaults, overrides and limits', () => {
    assert.deepEqual(resolveRun({}), {
      threads: availableParallelism(),
      maxMemoryBytes: 2 ** 30,
      checkpointSeconds: 60,
      turbo: 'off',
      kernels: 'auto',
      resume: false,
    })
    assert.equal(resolveRun({ threads: 1 }).threads, 1)
    for (const wrong of [
      { threads: 0 },
      { threads: 1.5 },
      { maxMemoryBytes: 1000 },
      { maxMemoryBytes: '1GiB' },
      { checkpointSeconds: -1 },
      { resume: 'yes' },
    ])
      assert.throws(() => resolveRun(wrong as object), isUsage(new RegExp(Object.keys(wrong)[0])))
  })
})
