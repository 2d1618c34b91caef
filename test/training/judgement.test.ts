import { DuckDBInstance } from '@duckdb/node-api'
import assert from 'node:assert/strict'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import {
  compare,
  evaluate,
  type EvaluationReport,
  loadModel,
  recommend,
  score,
  scoreTop,
  train,
  type TrainResult,
} from '../../src/index.ts'
import { GroupOrders } from '../../src/metrics/groupOrders.ts'
import { ORDER_MEASURES } from '../../src/metrics/orderMeasures.ts'
import type { OrderEstimates, Ranking } from '../../src/metrics/orderSums.ts'
import { scoreOf } from '../../src/model/scoreOf.ts'
import { runCli } from '../cli/runCli.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { smallData } from './dataFixture.ts'

const REALISTIC = { kind: 'realistic' as const, rows: 12_000, testRows: 3000, users: 300, files: 2 }

/** Columns of the test clicks in the order of the files, with each restaurant's figures of the training clicks. */
const TEST_ROWS = (data: string) => `
  WITH rates AS (SELECT restaurant_id, count(*) AS n, sum(click) AS clicks
    FROM '${data}/train/*.parquet' GROUP BY ALL),
  average AS (SELECT avg(click) AS rate FROM '${data}/train/*.parquet')
  SELECT request_id, click,
    (coalesce(rates.clicks, 0) + 20 * average.rate) / (coalesce(rates.n, 0) + 20) AS popularity,
    -asin(sqrt(pow(sin(radians(r.latitude - c.latitude) / 2), 2) + cos(radians(r.latitude)) *
      cos(radians(c.latitude)) * pow(sin(radians(r.longitude - c.longitude) / 2), 2))) AS nearness
  FROM read_parquet('${data}/test/*.parquet', filename = true, file_row_number = true) c
  JOIN '${data}/restaurant_features.parquet' r USING (restaurant_id)
  LEFT JOIN rates USING (restaurant_id), average
  ORDER BY c.filename, c.file_row_number`

async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  return (await connection.run(sql)).getRowObjectsJS()
}

function valuesOf(estimates: OrderEstimates | undefined) {
  return ORDER_MEASURES.map((measure) => estimates?.[measure]?.value)
}

const { data, folder } = await smallData(REALISTIC)

describe('evaluate, of clicks in groups', () => {
  let trained: TrainResult
  let report: EvaluationReport
  const model = () => join(folder, 'model')
  const options = {
    data,
    groupColumn: 'request_id',
    contextFeatures: ['device'],
    epochs: 1,
    validation: 0,
    threads: 1,
    hidden: [8],
  }

  before(async () => {
    trained = await train({ ...options, activations: ['relu'], loss: 'softmax', out: model() })
    report = await evaluate({ data, model: model(), threads: 2 })
  })

  test('the baselines are what a query over the Parquet files finds', async () => {
    const rows = await rowsOf(TEST_ROWS(data))
    const scores = (name: string) => Float32Array.from(rows, (row) => Number(row[name]))
    const orders = new GroupOrders(['popularity', 'nearest'], ['logged', 'random'])
    const requests = new Map<unknown, number>()
    const groups = Uint32Array.from(rows, ({ request_id: id }) => {
      if (!requests.has(id)) requests.set(id, requests.size)
      return requests.get(id) as number
    })
    const clicks = Uint8Array.from(rows, ({ click }) => Number(click))
    orders.add({ scores: [scores('popularity'), scores('nearness')], clicks, count: rows.length }, groups)
    orders.end()
    const wanted = orders.sums.judgement()
    assert.equal(report.byGroup?.units, requests.size)
    assert.equal(report.byGroup?.withoutClick, wanted.withoutClick)
    for (const ranking of ['popularity', 'logged', 'random', 'nearest'] satisfies Ranking[])
      assert.deepEqual(
        valuesOf(report.byGroup?.rankings[ranking]),
        valuesOf(wanted.rankings[ranking]),
        ranking,
      )
  })

  test('is what train found, in its result, in model.json and in the report', async () => {
    assert.deepEqual(report.byGroup, trained.judged?.byGroup)
    assert.equal(trained.test?.groupNdcg10, report.byGroup?.rankings.model?.ndcg10?.value)
    assert.equal(trained.test?.groupGauc, report.byGroup?.rankings.model?.gauc?.value)
    const { description } = await loadModel(model())
    assert.deepEqual(description.metrics, trained.test)
    const text = await readFile(join(model(), 'report.md'), 'utf8')
    const { value, low, high } = report.byGroup!.rankings.model!.mrr!
    assert.ok(
      text.includes(`| MRR | ${value.toFixed(5)} | ${low.toFixed(5)} to ${high.toFixed(5)} |`),
      'the report has the measures by group',
    )
  })

  test('by user, there is no order as logged: the rows of a user were not shown together', () => {
    assert.deepEqual(Object.keys(report.byUser!.rankings), ['model', 'popularity', 'nearest', 'random'])
    assert.equal(report.byUser?.share, 1)
    assert.equal(report.byUser?.rankings.random?.gauc?.value, 0.5)
  })

  test('a model whose loss learns the order alone says so, and claims no probabilities', async () => {
    const { description } = await loadModel(model())
    assert.equal(description.scores, 'order')
    assert.equal(report.scores, 'order')
    const text = await readFile(join(model(), 'report.md'), 'utf8')
    assert.match(text, /The scores of this model only order/)
    assert.doesNotMatch(text, /\| log loss \||### Calibration/)
  })

  test('its scores are no probabilities either, and the same from score and from recommend', async () => {
    const out = join(folder, 'scores')
    await score({ data, model: model(), out, copyColumns: ['device', 'latitude', 'longitude'] })
    const [row] = await rowsOf(`FROM '${out}/*.parquet' LIMIT 1`)
    const request = {
      candidateRestaurantIds: [row.restaurant_id as number],
      latitude: row.latitude as number,
      longitude: row.longitude as number,
      maxDistM: 1e8,
      size: 1,
      sortByDistance: false,
      context: { device: row.device as string | null },
      explain: true as const,
    }
    const { restaurants } = await recommend(
      { user: row.user_id as string, request },
      { data, model: model() },
    )
    const [{ score: recommended, explanation }] = restaurants
    assert.ok(Math.abs(recommended - scoreOf(explanation!.logit, 'order')) < 1e-6)
    assert.ok(Math.abs(recommended - (row.score as number)) < 1e-6)
    const lists = join(folder, 'lists')
    await writeParquetFile(
      data,
      'asked.parquet',
      `SELECT user_id, device, latitude, longitude FROM '${out}/*.parquet' LIMIT 1`,
    )
    const near = { near: true, maxDistM: 1e8, files: 'asked.parquet' }
    await scoreTop({ data, model: model(), out: lists, top: 3, ...near })
    const [top] = await rowsOf(`FROM '${lists}/*.parquet' LIMIT 1`)
    const again = { ...request, candidateRestaurantIds: [top.restaurant_id as number] }
    const { restaurants: one } = await recommend(
      { user: row.user_id as string, request: again },
      { data, model: model() },
    )
    assert.ok(Math.abs(one[0].score - (top.score as number)) < 1e-6)
  })

  test('the number of threads changes nothing', async () => {
    const { seconds: _, ...one } = await evaluate({ data, model: model(), threads: 1 })
    const { seconds: __, ...two } = report
    assert.deepEqual(one, two)
  })

  test('training clicks that cannot be counted cost the order by popularity and nothing else', async () => {
    const bad = await smallData({ ...REALISTIC, files: 1 })
    await writeFile(join(bad.data, 'train', 'train_00.parquet'), 'no Parquet')
    const notes: string[] = []
    const found = await evaluate({
      data: bad.data,
      model: model(),
      onProgress: (event) => event.type === 'note' && notes.push(event.message),
    })
    assert.deepEqual(Object.keys(found.byGroup!.rankings), ['model', 'nearest', 'logged', 'random'])
    assert.deepEqual(found.byGroup?.rankings.model, report.byGroup?.rankings.model)
    assert.match(notes.join('\n'), /order by popularity is left out.*train_00\.parquet/)
  })

  test('slices: the rows and clicks of each value are what a query finds, and add up to the whole', async () => {
    const names = ['device', 'restaurant.price_level', 'user.gender', 'user.age']
    const { slices, rows, logLoss, byGroup } = await evaluate({ data, model: model(), slices: names })
    const wanted =
      await rowsOf(`SELECT device, price_level::VARCHAR AS price_level, gender, click FROM '${data}/test/*.parquet'
      JOIN '${data}/restaurant_features.parquet' USING (restaurant_id)
      JOIN '${data}/user_features.parquet' USING (user_id)`)
    for (const [i, column] of ['device', 'price_level', 'gender'].entries()) {
      const own = slices.filter(({ slice }) => slice === names[i])
      for (const { value, is, rows: count, clickRate } of own) {
        const found = wanted.filter((row) => row[column] === value)
        assert.equal(is, value === null ? 'missing' : 'value')
        assert.equal(count, found.length, `${column} ${value}`)
        assert.equal(clickRate, found.filter(({ click }) => Number(click) === 1).length / found.length)
      }
      assert.deepEqual(
        own.map((one) => one.rows),
        own.map((one) => one.rows).toSorted((a, b) => b - a),
      )
    }
    for (const name of names) {
      const own = slices.filter(({ slice }) => slice === name)
      const total = (of: (one: (typeof own)[number]) => number) => own.reduce((sum, one) => sum + of(one), 0)
      assert.equal(
        total((one) => one.rows),
        rows,
      )
      assert.ok(Math.abs(total((one) => one.rows * one.logLoss) / rows - logLoss) < 1e-9)
      if (!name.startsWith('restaurant'))
        assert.equal(
          total((one) => one.byGroup!.units),
          byGroup!.units,
        )
    }
    // Of many ages ten stand by themselves.
    const ages = slices.filter(({ slice }) => slice === 'user.age')
    assert.deepEqual([ages.length, ages.at(-1)?.is], [11, 'others'])
  })

  test('a slice by what is no feature of the model is refused, with those that there are', async () => {
    for (const name of ['prize', 'opened', 'user.price_level'])
      await assert.rejects(evaluate({ data, model: model(), slices: [name] }), {
        code: 'INPUT',
        message: new RegExp(`Cannot slice by ${name}: .*one of context\\.device, user\\.age.*price_level`),
      })
  })

  test('compare finds the differences of what evaluate finds, with intervals of what the models do not share', async () => {
    const other = join(folder, 'other')
    await train({ ...options, activations: ['relu'], loss: 'pairwise', epochs: 2, out: other })
    const { byGroup } = await evaluate({ data, model: other })
    const copy = join(folder, 'copy')
    await cp(model(), copy, { recursive: true })
    const found = await compare({ data, models: [model(), other, copy], threads: 2 })
    assert.equal(found.by, 'group')
    assert.equal(found.units, report.byGroup?.units)
    const [changed, same] = found.differences
    for (const measure of ORDER_MEASURES) {
      const [own, others] = [report.byGroup, byGroup].map((one) => one!.rankings.model![measure]!)
      const { first, other: second, difference } = changed.measures[measure]!
      assert.deepEqual([first, second, difference.value], [own.value, others.value, others.value - own.value])
      assert.ok(difference.low <= difference.value && difference.value <= difference.high)
      assert.ok(difference.high - difference.low < Math.hypot(own.high - own.low, others.high - others.low))
      assert.deepEqual(same.measures[measure]?.difference, { value: 0, low: 0, high: 0 })
    }
    assert.equal(changed.measures.logLoss, null)

    const slices = ['device', 'restaurant.price_level']
    const [sliced] = (await compare({ data, models: [model(), other], slices })).differences
    assert.deepEqual(sliced.measures, changed.measures)
    const [own, others] = await Promise.all(
      [model(), other].map(async (one) => (await evaluate({ data, model: one, slices })).slices),
    )
    assert.equal(sliced.slices.length, own.length)
    for (const [i, { slice, value, measures }] of sliced.slices.entries()) {
      assert.deepEqual([own[i].slice, own[i].value], [slice, value])
      const { first, other: second } = measures.gauc!
      assert.equal(first, own[i].byGroup?.rankings.model?.gauc?.value)
      assert.equal(second, others[i].byGroup?.rankings.model?.gauc?.value)
    }
  })

  test('compare by user where no model has groups: the log loss is that of evaluate', async () => {
    const plain = { data, epochs: 1, validation: 0, threads: 1, hidden: [8], activations: ['relu' as const] }
    const models = ['plain', 'longer'].map((name) => join(folder, name))
    for (const [i, out] of models.entries()) await train({ ...plain, seed: 1 + i, out })
    const { by, differences } = await compare({ data, models })
    assert.equal(by, 'user')
    const losses = await Promise.all(
      models.map(async (one) => (await evaluate({ data, model: one })).logLoss),
    )
    const { first, other } = differences[0].measures.logLoss!
    assert.ok(Math.abs(first - losses[0]) < 1e-9 && Math.abs(other - losses[1]) < 1e-9)
    await assert.rejects(compare({ data, models, slices: ['price_level'] }), {
      code: 'INPUT',
      message: /Cannot compare by price_level: slices are compared by group/,
    })
    const { code, stdout } = await runCli(['compare', '--data', data, '--models', models.join(',')])
    assert.equal(code, 0)
    assert.match(stdout, /^NDCG@10 +(0\.\d{5} +){2}[+−]0\.\d{5} +[+−]0\.\d{5} to [+−]0\.\d{5}/m)
    assert.match(stdout, /(cannot be told|is better|is worse).*which (does not hold|holds) 0\./)
  })

  test('compare refuses models that use other test clicks', async () => {
    const out = join(folder, 'other clicks')
    await train({ ...options, activations: ['relu'], columns: { click: 'position' }, clickThreshold: 9, out })
    await assert.rejects(compare({ data, models: [model(), out] }), {
      code: 'INPUT',
      message: /Cannot compare .*other clicks with .*model: they use different test clicks/,
    })
  })
})
