import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { readCheckpoint } from '../../src/training/run/checkpoint.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent, TrainOptions } from '../../src/training/types.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from './dataFixture.ts'
import { clicksSql, featureData, RESTAURANTS_SQL, usersSql } from './featureData.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const FEW_USERS = 300
const { data, folder } = await featureData()

const small = (name: string, options: Partial<TrainOptions> = {}): TrainOptions => ({
  data,
  out: join(folder, name),
  hidden: [24, 8],
  activations: ['none', 'relu'],
  batchSize: 128,
  epochs: 2,
  threads: 2,
  ...options,
})

/** The same tables, with clicks that have a device, a time and a place. */
async function contextData(): Promise<string> {
  const own = join(await temporaryFolder(), 'data')
  await writeParquetFile(own, 'user_features.parquet', usersSql(FEW_USERS))
  await writeParquetFile(own, 'restaurant_features.parquet', RESTAURANTS_SQL)
  await writeParquetFile(
    own,
    'train/a.parquet',
    `SELECT *, 13.5 AS latitude, 100.5 + user_id / 1e6 AS longitude, ['ios', 'web'][1 + user_id % 2] AS device,
     TIMESTAMP '2024-05-01' + to_minutes(user_id) AS time FROM (${clicksSql(6000, 4, FEW_USERS)})`,
  )
  return own
}

async function weightsHash(name: string): Promise<string> {
  const bytes = await readFile(join(folder, name, 'weights.safetensors'))
  return createHash('sha256').update(bytes).digest('hex')
}

test('the same bytes for 1, 2 and 3 threads, shuffled or not, and every row in the ledger', async () => {
  for (const settings of [
    { shuffle: true, normalize: true },
    { shuffle: false, normalize: false, batchSize: 1000 }, // the numbers as they are: days since 1970 too
  ]) {
    const hashes: string[] = []
    for (const threads of [1, 2, 3]) {
      const name = `threads${threads}`
      const { ledger, epochs } = await train(small(name, { ...settings, threads }))
      hashes.push(await weightsHash(name))
      assert.equal(ledger.length, 2)
      for (const { rows, files, digest } of ledger) {
        assert.deepEqual(
          files.map((file) => file.rows),
          [2000, 3000, 4000],
        )
        assert.ok(files.every((file) => file.used + file.validation === file.rows))
        assert.equal(
          rows,
          files.reduce((sum, { used }) => sum + used, 0),
        )
        assert.equal(digest, ledger[0].digest)
      }
      assert.ok(epochs.every(({ loss }) => Number.isFinite(loss)))
    }
    assert.deepEqual(new Set(hashes).size, 1, hashes.join(', '))
  }
  const { description } = await loadModelFiles(join(folder, 'threads1'))
  const street = description.network.embeddings!.find(({ name }) => name === 'user.street')!
  assert.ok(street.codes >= 4096, 'a table that several tasks update is among them')
  assert.deepEqual(
    [...description.features!.users, ...description.features!.restaurants].map(({ name, kind }) => [
      name,
      kind,
    ]),
    [
      ['age', 'number'],
      ['city', 'category'],
      ['street', 'category'],
      ['likes', 'categories'],
      ['joined', 'time'],
      ['taste', 'vector'],
      ['cuisine', 'category'],
      ['tags', 'categories'],
      ['opened', 'time'],
      ['price', 'number'],
      ['open late', 'category'],
    ],
  )
})

test('evaluate finds the same as train, for a model of every kind of feature', async () => {
  const { test: found, judged } = await train(small('evaluated', { threads: 1 }))
  const {
    seconds: _,
    bayesAccuracy: __,
    bayesLogLoss: ___,
    scores: ____,
    byUser: _____,
    ...metrics
  } = await evaluate({
    data,
    model: join(folder, 'evaluated'),
    threads: 2,
  })
  assert.deepEqual(metrics, {
    ...found,
    byGroup: null,
    calibration: judged?.calibration,
    curves: judged?.curves,
    slices: [],
  })
})

test('stopped by its signal and resumed, it ends in the same bytes', async () => {
  const settings = { epochs: 4, batchSize: 32, validation: 0.1, keep: 'best' as const, learningRate: 0.01 }
  await train(small('whole', { ...settings, threads: 1 }))
  const stopAt: Record<string, (event: TrainEvent) => boolean> = {
    'first epoch': (event) => event.type === 'epoch',
    'second epoch': (event) => event.type === 'epoch' && event.epoch.epoch === 2,
  }
  for (const [where, isThere] of Object.entries(stopAt)) {
    const name = `stopped at ${where}`
    const controller = new AbortController()
    const onProgress = (event: TrainEvent) => isThere(event) && controller.abort()
    const stopped = train(small(name, { ...settings, signal: controller.signal, onProgress }))
    await assert.rejects(stopped, { code: 'ABORTED' })
    let resumedAt = 0
    await train({
      ...small(name, settings),
      resume: true,
      threads: 3,
      onProgress: (event) => event.type === 'start' && (resumedAt = event.resumedAtStep),
    })
    assert.ok(resumedAt > 0, 'it went on and did not begin again')
    assert.equal(await weightsHash(name), await weightsHash('whole'), where)
  }
})

test('with context and pairs, too, and a run of another context is another one', async () => {
  const settings = {
    data: await contextData(),
    contextFeatures: ['device', 'time'],
    features: { 'pair.same': { kind: 'overlap', user: 'likes', restaurant: 'tags' } } as const,
    epochs: 4,
    batchSize: 32,
    learningRate: 0.01,
  }
  await train(small('whole context', { ...settings, threads: 1 }))
  const controller = new AbortController()
  const onProgress = (event: TrainEvent) =>
    event.type === 'epoch' && event.epoch.epoch === 2 && controller.abort()
  const stopped = train(small('context', { ...settings, signal: controller.signal, onProgress }))
  await assert.rejects(stopped, { code: 'ABORTED' })
  const resumed = small('context', { ...settings, resume: true, threads: 3 })
  await assert.rejects(train({ ...resumed, contextFeatures: ['device'] }), {
    code: 'INPUT',
    message: /other settings, other data/,
  })
  let resumedAt = 0
  await train({
    ...resumed,
    onProgress: (event) => event.type === 'start' && (resumedAt = event.resumedAtStep),
  })
  assert.ok(resumedAt > 0, 'it went on and did not begin again')
  assert.equal(await weightsHash('context'), await weightsHash('whole context'))
})

test('the plan counts the tables that packing holds for pairs', async () => {
  const options = small('overlap', { epochs: 1, maxMemoryBytes: 323.25 * 2 ** 20 })
  const pair = { kind: 'overlap', user: 'likes', restaurant: 'tags' } as const
  await assert.rejects(train({ ...options, features: { 'pair.same': pair } }), {
    code: 'MEMORY',
    message: /the plan takes \d+ MiB, including .*, \d+ MiB for pairs while packing/,
  })
  await train(options)
})

test('killed with SIGKILL in mid-epoch and resumed, it ends in the same bytes', async () => {
  const start = (out: string, ...more: string[]) => {
    const settings = '--hidden 24,8 --batch-size 8 --epochs 5 --checkpoint-seconds 0.01 --learning-rate 0.01'
    const args = [MAIN, 'train', '--data', data, '--out', join(folder, out), ...settings.split(' '), ...more]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()))
    const ended = new Promise<number | null>((resolve) => {
      child.on('close', resolve)
    })
    return { child, ended, said: () => said }
  }
  const checkpoint = join(folder, 'killed.checkpoint')
  const stepNow = async () => (await readCheckpoint(checkpoint))?.state.step ?? 0
  const isInMidEpoch = async () => ((await readCheckpoint(checkpoint))?.state.rowsDone ?? 0) > 0

  const whole = start('never killed', '--threads', '1')
  assert.equal(await whole.ended, 0, whole.said())
  let last = 0
  let kills = 0
  // One that has ended before anybody saw its checkpoint, on a busy machine, is no kill.
  for (let attempt = 0; attempt < 5 && kills < 2; attempt++) {
    const run = start('killed', '--resume', '--threads', String(1 + (kills % 2)))
    while (!((await isInMidEpoch()) && (await stepNow()) > last) && run.child.exitCode === null)
      await sleep(5)
    run.child.kill('SIGKILL')
    if ((await run.ended) === null) kills++
    last = await stepNow()
  }
  assert.ok(last > 0 && kills > 0, 'one run must have been killed in mid-epoch')
  const end = start('killed', '--resume', '--threads', '2')
  assert.equal(await end.ended, 0, end.said())
  assert.equal(await weightsHash('killed'), await weightsHash('never killed'))
  assert.ok(!existsSync(checkpoint))
})

test('a value of one restaurant that has changed makes it another run: its checkpoint is refused', async () => {
  const other = await featureData(FEW_USERS)
  const options = { ...small('x', { epochs: 50, batchSize: 16 }), data: other.data }
  const out = join(other.folder, 'model')
  const controller = new AbortController()
  const onProgress = (event: TrainEvent) => event.type === 'epoch' && controller.abort()
  const stopped = train({ ...options, out, signal: controller.signal, onProgress })
  await assert.rejects(stopped, { code: 'ABORTED' })
  await writeParquetFile(
    other.data,
    'restaurant_features.parquet',
    `SELECT * REPLACE (if(restaurant_id = 7, 'cuisine 0', cuisine) AS cuisine) FROM (${RESTAURANTS_SQL})`,
  )
  await assert.rejects(train({ ...options, out, resume: true }), { code: 'INPUT', message: /other data/ })
})

test('a click that only user and restaurant category decide together is learned by the default network', async () => {
  const out = await temporaryFolder()
  const own = join(out, 'data')
  const KINDS = `['thai', 'pizza', 'sushi', 'burger']`
  await writeParquetFile(
    own,
    'user_features.parquet',
    `SELECT i AS user_id, ${KINDS}[1 + i % 4] AS likes FROM range(200) t(i)`,
  )
  await writeParquetFile(
    own,
    'restaurant_features.parquet',
    `SELECT i AS restaurant_id, ${KINDS}[1 + i % 4] AS cuisine, 13.5 AS latitude, 100.5 AS longitude FROM range(60) t(i)`,
  )
  const clicks = (
    rows: number,
    seed: number,
  ) => `SELECT u AS user_id, r AS restaurant_id, (u % 4 = r % 4)::INT AS click
    FROM (SELECT (hash(i || ' u ${seed}') % 200)::BIGINT AS u, (hash(i || ' r ${seed}') % 60)::BIGINT AS r FROM range(${rows}) t(i))`
  await writeParquetFile(own, 'train/train_0.parquet', clicks(20_000, 1))
  await writeParquetFile(own, 'test/test_0.parquet', clicks(2000, 2))
  const result = await train({ data: own, out: join(out, 'model'), epochs: 4, batchSize: 128, threads: 1 })
  assert.ok(result.test!.majorityAccuracy < 0.8)
  assert.ok(result.test!.accuracy > 0.95, `accuracy ${result.test!.accuracy}`)
})

test('a column that has the name of a part of a time is refused before anything is trained', async () => {
  const other = await featureData(FEW_USERS)
  await writeParquetFile(
    other.data,
    'restaurant_features.parquet',
    `SELECT *, 'c' || restaurant_id % 3 AS "opened.month" FROM (${RESTAURANTS_SQL})`,
  )
  await assert.rejects(train({ data: other.data, out: join(other.folder, 'model') }), {
    code: 'USAGE',
    message: /each embedding needs a name of its own, found restaurant\.opened\.month twice/,
  })
})

test('a number far from zero for its spread is pointed out by the name of its feature', async () => {
  const other = await featureData()
  await writeParquetFile(
    other.data,
    'restaurant_features.parquet',
    `SELECT *, 1e7 + restaurant_id AS altitude, 1767225600000000000 + 1000 * restaurant_id AS imported_ns,
      1e-42::DOUBLE * (hash(restaurant_id) % 7) AS tiny, 5e8 AS always,
      TIMESTAMP '2026-01-01' + to_hours(restaurant_id % 24) AS moment FROM (${RESTAURANTS_SQL})`,
  )
  const notes: string[] = []
  const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message)
  const { test: metrics } = await train({
    ...small('x', { epochs: 1, warmupSteps: 7, validation: 0.01 }),
    data: other.data,
    out: join(other.folder, 'model'),
    onProgress,
  })
  const found = notes.filter((note) => note.startsWith('Feature '))
  assert.equal(found.length, 4, notes.join('\n'))
  assert.match(found[0], /^Feature altitude of the restaurants is far from zero/)
  assert.match(
    found[1],
    /^Feature imported_ns of the restaurants has one value in float32 \(mean 1\.767e\+18/,
  )
  assert.match(found[2], /^Feature tiny of the restaurants is hardly learned from: float32 holds little/)
  assert.match(
    found[3],
    /^Feature moment of the restaurants is far from zero .* Declare it without the part days\.$/,
  )
  assert.ok(metrics!.logLoss < 1, `log loss ${metrics!.logLoss}`) // of raw numbers, with the saved weights
})
