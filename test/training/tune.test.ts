import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfigFile } from '../../src/cli/configFile.ts'
import { createMemory } from '../../src/kernels/kernels.ts'
import { train } from '../../src/training/train.ts'
import { tune, type TuneOptions } from '../../src/training/tune.ts'
import { prepareRun } from '../../src/training/run/prepareRun.ts'
import { startTraining } from '../../src/training/run/startTraining.ts'
import { runTrial } from '../../src/training/tune/trial.ts'
import type { TuneEvent } from '../../src/training/tune/tuneReport.ts'
import type { TuneTrial } from '../../src/training/tune/tuneFolder.ts'
import type { TrainSettings } from '../../src/training/types.ts'
import { isError } from '../dataset/fixture.ts'
import { smallData } from './dataFixture.ts'

const TRIALS = 9
const EPOCHS = 8
const ROWS = 5000 // in four files
const { data, folder } = await smallData({ rows: ROWS, testRows: 100 })
await rm(join(data, 'test'), { recursive: true }) // a search that read test clicks would fail

const small = (name: string, options: Partial<TuneOptions> = {}): TuneOptions => ({
  data,
  out: join(folder, name),
  trials: TRIALS,
  threads: 1,
  epochs: EPOCHS,
  validation: 0.1,
  seed: 2,
  ...options,
})
/** `tune.json` without what depends on the machine's speed. */
async function recordOf(name: string): Promise<{ trials: TuneTrial[]; origin: Record<string, unknown> }> {
  const text = await readFile(join(folder, name, 'tune.json'), 'utf8')
  return JSON.parse(text, (key, value: unknown) => (key === 'seconds' ? undefined : value)) as never
}
const lossAt = ({ rungs }: TuneTrial, rung: number) => {
  const ended = rungs[rung]
  return ended && 'loss' in ended ? ended.loss : Number.NaN
}

const whole = await tune(small('whole'))

test('the best third trains three times as long, always beside the preset; the best of the last is the best', async () => {
  const { trials } = await recordOf('whole')
  assert.equal(trials.length, TRIALS)
  assert.equal(whole.measure, 'logLoss')
  assert.deepEqual(whole.searched, ['learningRate', 'batchSize', 'hidden', 'weightDecay'])
  for (const [rung, share] of [1 / 9, 1 / 3, 1].entries()) {
    const ended = trials.filter(({ rungs }) => rungs.length > rung)
    for (const { rungs } of ended) assert.ok(Math.abs(rungs[rung].epochs - EPOCHS * share) < 1e-12)
    const [best, others] = [
      [...ended].toSorted((a, b) => lossAt(a, rung) - lossAt(b, rung)),
      9 / 3 ** (rung + 1),
    ]
    if (rung === 2) assert.equal(trials.indexOf(best[0]), whole.best)
    else
      assert.deepEqual(
        new Set(trials.filter(({ rungs }) => rungs.length > rung + 1)),
        new Set([trials[0], ...best.slice(0, others)]),
      )
  }
  assert.ok(lossAt(trials[whole.best], 2) <= lossAt(trials[0], 2), 'no worse than the preset')
  const epochs = trials.flatMap(({ rungs }) => rungs.map((rung) => rung.epochs))
  assert.equal(whole.trainings, epochs.reduce((sum, own) => sum + own, 0) / EPOCHS)
})

test('the same seed finds the same with any number of threads, another seed something else', async () => {
  await tune(small('threads', { threads: 3 }))
  assert.deepEqual(await recordOf('threads'), await recordOf('whole'))
  assert.deepEqual(
    await readFile(join(folder, 'threads', 'best.json')),
    await readFile(join(folder, 'whole', 'best.json')),
  )
  await tune(small('seed', { seed: 3, trials: 2 }))
  const [, other] = (await recordOf('seed')).trials
  assert.notDeepEqual(other.settings, (await recordOf('whole')).trials[1].settings)
})

test('training with best.json gives the figure that the search has found', async () => {
  const config = await readConfigFile(whole.config)
  const { epochs, keptEpoch } = await train({ ...config, data, out: join(folder, 'model'), threads: 2 })
  const { trials } = await recordOf('whole')
  assert.equal(epochs[keptEpoch - 1].validationLoss, lossAt(trials[whole.best], 2))
  const { seconds: _, ...last } = trials[whole.best].rungs[2]
  assert.deepEqual(last, {
    epochs: EPOCHS,
    loss: epochs[keptEpoch - 1].validationLoss,
    validationLoss: epochs[keptEpoch - 1].validationLoss,
    validationAuc: epochs[keptEpoch - 1].validationAuc,
  })
})

test('a search that was stopped continues where it was; with other options it is refused', async () => {
  for (const at of [1, 9, 11]) {
    const stop = new AbortController()
    let seen = 0
    const onProgress = (event: TuneEvent) => {
      if (event.type === 'trial' && event.rowsDone > 0 && ++seen === at) stop.abort()
    }
    const stopped = tune(small('stopped', { signal: stop.signal, onProgress }))
    await assert.rejects(stopped, isError('ABORTED', /stopped: what has been trained is kept/))
  }
  assert.ok(!existsSync(join(folder, 'stopped', 'best.json')))
  const before = (await recordOf('stopped')).trials.reduce((sum, { rungs }) => sum + rungs.length, 0)
  assert.ok(before > 0)

  for (const [options, found] of [
    [{ trials: 5 }, /it has 9 trials, not 5/],
    [{ seed: 7 }, /it has seed 2, not 7/],
    [{ epochs: 2 }, /it has epochs 8, not 2/],
    [{ hidden: [256, 128], activations: ['none', 'relu'] }, /it has hidden among what it varies/],
    [{ userFeatures: ['f01'] }, /it has other data, or other columns or features/],
  ] as const)
    await assert.rejects(
      tune(small('stopped', options as Partial<TuneOptions>)),
      isError('INPUT', new RegExp(`Cannot continue the search in .*stopped: ${found.source}.*--overwrite`)),
    )

  const { skipped } = await tune(small('stopped', { threads: 2 }))
  assert.equal(skipped, before)
  assert.deepEqual(await recordOf('stopped'), await recordOf('whole'))
  const again = await tune(small('stopped', { onProgress: ({ type }) => assert.notEqual(type, 'step') }))
  assert.equal(again.skipped, whole.trials.flatMap(({ rungs }) => rungs).length)
  assert.deepEqual([again.best, again.trials.length], [whole.best, TRIALS])

  await tune(small('stopped', { trials: 2, overwrite: true }))
  assert.equal((await recordOf('stopped')).trials.length, 2)
})

test('a folder that holds something else is refused and untouched; a damaged search too', async () => {
  const out = join(folder, 'foreign')
  await mkdir(out)
  await writeFile(join(out, 'thesis.txt'), 'years of work')
  for (const overwrite of [false, true])
    await assert.rejects(
      tune(small('foreign', { overwrite })),
      isError('INPUT', /Cannot keep a search in .*foreign: it holds thesis.txt, but no tune.json/),
    )
  assert.deepEqual(await readdir(out), ['thesis.txt'])
  await tune(small('damaged', { trials: 2 }))
  const path = join(folder, 'damaged', 'tune.json')
  const text = await readFile(path, 'utf8')
  for (const wrong of [
    text.slice(0, 200),
    text.replace('"loss": 0.', '"lost": 0.'),
    text.replace('"trials": 2', '"trials": 3'),
  ]) {
    await writeFile(path, wrong)
    await assert.rejects(tune(small('damaged', { trials: 2 })), isError('DAMAGED', /Cannot read .*tune.json/))
    assert.equal(await readFile(path, 'utf8'), wrong)
  }
})

test('a part of the clicks to validate with is what trials are compared by', async () => {
  const files = { trainFiles: 'train/train_0[0-2]*.parquet', validationFiles: 'train/train_03*.parquet' }
  const { validation: _, ...own } = small('part', { ...files, trials: 2, epochs: 1 })
  const { heldOut, config } = await tune(own)
  assert.equal(heldOut, ROWS / 4)
  const result = await train({ ...(await readConfigFile(config)), data, out: join(folder, 'part model') })
  const { trials } = await recordOf('part')
  assert.equal(result.epochs[0].validationLoss, Math.min(...trials.map((trial) => lossAt(trial, 0))))
})

test('bad options are refused before anything is written', async () => {
  const fixed = { learningRate: 0.01, batchSize: 64, hidden: [8], embeddingL2: 1, weightDecay: 0 }
  for (const [options, code, text] of [
    [{ trials: 0 }, 'USAGE', /trials must be an integer from 1 to 1000, found 0/],
    [{ trials: 1001 }, 'USAGE', /trials must be an integer from 1 to 1000/],
    [{ from: 'model' }, 'USAGE', /unknown key "from"/],
    [{ validation: 0 }, 'USAGE', /Cannot tune without a validation split/],
    [{ validation: 1e-9 }, 'INPUT', /0 to validate with/],
    [fixed, 'USAGE', /nothing is left to vary, since all of learningRate, batchSize, .* are given/],
    [{ loss: 'softmax' }, 'USAGE', /Cannot use loss softmax without groups/],
  ] as const) {
    const refused = tune(small('refused', options as Partial<TuneOptions>))
    await assert.rejects(refused, isError(code, text))
    assert.ok(!existsSync(join(folder, 'refused', 'best.json')))
    await rm(join(folder, 'refused'), { recursive: true, force: true })
  }
})

test('what cannot be trained with has failed, with its reason, and the next one is not touched by it', async () => {
  const prepared = await prepareRun(
    { data, out: join(folder, 'failing'), epochs: 1, validation: 0.1, threads: 2, maxMemoryBytes: 2 ** 29 },
    { measuresTest: false, checkOut: async () => {} },
  )
  const memory = createMemory(64 * 2 ** 20)
  const trial = (settings: Partial<TrainSettings>) => {
    const all = { ...prepared.settings, ...settings }
    return runTrial({ ...prepared, memory }, { settings: all, embeddingDims: 1 }, 1, () => {})
  }
  try {
    const first = await trial({})
    const wild = { learningRate: 10, weightDecay: 1, schedule: 'constant', warmupSteps: 0 } as const
    const large = { hidden: [4096, 4096], activations: ['relu' as const, 'relu' as const] }
    for (const [settings, reason] of [
      [wild, /NaN or infinity/],
      [large, /Cannot run within --max-memory 512 MiB/],
    ] as const) {
      const ended = await trial(settings)
      assert.ok('failed' in ended)
      assert.match(ended.failed, reason)
    }
    assert.deepEqual({ ...(await trial({})), seconds: 0 }, { ...first, seconds: 0 })
    assert.ok('loss' in first)
    assert.ok(!existsSync(join(folder, 'failing')))
  } finally {
    await prepared.pack.close()
  }
  const fails = { learningRate: 10, weightDecay: 1, warmupSteps: 0, trials: 2 }
  await assert.rejects(tune(small('fails', fails)), isError('INPUT', /no trial could be trained.*NaN/))
})

test('a training may end in mid-epoch: after whole batches, with a schedule of its own', async () => {
  const prepared = await prepareRun(
    { data, out: join(folder, 'half'), epochs: 2, batchSize: 128, validation: 0.1, threads: 2 },
    { measuresTest: false, checkOut: async () => {} },
  )
  try {
    const own = { ...prepared, run: { ...prepared.run, checkpointSeconds: 0 } }
    for (const share of [1.3, 0.01, 1]) {
      const { lead, training, rows } = await startTraining(own, share)
      try {
        await training.train()
        const { epochs, step, ledger } = training.state
        const perEpoch = Math.ceil(rows / 128)
        const wanted =
          share > 1
            ? [rows, Math.ceil((share - 1) * perEpoch) * 128]
            : [Math.min(rows, Math.ceil(share * perEpoch) * 128)]
        assert.deepEqual(
          epochs.map((epoch) => epoch.rows),
          wanted,
        )
        assert.equal(
          step,
          wanted.reduce((sum, count) => sum + Math.ceil(count / 128), 0),
        )
        assert.equal(ledger.length, Math.floor(share), 'whole epochs are accounted for')
        assert.ok(epochs.every(({ validationLoss }) => validationLoss! > 0))
      } finally {
        await lead.close()
      }
    }
  } finally {
    await prepared.pack.close()
  }
})
