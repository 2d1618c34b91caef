import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadModelDescription } from '../../src/model/modelDirectory.ts'
import { compare } from '../../src/training/compare.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { importance } from '../../src/training/importance.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent, TrainOptions } from '../../src/training/types.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from './dataFixture.ts'

const [USERS, PLACES] = [200, 50]
const folder = await temporaryFolder()
const data = join(folder, 'data')

await writeParquetFile(
  data,
  'user_features.parquet',
  `SELECT i AS user_id, (i % 60)::DOUBLE AS age, 'city ' || (i % 7) AS city FROM range(${USERS}) t(i)`,
)
await writeParquetFile(
  data,
  'restaurant_features.parquet',
  `SELECT i AS restaurant_id, 13.5 AS latitude, 100.5 AS longitude, (i % 4)::FLOAT AS price,
   'cuisine ' || (i // 8) AS cuisine FROM range(${PLACES}) t(i)`,
)

// Three files of 2,000 clicks, each with clicks of all 30 days of November; requests of ten rows of one day.
const DAYS = { training: 20, validation: 25 } // the first ones of the later parts, counted from 1
const CLICKS = (file: number) =>
  `SELECT user_id, restaurant_id, 'request ' || i // 10 AS request_id,
   TIMESTAMP '2026-11-01' + INTERVAL (day) DAY + INTERVAL (i % 1440) MINUTE AS shown_at,
   CASE WHEN day + 1 >= ${DAYS.validation} THEN 'glasses' ELSE ['ios', 'web'][1 + i % 2] END AS device,
   (user_id % 7 + restaurant_id // 8 + noise // 8) % 2 AS click
   FROM (SELECT i, (i // 10 * 7) % 30 AS day, (hash(i || 'u') % ${USERS})::BIGINT AS user_id,
     (hash(i || 'r') % ${PLACES})::BIGINT AS restaurant_id, (hash(i || 'n') % 10)::BIGINT AS noise
     FROM range(${file * 2000}, ${file * 2000 + 2000}) t(i))`
const PARTS = {
  train: `shown_at < '2026-11-${DAYS.training}'`,
  validation: `shown_at >= '2026-11-${DAYS.training}' AND shown_at < '2026-11-${DAYS.validation}'`,
  test: `shown_at >= '2026-11-${DAYS.validation}'`,
}
for (const file of [0, 1, 2]) {
  await writeParquetFile(data, `train/${file}.parquet`, CLICKS(file))
  for (const [part, condition] of Object.entries(PARTS))
    await writeParquetFile(
      data,
      `apart/${part}/${file}.parquet`,
      `SELECT * FROM (${CLICKS(file)}) WHERE ${condition}`,
    )
}
/** Rows of a day, from the formula: each tenth row begins a request of another day. */
const dayOf = (i: number) => 1 + ((Math.floor(i / 10) * 7) % 30)
const rowsOf = (from: number, to: number) =>
  Array.from({ length: 6000 }, (_, i) => dayOf(i)).filter((day) => day >= from && day < to).length
const ROWS = {
  train: rowsOf(1, DAYS.training),
  validation: rowsOf(DAYS.training, DAYS.validation),
  test: rowsOf(DAYS.validation, 31),
}

const RATE = { 'pair.quality': { kind: 'rate', restaurant: 'cuisine', context: 'device' } } as const
const common = (name: string, options: Partial<TrainOptions> = {}): TrainOptions => ({
  data,
  out: join(folder, name),
  contextFeatures: ['device'],
  features: RATE,
  hidden: [16, 8],
  activations: ['none', 'relu'],
  batchSize: 64,
  epochs: 3,
  learningRate: 3e-3,
  threads: 2,
  ...options,
})
const CUTS = {
  timeColumn: 'shown_at',
  validationAfter: `2026-11-${DAYS.training}`,
  testAfter: `2026-11-${DAYS.validation}T00:00:00Z`,
}
const FILES = {
  trainFiles: 'apart/train/*.parquet',
  validationFiles: 'apart/validation/*.parquet',
  testFiles: 'apart/test/*.parquet',
}
const cut = (name: string, options: Partial<TrainOptions> = {}) => common(name, { ...CUTS, ...options })
const weightsOf = (name: string) => readFile(join(folder, name, 'weights.safetensors'))
const describe = (name: string) => loadModelDescription(join(folder, name))
const whole = await train(cut('cut'))

test('parts by time train as the same rows in files of their own do, to the byte', async () => {
  const apart = await train(common('apart', FILES))
  assert.deepEqual(await weightsOf('apart'), await weightsOf('cut'))
  const [own, others] = [whole, apart].map(({ test: metrics, epochs, keptEpoch, judged }) => ({
    metrics,
    judged,
    keptEpoch,
    epochs: epochs.map((epoch) => ({ ...epoch, seconds: 0, rowsPerSecond: 0 })),
  }))
  assert.deepEqual(own, others)
  for (const { accuracyOn, validationLoss } of whole.epochs)
    assert.ok(accuracyOn === 'validation' && validationLoss! > 0)
  assert.deepEqual([whole.settings.validation, whole.settings.keep], [0, 'best'])

  // Every row is in one of the parts, and the books say in which.
  assert.equal(whole.rows, ROWS.train)
  assert.equal(whole.test!.rows, ROWS.test)
  for (const { rows, files } of whole.ledger) {
    assert.equal(rows, ROWS.train)
    assert.deepEqual(
      files.map(({ rows: all }) => all),
      [2000, 2000, 2000],
    )
    assert.ok(files.every((file) => file.used + (file.heldOut ?? 0) === 2000 && file.validation === 0))
  }
  const constraint = ({ constraints }: typeof whole) =>
    constraints.find(({ name }) => name.startsWith('every row'))!
  const { measured, met } = constraint(whole)
  const [training, later] = [ROWS.train, ROWS.validation + ROWS.test].map((rows) =>
    rows.toLocaleString('en-US'),
  )
  assert.deepEqual([measured, met], [`${training} in each of 3 epochs (${later} held out by time)`, true])
  assert.match(constraint(apart).measured, / \(\S+ held out in validation files\)$/)
  assert.deepEqual(
    apart.ledger[0].files.slice(3).map(({ file, used }) => [file, used]),
    [0, 1, 2].map((file) => [`apart/validation/${file}.parquet`, 0]),
  )
  const report = await readFile(join(folder, 'cut', 'report.md'), 'utf8')
  assert.match(
    report,
    /parts of the clicks \| \S+ rows for validation \(shown_at from 2026-11-20 on\), \S+ rows for testing/,
  )
})

test('nothing of the later parts reaches what is fitted', async () => {
  const { features, training } = await describe('cut')
  const [device] = features!.context!
  assert.ok(device.kind === 'category')
  assert.deepEqual(device.values.toSorted(), ['ios', 'web'], 'glasses came later')
  const rate = features!.pairs!.find(({ kind }) => kind === 'rate')
  assert.ok(rate?.kind === 'rate')
  assert.equal(
    rate.rows.reduce((sum, rows) => sum + rows, 0),
    ROWS.train,
  )
  assert.deepEqual((training as { parts?: object }).parts, CUTS)
  assert.equal(((await describe('apart')).training as { parts?: object }).parts, undefined)
})

test('the same bytes for any threads, and stopped and resumed; never with another cut', async () => {
  await train(cut('one thread', { threads: 1 }))
  assert.deepEqual(await weightsOf('one thread'), await weightsOf('cut'))
  const controller = new AbortController()
  const onProgress = (event: TrainEvent) => event.type === 'epoch' && controller.abort()
  const stopped = cut('stopped')
  await assert.rejects(train({ ...stopped, signal: controller.signal, onProgress }), { code: 'ABORTED' })
  for (const other of [
    { validationAfter: '2026-11-21' },
    { testAfter: '2026-11-26' }, // the training rows are the same, those for validation are not
  ])
    await assert.rejects(
      train({ ...stopped, ...other, resume: true }),
      isError('INPUT', /belongs to a run with other settings, other data/),
    )
  await train({ ...stopped, resume: true, threads: 1 })
  assert.deepEqual(await weightsOf('stopped'), await weightsOf('cut'))
})

test('evaluate, importance and compare take the test clicks of the model, unless told others', async () => {
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message)
  const model = join(folder, 'cut')
  const { auc, rows } = await evaluate({ data, model, onProgress })
  assert.deepEqual([auc, rows], [whole.test!.auc, ROWS.test])
  assert.match(notes.join(), /model's training: shown_at from 2026-11-25T00:00:00Z on/)
  assert.equal((await evaluate({ data, model, testAfter: '2026-11-10' })).rows, rowsOf(10, 31))
  assert.equal((await evaluate({ data, model, testFiles: 'train/0.parquet' })).rows, 2000)
  assert.equal((await importance({ data, model, report: false })).testRows, ROWS.test)

  await train(cut('later', { testAfter: '2026-11-28', epochs: 1 }))
  const [other, untimed, last] = ['one thread', 'apart', 'later'].map((name) => join(folder, name))
  assert.equal((await compare({ data, models: [model, other] })).rows, ROWS.test)
  await assert.rejects(
    compare({ data, models: [model, last] }),
    isError(
      'INPUT',
      /test clicks of the one are shown_at from 2026-11-28 on, of the other shown_at from 2026-11-25T/,
    ),
  )
  const asked = { data, models: [untimed, model, last], testAfter: '2026-11-28' }
  assert.equal((await compare(asked)).rows, rowsOf(28, 31))
})

test('a run that goes on from a model has cuts of its own, also for older rows', async () => {
  const on = { from: join(folder, 'cut'), epochs: 1 }
  const all = await train(common('on', { ...on, validation: 0, trainFiles: 'train/[12].parquet' }))
  assert.equal(all.rows, 4000)
  assert.deepEqual(
    all.ledger[0].files.map(({ heldOut }) => heldOut),
    [undefined, undefined],
  )

  const replay = { replayFiles: 'train/0.parquet', replay: 0.5 }
  const { ledger } = await train(cut('replayed', { ...on, ...replay, trainFiles: 'train/[12].parquet' }))
  const [older, ...files] = ledger[0].files
  const first = Array.from({ length: 2000 }, (_, i) => dayOf(i)).filter((day) => day < DAYS.training).length
  assert.equal(older.used, first, 'half of the rows would be more than there are before the cut')
  assert.equal(older.used + older.notReplayed!, 2000)
  assert.equal(
    files.reduce((sum, { used }) => sum + used, 0),
    ROWS.train - first,
  )
})

test('losses of the order show the NDCG of validation groups, and keep the best epoch by it', async () => {
  const groups = { groupColumn: 'request_id', loss: 'softmax', epochs: 4 } as const
  const { epochs, keptEpoch, judged } = await train(cut('groups', groups))
  const ndcgs = epochs.map(({ validationNdcg10 }) => validationNdcg10!)
  assert.equal(keptEpoch, 1 + ndcgs.indexOf(Math.max(...ndcgs)))
  assert.equal(judged!.byGroup!.units, ROWS.test / 10)
  // Popularity, too, counts the clicks that were trained on, and no others.
  assert.deepEqual((await evaluate({ data, model: join(folder, 'groups') })).byGroup, judged!.byGroup)
})

test('files that are read in any part are not called unread, sorted by group or not', async () => {
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message)
  for (const groupColumn of ['request_id', 'user_id']) {
    const options = { groupColumn, epochs: 1, onProgress, trainFiles: 'apart/t*/*' }
    await train(common('read', { ...options, validationFiles: 'apart/validation', testFiles: 'train' }))
  }
  assert.deepEqual(
    notes.filter((note) => note.includes('not read')),
    [],
  )
})

test('files that are named for the test are not trained on, nor replayed', async () => {
  const testFiles = 'train/0.parquet'
  const { ledger, test: metrics } = await train(common('apart', { epochs: 1, testFiles }))
  const files = (await readdir(join(data, 'train'))).filter((name) => name !== '0.parquet')
  assert.deepEqual(
    ledger[0].files.map(({ file }) => file).toSorted(),
    files.map((name) => `train/${name}`).toSorted(),
  )
  assert.equal(metrics!.rows, 2000)
  const replayed = {
    from: join(folder, 'apart'),
    replay: 0.5,
    replayFiles: 'train/0.parquet',
    trainFiles: 'train/[12].parquet',
  }
  await assert.rejects(train(common('replayed test', { epochs: 1, testFiles, ...replayed })), {
    code: 'INPUT',
    message: /each file that matches train\/0\.parquet is for training, for validation or for the test/,
  })
  await assert.rejects(train(common('none', { epochs: 1, testFiles: 'train' })), {
    code: 'INPUT',
    message:
      /Cannot find any train clicks: .* matches train\/\*\*\/\*\.parquet and is not held out for validation or the test by train/,
  })
})

test('validation rows count by their weights, as those that are drawn do', async () => {
  const isWeb = "device <> 'ios'"
  const weight = `CASE WHEN ${PARTS.validation} AND NOT ${isWeb} THEN 0 ELSE 1 END`
  await writeParquetFile(data, 'weighted/0.parquet', `SELECT *, ${weight} AS weight FROM (${CLICKS(0)})`)
  await writeParquetFile(
    data,
    'web/0.parquet',
    `SELECT * FROM (${CLICKS(0)}) WHERE ${PARTS.validation} AND ${isWeb}`,
  )
  const weighted = await train(cut('weighted', { trainFiles: 'weighted', weightColumn: 'weight' }))
  const files = { trainFiles: 'apart/train/0.parquet', validationFiles: 'web', testFiles: FILES.testFiles }
  const web = await train(common('web', files))
  for (const [i, { validationLoss }] of weighted.epochs.entries())
    assert.ok(Math.abs(validationLoss! - web.epochs[i].validationLoss!) < 1e-9, `epoch ${i + 1}`)
})

test('few rows choose no share for validation, and patience works without one', async () => {
  const { epochs: _, batchSize: __, ...options } = cut('few', { patience: 1 })
  const { settings, epochs, keptEpoch } = await train(options)
  assert.deepEqual([settings.validation, settings.keep, settings.batchSize], [0, 'best', 32])
  assert.ok(epochs.length < settings.epochs && keptEpoch === epochs.length - 1, `${epochs.length}`)
  // The reference job names no validation: each epoch is measured, and the last is kept.
  const reference = await train(
    common('reference', {
      ...CUTS,
      preset: 'reference',
      epochs: 2,
      hidden: [8],
      activations: ['relu'],
    }),
  )
  assert.deepEqual([reference.keptEpoch, reference.epochs[0].accuracyOn], [2, 'validation'])
  assert.equal(reference.constraints.find(({ name }) => name.startsWith('every row'))!.met, false)
})

test('rows that are left out of a part are told by part', async () => {
  await writeParquetFile(
    data,
    'holes/0.parquet',
    `SELECT * REPLACE (CASE WHEN i % 100 <> 5 THEN shown_at END AS shown_at, CASE WHEN i % 50 = 7 THEN NULL ELSE user_id END AS user_id)
     FROM (SELECT *, row_number() OVER () AS i FROM (${CLICKS(0)}))`,
  )
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message)
  const options = cut('holes', { trainFiles: 'holes/*', epochs: 1, onProgress })
  await assert.rejects(
    train(options),
    isError('INPUT', /holes\/0\.parquet: column shown_at must hold a time/),
  )
  const { ledger, constraints } = await train({ ...options, onMissing: 'drop' })
  const [{ rows, used, dropped, heldOut = 0 }] = ledger[0].files
  assert.equal(used + dropped + heldOut, rows)
  assert.match(
    notes.join('\n'),
    /training clicks: \d+ without an id, a label, a weight or a group, 20 without a time; validation clicks: \d+ without an id, .*; test clicks: \d+ without/,
  )
  assert.match(constraints[0].measured, /\d+ dropped/)
  const { rows: tested } = await evaluate({ data, model: join(folder, 'holes'), onMissing: 'drop' })
  assert.ok(tested > 0 && tested < ROWS.test, 'of the files that it was trained on')
})

test('options that exclude or lack one another are refused before anything is read', async () => {
  const nowhere = { data: join(folder, 'nowhere'), out: join(folder, 'out') }
  const cases: [options: Partial<TrainOptions>, message: RegExp][] = [
    [{ testAfter: '2026-11-01' }, /testAfter without timeColumn/],
    [{ validationAfter: '2026-11-01' }, /validationAfter without timeColumn/],
    [{ timeColumn: 'shown_at' }, /timeColumn without a time: give testAfter or validationAfter/],
    [{ ...CUTS, testFiles: 'x' }, /testAfter with testFiles/],
    [{ ...CUTS, validationFiles: 'x' }, /validationAfter with validationFiles/],
    [{ ...CUTS, validationAfter: '2026-11-25' }, /2026-11-25 with testAfter .*must be the earlier one/],
    [
      { ...CUTS, validationAfter: '2026-11-25T01:00+02:00', testAfter: '2026-11-24' },
      /must be the earlier one/,
    ],
    [{ ...CUTS, validation: 0.1 }, /validation 0\.1 with validationAfter/],
    [{ validationFiles: 'x', validation: 0.1 }, /validation 0\.1 with validationFiles/],
    [
      { ...CUTS, testAfter: 'November' },
      /testAfter must be a date or a time in ISO 8601, such as 2026-11-01.*"November"/,
    ],
    [{ ...CUTS, testAfter: '2026-02-30' }, /testAfter must be a date or a time/],
  ]
  for (const [options, message] of cases)
    await assert.rejects(train({ ...nowhere, ...options }), isError('USAGE', message), String(message))
  await assert.rejects(
    train({ ...nowhere, ...CUTS, validation: 0 }),
    isError('INPUT', /no such folder/),
    'no share is no contradiction',
  )
  const model = join(folder, 'cut')
  await assert.rejects(
    evaluate({ data, model, testFiles: 'x', testAfter: '2026-11-01' }),
    isError('USAGE', /timeColumn|testFiles/),
  )
  await assert.rejects(
    evaluate({ data, model: join(folder, 'apart'), testAfter: '2026-11-01' }),
    isError('USAGE', /testAfter without timeColumn/),
  )
})
