import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CategoryFeature, FeatureSpec } from '../../src/features/featureSpec.ts'
import { loadModelDescription } from '../../src/model/modelDirectory.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent, TrainOptions } from '../../src/training/types.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { smallData, temporaryFolder } from './dataFixture.ts'

const OLD_USERS = 400
const USERS = 500 // the new ones live in cities that no old one lives in
const OLD_PLACES = 40
const PLACES = 48

const folder = await temporaryFolder()
const data = join(folder, 'data')

/** The tables as they are on a day: with `more` columns on the later one. */
async function writeTables(day: 'old' | 'new', users: number, places: number, more = ''): Promise<void> {
  await writeParquetFile(
    data,
    `users_${day}.parquet`,
    `SELECT i AS user_id, (CASE WHEN i % 9 > 0 THEN i % 60 END)::DOUBLE AS age,
     CASE WHEN i < ${OLD_USERS} THEN 'city ' || (i % 7) ELSE 'town ' || (i % 3) END AS city,
     ['tag ' || (i % 5), 'tag ' || (i // ${OLD_USERS} * 10 + i % 4)] AS likes ${more} FROM range(${users}) t(i)`,
  )
  await writeParquetFile(
    data,
    `places_${day}.parquet`,
    `SELECT i AS restaurant_id, 13.5 AS latitude, 100.5 AS longitude, (i % 4)::FLOAT AS price,
     'cuisine ' || (i // 8) AS cuisine, ['tag ' || (i % 6)] AS tags FROM range(${places}) t(i)`,
  )
}

async function writeClicks(name: string, rows: number, users: number, places: number): Promise<void> {
  const drawn = (purpose: string, bound: number) => `(hash(i || '${name}${purpose}') % ${bound})::BIGINT`
  await writeParquetFile(
    data,
    name,
    `SELECT user_id, restaurant_id, ['ios', 'web', 'tv'][1 + (user_id + i) % ${users > OLD_USERS ? 3 : 2}] AS device,
     '${name} ' || i // 10 AS request, i % 100 AS session, (user_id % 7 + restaurant_id // 8 + noise // 8) % 2 AS click FROM (
       SELECT i, ${drawn('u', users)} AS user_id, ${drawn('r', places)} AS restaurant_id, ${drawn('n', 10)} AS noise
       FROM range(${rows}) t(i))`,
  )
}

await writeTables('old', OLD_USERS, OLD_PLACES)
await writeTables('new', USERS, PLACES, ", 'x' AS later")
await writeClicks('days/1.parquet', 3000, OLD_USERS, OLD_PLACES)
await writeClicks('days/2.parquet', 2000, OLD_USERS, OLD_PLACES)
await writeClicks('days/3.parquet', 2500, USERS, PLACES)
await writeClicks('test/1.parquet', 4000, USERS, PLACES)

const CROSS = { 'pair.taste': { kind: 'cross', user: 'city', restaurant: 'cuisine' } } as const
const RATE = { 'pair.quality': { kind: 'rate', restaurant: 'restaurant_id', context: 'device' } } as const

const common = (name: string): TrainOptions => ({
  data,
  out: join(folder, name),
  batchSize: 128,
  threads: 2,
})
/** A model of the first two days, and of the tables as they were then. */
const first = (name: string, options: Partial<TrainOptions> = {}): TrainOptions => ({
  ...common(name),
  userFile: 'users_old.parquet',
  restaurantFile: 'places_old.parquet',
  trainFiles: ['days/1.parquet', 'days/2.parquet'],
  testFiles: 'test/1.parquet',
  onMissing: 'drop',
  ids: 'both',
  contextFeatures: ['device'],
  features: CROSS,
  hidden: [24, 8],
  activations: ['none', 'relu'],
  epochs: 3,
  ...options,
})
/** One that goes on with the third day and the tables of then. */
const next = (name: string, options: Partial<TrainOptions> = {}): TrainOptions => ({
  ...common(name),
  userFile: 'users_new.parquet',
  restaurantFile: 'places_new.parquet',
  trainFiles: 'days/3.parquet',
  testFiles: 'test/1.parquet',
  from: join(folder, 'first'),
  ...options,
})
const weightsOf = (name: string) => readFile(join(folder, name, 'weights.safetensors'))
const describe = (name: string) => loadModelDescription(join(folder, name))
const valuesOf = (features: readonly FeatureSpec[], name: string) =>
  (features.find((one) => one.name === name) as CategoryFeature).values
const onNew = async (name: string) => {
  const { auc, logLoss } = await evaluate({
    data,
    model: join(folder, name),
    userFile: 'users_new.parquet',
    restaurantFile: 'places_new.parquet',
    testFiles: 'test/1.parquet',
  })
  return { auc: auc!, logLoss }
}

await train(first('first'))

test('before it has learned, it scores everything as the model it goes on from, normalised or not', async () => {
  await train(first('raw', { normalize: false, learningRate: 1e-3 }))
  for (const from of ['first', 'raw'])
    for (const normalize of [true, false]) {
      await train(next('still', { from: join(folder, from), normalize, learningRate: 1e-12 }))
      const [before, after] = [await onNew(from), await onNew('still')]
      assert.ok(Math.abs(before.logLoss - after.logLoss) < 1e-5, `${before.logLoss} ${after.logLoss}`)
      assert.ok(Math.abs(before.auc - after.auc) < 1e-4, `${before.auc} ${after.auc}`)
    }
})

test('vocabularies keep their codes and grow behind them, and it learns what is new', async () => {
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message)
  await train(next('second', { onProgress, learningRate: 3e-3, epochs: 3 }))
  const [old, grown] = [await describe('first'), await describe('second')]
  const pairs = [
    ['users', 'city', ['town 0', 'town 1', 'town 2']],
    ['users', 'likes', ['tag 10', 'tag 11', 'tag 12', 'tag 13']],
    ['restaurants', 'cuisine', ['cuisine 5']],
    ['context', 'device', ['tv']],
  ] as const
  for (const [source, name, added] of pairs) {
    const [before, after] = [old, grown].map(({ features }) => valuesOf(features![source]!, name))
    assert.deepEqual(after.slice(0, before.length), before)
    assert.deepEqual(after.slice(before.length).toSorted(), added)
  }
  assert.equal(valuesOf(grown.features!.users, 'user_id').length, USERS)
  const note = notes.find((text) => text.startsWith('Going on')) ?? ''
  assert.match(note, /from the model first: new values: .*user\.city 3.*user\.user_id 100.*context\.device 1/)
  assert.ok(
    notes.some((text) => text.includes('later (the model that is gone on from does not have it)')),
    notes.join('\n'),
  )
  const { from } = grown.training as { from: object }
  assert.deepEqual(from, { name: 'first', sha256: old.weights.sha256 })
  assert.match(await readFile(join(folder, 'second', 'report.md'), 'utf8'), /gone on from \| first/)
  const [before, after] = [await onNew('first'), await onNew('second')]
  assert.ok(after.auc > before.auc + 0.01, `${before.auc} ${after.auc}`)

  // And further: codes of two growths are still where they were.
  await train(next('third', { from: join(folder, 'second') }))
  assert.deepEqual((await describe('third')).features, grown.features)
})

test('the same bytes for 1, 2 and 3 threads, and stopped and resumed; never from another model', async () => {
  const settings = { learningRate: 3e-3, epochs: 4, batchSize: 16, validation: 0.1 }
  const replay = { replayFiles: 'days/*.parquet', replay: 0.3 }
  for (const threads of [1, 2, 3])
    await train(next(`threads ${threads}`, { ...settings, ...replay, threads }))
  const whole = await weightsOf('threads 1')
  assert.deepEqual(await weightsOf('threads 2'), whole)
  assert.deepEqual(await weightsOf('threads 3'), whole)

  const controller = new AbortController()
  const onProgress = (event: TrainEvent) => event.type === 'epoch' && controller.abort()
  const stopped = { ...next('stopped', { ...settings, ...replay }) }
  await assert.rejects(train({ ...stopped, signal: controller.signal, onProgress }), { code: 'ABORTED' })
  await train(first('other', { seed: 2, epochs: 1 }))
  await assert.rejects(train({ ...stopped, resume: true, from: join(folder, 'other') }), {
    code: 'INPUT',
    message: /belongs to a run with other settings/,
  })
  await train({ ...stopped, resume: true, threads: 1 })
  assert.deepEqual(await weightsOf('stopped'), whole)
})

test('a model may take its own place', async () => {
  await train(first('own'))
  const { weights } = await describe('own')
  await train(next('own', { from: join(folder, 'own') }))
  const { training } = await describe('own')
  assert.deepEqual((training as { from: object }).from, { name: 'own', sha256: weights.sha256 })
})

test('replays the asked share of older rows, others each time, and the ledger has all of them', async () => {
  const replay = { replayFiles: 'days/*.parquet', replay: 0.2, validation: 0.1 }
  const { ledger, constraints } = await train(next('replayed', replay))
  const { met, measured } = constraints.find(({ name }) => name.startsWith('every row'))!
  assert.equal(met, true)
  assert.match(measured, /held out, \S+ older ones not replayed/)
  const of = (file: string) => ledger[0].files.find((one) => one.file === file)!
  for (const [file, rows] of [
    ['days/1.parquet', 3000],
    ['days/2.parquet', 2000],
    ['days/3.parquet', 2500],
  ] as const) {
    const { used, dropped, validation, notReplayed = 0 } = of(file)
    assert.equal(used + dropped + validation + notReplayed, rows)
  }
  assert.equal(of('days/3.parquet').notReplayed, undefined)
  const drawn = ['days/1.parquet', 'days/2.parquet'].map((file) => of(file).used + of(file).validation)
  const share = (drawn[0] + drawn[1]) / (drawn[0] + drawn[1] + 2500)
  assert.ok(Math.abs(share - 0.2) < 0.02, `${share}`)
  assert.ok(Math.abs(drawn[0] / drawn[1] - 1.5) < 0.25, 'evenly from all files')

  await writeClicks('days/4.parquet', 2500, USERS, PLACES)
  const other = { ...replay, replayFiles: 'days/[12].parquet', trainFiles: 'days/4.parquet' }
  const { ledger: later } = await train(next('replayed later', other))
  assert.notEqual(later[0].files[0].used, of('days/1.parquet').used)

  // More than there are: all of them.
  const all = { replayFiles: 'days/2.parquet', replay: 0.9, validation: 0 }
  const [{ files }] = (await train(next('all', all))).ledger
  assert.deepEqual([files[0].used, files[0].notReplayed], [2000, 0])
})

test('replays whole groups', async () => {
  const groups = { groupColumn: 'request', loss: 'pairwise' } as const
  const { ledger } = await train(
    next('groups', { ...groups, replayFiles: 'days/[12].parquet', validation: 0 }),
  )
  const [one, two] = ledger[0].files
  for (const { used } of [one, two]) assert.ok(used > 0 && used % 10 === 0, `${used}`)
  assert.ok(Math.abs((one.used + two.used) / (one.used + two.used + 2500) - 0.2) < 0.05)

  const sessions = { ...groups, groupColumn: 'session', replayFiles: 'days/[12].parquet' }
  const [{ files, rows }] = (await train(next('sessions', { ...sessions, validation: 0 }))).ledger
  assert.deepEqual(
    files.map(({ used, notReplayed }) => [used, used + notReplayed!]),
    [[rows, 7500]],
    'sorted by group, the rows of all files are together',
  )
  await train(first('rated sessions', { features: RATE }))
  const rated = next('refused', { ...sessions, from: join(folder, 'rated sessions') })
  await assert.rejects(train(rated), {
    code: 'INPUT',
    message: /with rates if rows of one session do not come one after the other/,
  })
})

test('a rate goes on from the counts of the model, which know the replayed rows already', async () => {
  await train(first('rated', { features: RATE }))
  const from = join(folder, 'rated')
  const countsOf = async (name: string) => {
    const pair = (await describe(name)).features!.pairs!.find((one) => one.name === 'quality')!
    assert.ok(pair.kind === 'rate')
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
    return { rows: sum(pair.rows), clicks: sum(pair.clicks), buckets: pair.buckets }
  }
  const before = await countsOf('rated')
  assert.equal(before.rows, 5000)
  for (const [name, replay] of [
    ['rated on', {}],
    ['rated on, replayed', { replayFiles: 'days/*.parquet' }],
  ] as const) {
    await train(next(name, { from, trainFiles: 'days/3.parquet', ...replay }))
    const after = await countsOf(name)
    assert.equal(after.rows, 7500)
    assert.ok(after.clicks > before.clicks && after.clicks <= before.clicks + 2500)
    assert.equal(after.buckets, (2 + PLACES) * (2 + 3))
  }
  assert.deepEqual(await countsOf('rated on'), await countsOf('rated on, replayed'))
})

test('a model of plain numbers goes on, and stays one', async () => {
  const plain = await smallData({ rows: 4000, testRows: 1000 })
  const options = { data: plain.data, out: join(plain.folder, 'a'), epochs: 4, hidden: [16] }
  const { test: before } = await train(options)
  const on = { data: plain.data, out: join(plain.folder, 'b'), from: options.out }
  const { test: still } = await train({ ...on, learningRate: 1e-12 })
  assert.ok(Math.abs(still!.logLoss - before!.logLoss) < 1e-5)
  const { test: after, settings } = await train(on)
  assert.ok(after!.logLoss < before!.logLoss)
  assert.deepEqual(settings.hidden, [16])
  assert.deepEqual(settings.activations, ['relu'])
  const { formatVersion, network } = await loadModelDescription(on.out)
  assert.equal(formatVersion, 1)
  assert.deepEqual(network.hidden, [16])
})

test('refuses what the model contradicts, by name, and writes nothing', async () => {
  const wrong: [Partial<TrainOptions>, RegExp][] = [
    [{ hidden: [32] }, /its hidden are 24,8, found 32/],
    [{ activations: ['relu', 'relu'] }, /its activations are none,relu, found relu,relu/],
    [{ userFeatures: ['age', 'city'] }, /its userFeatures are age,city,likes,user_id, found age,city/],
    [{ contextFeatures: ['device', 'hour'] }, /its contextFeatures are device, found device,hour/],
    [{ positionColumn: 'place' }, /its positionColumn is not set, found place/],
    [{ ids: 'users' }, /ids of restaurants are among its features, found ids users/],
    [{ clickThreshold: 1 }, /its clickThreshold is not set, found 1/],
    [{ features: { 'user.age': false } }, /it has the feature user\.age, found false for it/],
    [
      { features: { 'user.shoes': { kind: 'number' } } },
      /it has no feature user\.shoes, found one that is declared/,
    ],
    [
      { features: { 'user.city': { kind: 'text' } } },
      /its feature user\.city has kind "category", found "text"/,
    ],
    [
      { features: { 'user.city': { kind: 'category', dim: 12 } } },
      /its feature user\.city has dim 4, found 12/,
    ],
    [
      { features: { 'pair.taste': { kind: 'cross', user: 'city', restaurant: 'tags' } } },
      /its feature pair\.taste has restaurant "cuisine", found "tags"/,
    ],
  ]
  for (const [options, text] of wrong)
    await assert.rejects(train(next('refused', options)), { code: 'INPUT', message: text })
  const places = { restaurantFile: 'places_new.parquet', userFile: 'places_new.parquet' }
  await assert.rejects(train(next('refused', { ...places, columns: { userId: 'restaurant_id' } })), {
    code: 'INPUT',
    message: /it has no column age/,
  })
  await assert.rejects(train(next('refused', { from: join(folder, 'nowhere') })), {
    code: 'INPUT',
    message: /Cannot load a model from .*nowhere: it must be a folder with model\.json/,
  })
  const usage: [Partial<TrainOptions>, RegExp][] = [
    [{ replay: 0.2 }, /Cannot use replay without replayFiles/],
    [{ replay: 1, replayFiles: 'days/1.parquet' }, /replay must be/],
  ]
  for (const [options, text] of usage)
    await assert.rejects(train(next('refused', options)), { code: 'USAGE', message: text })
  await assert.rejects(train(first('refused', { replayFiles: 'days/1.parquet' })), {
    code: 'USAGE',
    message: /Cannot use replayFiles without from/,
  })
  await assert.rejects(train(next('refused', { replayFiles: 'days/3.parquet' })), {
    code: 'INPUT',
    message: /each file that matches days\/3\.parquet is for training, for validation or for the test/,
  })
  assert.ok(!existsSync(join(folder, 'refused')))
})

test('takes what the model says again', async () => {
  const again: Partial<TrainOptions> = {
    hidden: [24, 8],
    activations: ['none', 'relu'],
    ids: 'both',
    contextFeatures: ['device'],
    userFeatures: ['age', 'city', 'likes', 'user_id'],
    features: { ...CROSS, 'user.city': { kind: 'category', minCount: 1 }, 'user.age': { kind: 'number' } },
  }
  await train(next('again', again))
})
