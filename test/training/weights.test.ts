import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { blockRows, rowBytes } from '../../src/dataset/clicks/rowLayout.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { heldOutBy } from '../../src/training/rows/rowStream.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { weightMeans } from '../../src/training/settings/weightMeans.ts'
import { LOSSES } from '../../src/training/settings/trainSettings.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent, TrainOptions } from '../../src/training/types.ts'
import { isError, openTrain, writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from './dataFixture.ts'

const folder = await temporaryFolder()
const data = join(folder, 'data')
await writeParquetFile(
  data,
  'user_features.parquet',
  'SELECT i AS user_id, (i % 7)::FLOAT / 7 AS age FROM range(200) t(i)',
)
await writeParquetFile(
  data,
  'restaurant_features.parquet',
  'SELECT i AS restaurant_id, (i % 10)::FLOAT / 10 AS quality, 1.0 AS latitude, 2.0 AS longitude FROM range(40) t(i)',
)

/** Of twenty rows one or two are clicked, the more the better the restaurant is. */
const clicksSql = (rows: number, seed: number) =>
  `SELECT *, (noise < 1 / (1 + exp(3.5 - 2 * (restaurant_id % 10) / 10)))::TINYINT AS click FROM (
     SELECT i, i // 5 AS request_id, hash(i || ' user ${seed}') % 200 AS user_id, hash(i || ' place ${seed}') % 40 AS restaurant_id,
       hash(i || ' noise ${seed}') / 2.0 ** 64 AS noise, 1 + i % 5 AS position FROM range(${rows}) t(i))`

const ROWS = 60_000
await writeParquetFile(
  data,
  'train/0.parquet',
  `SELECT *, 3 AS three, (i % 4) / 2 AS uneven FROM (${clicksSql(ROWS, 1)})`,
)
await writeParquetFile(data, 'test/0.parquet', clicksSql(20_000, 2))

const options = (name: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  data,
  out: join(folder, name),
  hidden: [8],
  activations: ['relu'],
  batchSize: 512,
  epochs: 2,
  learningRate: 0.02,
  warmupSteps: 10,
  threads: 1,
  ...more,
})
const weightsOf = (name: string) => readFile(join(folder, name, 'weights.safetensors'))

for (const loss of ['logistic', 'lambdarank', 'softmax', 'logistic+pairwise'] as const)
  test(`${loss}: equal weights give the same model as none, to the byte; others do not`, async () => {
    const groups = { groupColumn: 'request_id', loss, epochs: 1 }
    const plain = await train(options('plain', groups))
    const equal = await train(options('equal', { ...groups, weightColumn: 'three' }))
    assert.deepEqual(await weightsOf('equal'), await weightsOf('plain'))
    const figures = ({ epochs }: typeof plain) =>
      epochs.map(({ loss: ofEpoch, accuracy, validationNdcg10 }) => [ofEpoch, accuracy, validationNdcg10])
    assert.deepEqual(figures(equal), figures(plain))
    const [found, wanted] = [equal, plain].map(({ epochs }) => epochs[0].validationLoss!)
    assert.ok(Math.abs(found / wanted - 1) < 1e-9)
    await train(options('uneven', { ...groups, weightColumn: 'uneven' }))
    assert.notDeepEqual(await weightsOf('uneven'), await weightsOf('plain'))
  })

test('each row is in the ledger, whatever it counts; the same bytes on any threads, stopped and resumed', async () => {
  const weighted = { weightColumn: 'uneven', validation: 0.1 }
  const whole = await train(options('whole', weighted))
  for (const { files } of whole.ledger)
    assert.deepEqual(
      files.map(({ used, validation }) => used + validation),
      [ROWS],
    )
  const plain = await train(options('without', { validation: 0.1 }))
  assert.deepEqual([plain.ledger[0].rows, plain.steps], [whole.ledger[0].rows, whole.steps])
  assert.notEqual(plain.ledger[0].digest, whole.ledger[0].digest, 'the digest covers the weights')
  const { description } = await loadModelFiles(join(folder, 'whole'))
  assert.deepEqual((description.training as { weights?: unknown }).weights, {
    weight: 'uneven',
    propensity: null,
    propensityMin: 0.05,
  })
  const controller = new AbortController()
  const onProgress = (event: TrainEvent) => event.type === 'epoch' && controller.abort()
  const stopped = options('stopped', { ...weighted, threads: 2 })
  await assert.rejects(
    train({ ...stopped, signal: controller.signal, onProgress }),
    isError('ABORTED', /step/),
  )
  await assert.rejects(
    train({ ...stopped, weightColumn: 'three', resume: true }),
    isError('INPUT', /other data/),
  )
  await train({ ...stopped, resume: true, threads: 3 })
  assert.deepEqual(await weightsOf('stopped'), await weightsOf('whole'))
})

test('the validation loss is that of the weighted rows, what is tested counts each row once', async () => {
  const given = { weightColumn: 'uneven', propensityColumn: 'position', propensityMin: 0.5 }
  await writeParquetFile(
    data,
    'seen/0.parquet',
    `SELECT * REPLACE (1 / position AS position), (i % 4) / 2 AS uneven FROM (${clicksSql(9000, 4)})`,
  )
  const linear = {
    hidden: [],
    activations: [],
    validation: 0.3,
    keep: 'last',
    epochs: 1,
    trainFiles: 'seen/*',
  } satisfies Partial<TrainOptions>
  const result = await train(options('linear', { ...given, ...linear }))
  const { weights } = await loadModelFiles(join(folder, 'linear'))
  const [w, b] = [2, 1].map((rank) => [...weights.values()].find(({ shape }) => shape.length === rank)!.data)
  const pack = await openTrain({ data, ...given, trainFiles: 'seen/*' })
  const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
  await pack.readBlockInto(0, bytes)
  const rows = blockRows(pack.plan, bytes.buffer, 0, pack.rows)
  await pack.close()
  const isHeldOut = heldOutBy({ seed: 1, validation: 0.3 })
  let [loss, total] = [0, 0]
  for (let row = 0; row < pack.rows; row++) {
    assert.equal(rows.weights[row], Math.fround(((row % 4) / 2) * Math.min(2, 1 + (row % 5))))
    if (!isHeldOut(row)) continue
    const z = w[0] * ((rows.users[row] % 7) / 7) + w[1] * ((rows.restaurants[row] % 10) / 10) + b[0]
    loss += rows.weights[row] * (Math.log1p(Math.exp(z)) - rows.clicks[row] * z)
    total += rows.weights[row]
  }
  assert.ok(Math.abs(result.epochs[0].validationLoss! / (loss / total) - 1) < 1e-5)
  const { logLoss, rows: tested } = await evaluate({ data, model: join(folder, 'linear') })
  assert.deepEqual([result.test!.logLoss, result.test!.rows], [logLoss, tested])
})

test('weights undo the sampling of rows that are not clicked: the model is that of all rows', async () => {
  // One of five rows without a click is left, and counts for five.
  const sampled = `SELECT *, if(click = 1, 1, 5) AS weight, if(click = 1, 1, 0.2) AS kept FROM (${clicksSql(ROWS, 1)}) WHERE click = 1 OR hash(i || ' kept') % 5 = 0`
  await writeParquetFile(data, 'sampled/0.parquet', sampled)
  const rate = async (more: Partial<TrainOptions>) => {
    const { test: judged } = await train(options('calibrated', { ...more, batchSize: 128, epochs: 4 }))
    return judged!
  }
  const files = { trainFiles: 'sampled/*' }
  const full = await rate({})
  const weighted = await rate({ ...files, weightColumn: 'weight' })
  const propensity = await rate({ ...files, propensityColumn: 'kept' })
  const plain = await rate(files)
  assert.ok(full.calibrationError < 0.015, `${full.calibrationError}`)
  assert.ok(weighted.calibrationError < 0.015, `${weighted.calibrationError}`)
  assert.ok(Math.abs(weighted.logLoss - full.logLoss) < 0.001, `${weighted.logLoss}, ${full.logLoss}`)
  assert.deepEqual({ ...propensity }, { ...weighted }, 'the same, as a propensity')
  assert.ok(plain.calibrationError > 0.1, `${plain.calibrationError}`)
})

test('propensities of clicks undo what the place on the screen does to an order', async () => {
  // Good restaurants are shown further down, where one looks less often; who looks clicks on the best two.
  const shown = `SELECT g, k, ((hash(g || ' first') % 10 + k::UBIGINT * 3 + hash(g || ' tens') % 4 * 10) % 40)::BIGINT AS restaurant_id FROM range(6000) t(g), range(4) s(k)`
  const seen = `SELECT *, [0.9, 0.5, 0.25, 0.1][position] AS propensity FROM (
    SELECT *, row_number() OVER (PARTITION BY g ORDER BY restaurant_id % 10 + (hash(g || ' ' || k) % 3)::BIGINT, k) AS position,
      rank() OVER (PARTITION BY g ORDER BY restaurant_id % 10 DESC) AS rank FROM (${shown}))`
  await writeParquetFile(
    data,
    'biased/0.parquet',
    `SELECT g AS request_id, g % 200 AS user_id, restaurant_id, propensity,
       (rank <= 2 OR hash(g || ' any ' || k) % 4 = 0) AND hash(g || ' look ' || k) / 2.0 ** 64 < propensity AS click
     FROM (${seen}) ORDER BY g, k`,
  )
  await writeParquetFile(
    data,
    'unbiased/0.parquet',
    `SELECT g AS request_id, g % 200 AS user_id, restaurant_id, rank = 1 AS click FROM (${seen}) ORDER BY g, k`,
  )
  const files = {
    trainFiles: 'biased/*',
    testFiles: 'unbiased/*',
    groupColumn: 'request_id',
    loss: 'softmax',
  } as const
  const ndcg = async (more: Partial<TrainOptions>) =>
    (await train(options('ordered', { ...files, ...more, epochs: 3 }))).test!.groupNdcg10!
  const [corrected, biased] = [await ndcg({ propensityColumn: 'propensity' }), await ndcg({})]
  assert.ok(corrected > 0.95, `${corrected}`)
  assert.ok(corrected > biased + 0.05, `${corrected}, ${biased}`)
})

test('a run can go on from a model with weights, and replay older clicks that have them', async () => {
  await writeParquetFile(data, 'day/0.parquet', `SELECT *, (i % 3) AS uneven FROM (${clicksSql(5000, 5)})`)
  await writeParquetFile(data, 'bare/0.parquet', clicksSql(2000, 6))
  await train(options('first', { weightColumn: 'uneven' }))
  const {
    hidden: _h,
    activations: _a,
    ...next
  } = options('next', {
    from: join(folder, 'first'),
    trainFiles: 'day/*',
    weightColumn: 'uneven',
    replayFiles: 'train/*',
    replay: 0.5,
  })
  const { ledger } = await train(next)
  const [replayed, fresh] = ledger[0].files
  assert.equal(fresh.used + fresh.validation, 5000)
  assert.ok(Math.abs(replayed.used + replayed.validation - 5000) < 300)
  await assert.rejects(
    train({ ...next, replayFiles: 'bare/*' }),
    isError('INPUT', /bare\/0\.parquet/, /no column uneven/),
  )
})

test('weights that are all 0 are refused, of clicks if their order is to be learned', async () => {
  const zeros = `SELECT *, 0 AS none, 1 - click AS others FROM (${clicksSql(3000, 3)})`
  await writeParquetFile(data, 'zeros/0.parquet', zeros)
  const files = { trainFiles: 'zeros/*', groupColumn: 'request_id' }
  await assert.rejects(
    train(options('refused', { ...files, weightColumn: 'none' })),
    isError('INPUT', /rows that are all of weight 0/, /--weight-column/),
  )
  const refused = options('refused', { ...files, loss: 'softmax', weightColumn: 'others' })
  await assert.rejects(train(refused), isError('INPUT', /loss softmax/, /clicks that are all of weight 0/))
  await assert.rejects(
    train(options('refused', { propensityMin: 0.1 })),
    isError('USAGE', /propensityMin without propensityColumn/),
  )
  assert.ok(!existsSync(join(folder, 'refused')))
  for (const loss of LOSSES) {
    const of = (clicks: number, clickMean: number) => () =>
      weightMeans({ clicks, weights: { mean: 1, clickMean } }, { loss })
    assert.deepEqual(of(9, 2)(), { rows: 1, clicks: 2 })
    of(0, 0)()
    if (loss === 'logistic') of(9, 0)()
    else assert.throws(of(9, 0), isError('INPUT', new RegExp(`loss ${loss.replace('+', '.')}`)))
  }
})
