import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { settingsForRows, thinProblem } from '../../src/training/settings/fewRows.ts'
import { resolveSettings } from '../../src/training/settings/resolveSettings.ts'
import { learningRateAt } from '../../src/training/step/learningRate.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent } from '../../src/training/types.ts'
import { smallData } from './dataFixture.ts'

type Given = Parameters<typeof resolveSettings>[0]

const chosenFor = (rows: number, options: Given = {}) =>
  settingsForRows(resolveSettings(options), { options, rows })

test('the fewer the rows, the smaller the batches and the more epochs, and each is told', () => {
  const expected = [
    [20, { batchSize: 32, epochs: 20, warmupSteps: 2, validation: 0, keep: 'last' }],
    [300, { batchSize: 32, epochs: 20, warmupSteps: 16, validation: 0.2 }],
    [3000, { batchSize: 32, epochs: 11, warmupSteps: 82, validation: 0.2 }],
    [30_000, { batchSize: 64, epochs: 5, validation: 0.04 }],
    [100_000, { batchSize: 128, epochs: 5 }],
    [300_000, { batchSize: 256, epochs: 4 }],
    [1_000_000, { batchSize: 512, epochs: 3 }],
    [2_000_000, { epochs: 3 }],
    [2_400_000, {}],
  ] as const
  for (const [rows, chosen] of expected) assert.deepEqual(chosenFor(rows).chosen, chosen)
})

test('what is given stays, the reference preset stays, and so does whatever has steps enough', () => {
  const given = { batchSize: 500, epochs: 3, warmupSteps: 7, validation: 0.3, keep: 'last' } as const
  assert.deepEqual(chosenFor(300, given).settings, resolveSettings(given))
  assert.deepEqual(chosenFor(300, { preset: 'reference' }).chosen, {})
  assert.deepEqual(chosenFor(5000, { batchSize: 1, epochs: 1 }).chosen, {})
  assert.equal(chosenFor(300, { epochs: 3 }).settings.batchSize, 32)
})

test('a run that goes on from a model has its own epochs, rate and warm-up, however few the rows', () => {
  const { epochs, learningRate, warmupSteps, ...others } = resolveSettings({ from: 'model' })
  const { epochs: _, learningRate: __, warmupSteps: ___, ...usual } = resolveSettings({})
  assert.deepEqual({ epochs, learningRate, warmupSteps }, { epochs: 2, learningRate: 1e-3, warmupSteps: 0 })
  assert.deepEqual(others, usual)
  const reference = { preset: 'reference' } as const
  assert.deepEqual(resolveSettings({ ...reference, from: 'model' }), resolveSettings(reference))
  assert.equal(resolveSettings({ from: 'model', epochs: 5 }).epochs, 5)

  const { settings, chosen } = chosenFor(3000, { from: 'model' })
  assert.deepEqual(chosen, { batchSize: 32, validation: 0.2 })
  assert.deepEqual([settings.epochs, settings.warmupSteps], [2, 0])
})

test('whatever is given: the warm-up is at most a tenth, and nobody has fewer steps than before', () => {
  const option = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
  const options = fc.record({
    batchSize: option(fc.integer({ min: 1, max: 4096 })),
    epochs: option(fc.integer({ min: 1, max: 50 })),
    validation: option(fc.double({ min: 0, max: 0.5, noNaN: true })),
  })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000_000 }), options, (rows, given) => {
      const before = resolveSettings(given)
      const { settings, chosen } = chosenFor(rows, given)
      const steps = (of: typeof settings) =>
        of.epochs * Math.ceil((rows * (1 - of.validation)) / of.batchSize)
      for (const [key, value] of Object.entries(given))
        if (value !== undefined) assert.equal(settings[key as keyof typeof settings], value)
      if (Object.keys(chosen).length === 0) return assert.deepEqual(settings, before)
      assert.ok(settings.warmupSteps <= steps(settings) / 10)
      assert.ok(steps({ ...settings, validation: 0 }) >= steps({ ...before, validation: 0 }))
    }),
  )
})

for (const rows of [20, 300, 3000])
  test(`${rows} rows with the default preset: something is learned, and what was chosen is told`, async () => {
    const { data, folder } = await smallData({ rows, testRows: 2000, files: 1, testFiles: 1 })
    const out = join(folder, 'model')
    const notes: string[] = []
    const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message)
    const { test: measured, settings } = await train({ data, out, hidden: [32], onProgress })
    assert.match(
      notes.join('\n'),
      new RegExp(`chosen for ${rows === 3000 ? '3,000' : rows} rows: batches of 32 rows`),
    )
    assert.match(
      await readFile(join(out, 'report.md'), 'utf8'),
      /chosen for so few rows \| batches of 32 rows/,
    )
    assert.equal(settings.batchSize, 32)
    if (rows === 20) return
    const { clickRate } = measured!
    const entropy = -clickRate * Math.log(clickRate) - (1 - clickRate) * Math.log(1 - clickRate)
    assert.ok(measured!.logLoss < 0.8 * entropy, `log loss ${measured!.logLoss}, without features ${entropy}`)
    assert.ok(measured!.auc! > 0.85, `AUC ${measured!.auc}`)
  })

test('a single step at the end of a schedule is pointed out: it changes nothing', () => {
  const problem = (schedule: 'constant' | 'cosine' | 'linear', steps: number, warmupSteps = 0) =>
    thinProblem(steps, { schedule, warmupSteps }, 900)
  for (const schedule of ['cosine', 'linear'] as const) {
    assert.equal(learningRateAt({ learningRate: 1, schedule, warmupSteps: 0 }, 1, 1), 0)
    assert.match(
      problem(schedule, 1) ?? '',
      /which is the only one, so nothing will be learned from 900 rows/,
    )
    assert.equal(problem(schedule, 2), undefined)
  }
  assert.equal(problem('constant', 1), undefined)
})

test('settings that leave hardly any step at the full rate are pointed out', async () => {
  const { data, folder } = await smallData({ rows: 3000, testRows: 100, files: 1, testFiles: 1 })
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message)
  const given = { batchSize: 1024, epochs: 2, warmupSteps: 100, validation: 0.01, hidden: [8] }
  await train({ data, out: join(folder, 'model'), ...given, onProgress })
  assert.deepEqual(notes.slice(1), [
    `The learning rate rises during 100 of 6 steps, so little will be learned from 2,974 rows. Use a shorter warm-up, smaller batches or more epochs (--warmup-steps, --batch-size, --epochs).`,
  ])
})
