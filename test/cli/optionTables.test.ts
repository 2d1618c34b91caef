import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type Flag, flagsOf } from '../../src/cli/flags/flags.ts'
import { GENERATE_OPTIONS } from '../../src/dataset/generator/options.ts'
import { COLUMNS, DATASET_OPTIONS } from '../../src/dataset/options.ts'
import { checkKeys } from '../../src/options/checkOptions.ts'
import type { OptionTable } from '../../src/options/option.ts'
import { constraintsTable } from '../../src/training/report/constraints.ts'
import { resolveSettings } from '../../src/training/settings/resolveSettings.ts'
import { RUN } from '../../src/training/settings/runOptions.ts'
import { SETTINGS } from '../../src/training/settings/trainSettings.ts'
import { TRAIN_OPTIONS } from '../../src/training/settings/allTrainOptions.ts'
import type { TrainSettings } from '../../src/training/types.ts'
import { runCli } from './runCli.ts'
import { goodResult } from './trainResult.ts'

/** What the reference job leaves open; a validation split shows in the rows. */
const UNCONSTRAINED = new Set([
  'ndcgAt',
  'pairwiseWeight',
  'embeddingL2',
  'seed',
  'validation',
  'keep',
  'patience',
])

const OTHER: { [K in keyof TrainSettings]: TrainSettings[K] } = {
  epochs: 4,
  learningRate: 1e-7,
  schedule: 'linear',
  warmupSteps: 10,
  batchSize: 512,
  loss: 'softmax',
  ndcgAt: 5,
  pairwiseWeight: 0.3,
  hidden: [128, 128],
  activations: ['relu', 'relu'],
  beta1: 0.8,
  beta2: 0.99,
  epsilon: 1e-7,
  embeddingL2: 3,
  weightDecay: 0.01,
  shuffle: true,
  normalize: true,
  seed: 2,
  validation: 0.1,
  keep: 'best',
  patience: 1,
}

function textOf(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
}

describe('tables of options', () => {
  test('every option has a flag and a line of the help that begins with it', async () => {
    const { stdout } = await runCli(['train', '--help'])
    for (const [key, option] of Object.entries<OptionTable[string]>(TRAIN_OPTIONS))
      assert.ok(option.flag !== undefined || option.parts || key === 'features', `${key} has no flag`)
    let shared: Flag | undefined // of the flags on one line, the one that tells them
    for (const flag of flagsOf(TRAIN_OPTIONS)) {
      const [word] = flag.flags.split(' ')
      if (flag.help !== undefined) {
        shared = flag
        assert.match(stdout, new RegExp(`^ {2}.*${word}[ ,].* {2}\\S`, 'm'), word)
      } else {
        const { term, flag: all } = shared?.option ?? {}
        assert.ok((term ?? all ?? '').split(/[ ,]+/).includes(word), `${word} has no line of the help`)
      }
    }
  })

  test('no two options have one flag', () => {
    for (const table of [TRAIN_OPTIONS, GENERATE_OPTIONS]) {
      const words = flagsOf(table).map(({ flags }) => flags.split(' ')[0])
      assert.deepEqual(words, [...new Set(words)])
    }
  })

  test('the comment of an entry tells what it means, for editors', () => {
    for (const [path, table] of [
      ['src/training/settings/trainSettings.ts', SETTINGS],
      ['src/training/settings/runOptions.ts', RUN],
      ['src/dataset/options.ts', { ...COLUMNS, ...DATASET_OPTIONS }],
    ] as const)
      for (const key of Object.keys(table))
        assert.match(textOf(path), new RegExp(` \\*/\n {2}${key}: `), `${path}: ${key}`)
  })

  test('defaults fit their own schemas, and the help tells the right ones', () => {
    for (const table of [RUN, COLUMNS, GENERATE_OPTIONS])
      for (const [key, option] of Object.entries<OptionTable[string] & { default?: unknown }>(table)) {
        if (option.default === undefined) continue
        checkKeys(table, { [key]: option.default }, 'the defaults')
        const [, told] = / ?default (\d+)/.exec(option.help ?? '') ?? []
        if (told !== undefined) assert.equal(Number(told), option.default, key)
      }
  })

  test('another value of a setting is no longer the reference job, unless that leaves it open', () => {
    assert.deepEqual(Object.keys(OTHER), Object.keys(SETTINGS))
    for (const [key, value] of Object.entries(OTHER)) {
      const result = goodResult('reference')
      result.settings = { ...resolveSettings({ preset: 'reference' }), [key]: value }
      const unmet = constraintsTable(result).filter(({ met }) => met === false)
      assert.equal(unmet.length, UNCONSTRAINED.has(key) ? 0 : 1, key)
    }
  })
})
