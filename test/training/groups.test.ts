import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { checkClasses, checkGroups } from '../../src/training/settings/groups.ts'
import { settingsForRows } from '../../src/training/settings/fewRows.ts'
import { resolveSettings } from '../../src/training/settings/resolveSettings.ts'
import { LOSSES } from '../../src/training/settings/trainSettings.ts'
import { train } from '../../src/training/train.ts'
import type { TrainEvent, TrainOptions } from '../../src/training/types.ts'
import { isError, writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from './dataFixture.ts'

const RESTAURANTS = 100
const folder = await temporaryFolder()
const data = join(folder, 'data')
// Twice as good is what counts; what a user is like decides nothing. Both are in 0 … 1.
const taste = (r: number) => [((r * 61) % 100) / 100, ((r * 17) % 89) / 89]
const TASTE = '((r * 61) % 100)::FLOAT / 100 AS quality, ((r * 17) % 89)::FLOAT / 89 AS charm'
await writeParquetFile(
  data,
  'user_features.parquet',
  'SELECT u AS user_id, (u % 7)::FLOAT AS age FROM range(50) t(u)',
)
await writeParquetFile(
  data,
  'restaurant_features.parquet',
  `SELECT r AS restaurant_id, ${TASTE}, 1.0 AS latitude, 2.0 AS longitude FROM range(${RESTAURANTS}) t(r)`,
)

/**
 * Requests of 2 to 10 rows, of which the best restaurant is clicked, or the last one in one of five: no order
 * is perfect. Half of them have the rows of two requests as one session.
 */
async function writeRequests(name: string, from: number, to: number): Promise<void> {
  await writeParquetFile(
    data,
    name,
    `WITH shown AS (SELECT g, k, (g * 37 + k * 13) % ${RESTAURANTS} AS r FROM range(${from}, ${to}) t(g), range(10) s(k) WHERE k < 2 + g % 9),
     judged AS (SELECT g, k, r, 2 * quality + charm AS worth FROM shown JOIN (SELECT r, ${TASTE} FROM range(${RESTAURANTS}) t(r)) USING (r))
     SELECT g % 50 AS user_id, r AS restaurant_id, 'request ' || g AS request_id, g // 2 AS session,
       (CASE WHEN g % 5 = 4 THEN k = 1 + g % 9 ELSE worth = max(worth) OVER (PARTITION BY g) END)::INTEGER AS click
     FROM judged ORDER BY g, k`,
  )
}
await writeRequests('train/a.parquet', 0, 700)
await writeRequests('train/b.parquet', 700, 1000)
await writeRequests('test/a.parquet', 2000, 2400)
// Packed here: that spares processes for it.
const tables = await openTables({ data })
for (const [split, groupColumn] of [
  ['train', 'request_id'],
  ['test', 'request_id'],
  ['test', 'session'],
] as const)
  await (await openRows({ data, groupColumn }, tables, split)).close()

const grouped = (name: string, options: Partial<TrainOptions> = {}): TrainOptions => ({
  data,
  out: join(folder, name),
  groupColumn: 'request_id',
  hidden: [8],
  activations: ['relu'],
  batchSize: 64,
  epochs: 4,
  learningRate: 0.03,
  warmupSteps: 10,
  validation: 0,
  keep: 'last',
  threads: 1,
  ...options,
})
const weightsOf = (name: string) => readFile(join(folder, name, 'weights.safetensors'))

/** Mean over the test requests of NDCG at 10 by `score`, from the definition. */
function naiveNdcg(
  scoreOf: (restaurant: number, user: number) => number,
  groupOf: (g: number) => number,
): number {
  const rows = Array.from({ length: 400 }, (_, i) => 2000 + i).flatMap((g) => {
    const own = Array.from({ length: 2 + (g % 9) }, (_, k) => (g * 37 + k * 13) % RESTAURANTS)
    const worth = own.map((r) => 2 * taste(r)[0] + taste(r)[1])
    const clicked = g % 5 === 4 ? 1 + (g % 9) : worth.indexOf(Math.max(...worth))
    return own.map((r, k) => ({ group: groupOf(g), score: scoreOf(r, g % 50), click: k === clicked ? 1 : 0 }))
  })
  const gain = (clicks: number[]) =>
    clicks.slice(0, 10).reduce((sum, click, rank) => sum + click / Math.log2(rank + 2), 0)
  const each = [...Map.groupBy(rows, ({ group }) => group).values()].map((own) => {
    const shown = own.toSorted((a, b) => b.score - a.score).map(({ click }) => click)
    return gain(shown) / gain(shown.toSorted((a, b) => b - a))
  })
  return each.reduce((sum, value) => sum + value, 0) / each.length
}
const best = naiveNdcg(
  (r) => 2 * taste(r)[0] + taste(r)[1],
  (g) => g,
)

/** Rows of the requests `from` … `to` − 1. */
const rowsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => 2 + ((from + i) % 9)).reduce((sum, size) => sum + size, 0)

for (const loss of LOSSES)
  test(`${loss} finds the order, with every row in every epoch`, async () => {
    const result = await train(grouped(loss, { loss }))
    const missed = best - result.test!.groupNdcg10!
    assert.ok(Math.abs(missed) < (loss === 'logistic' ? 0.02 : 0.005), `${missed} below ${best}`)
    const files = [rowsOf(0, 700), rowsOf(700, 1000)]
    assert.equal(result.ledger.length, 4)
    for (const { rows, files: own } of result.ledger) {
      assert.equal(rows, files[0] + files[1])
      assert.deepEqual(
        own.map(({ used }) => used),
        files,
      )
    }
    if (loss !== 'softmax' && loss !== 'logistic+pairwise') return // of the others: below
    await train(grouped(`${loss} on two`, { loss, threads: 2 }))
    assert.deepEqual(await weightsOf(`${loss} on two`), await weightsOf(loss))
  })

test('stopped in the middle of epochs and resumed on other threads, it ends in the same bytes', async () => {
  const settings = { loss: 'lambdarank', validation: 0.1, keep: 'best', shuffle: true } as const
  const whole = await train(grouped('whole', settings))
  const options = grouped('stopped', settings)
  const stops = [
    (event: TrainEvent) => event.type === 'start',
    (event: TrainEvent) => event.type === 'epoch' && event.epoch.epoch === 2,
  ]
  for (const [i, isThere] of stops.entries()) {
    const controller = new AbortController()
    const onProgress = (event: TrainEvent) => isThere(event) && controller.abort()
    await assert.rejects(
      train({ ...options, resume: i > 0, threads: 3 - i, signal: controller.signal, onProgress }),
      isError('ABORTED', i === 0 ? /epoch 1, at step [1-9]/ : /epoch 3, at step [1-9]/),
    )
  }
  const resumed = await train({ ...options, resume: true })
  assert.deepEqual(await weightsOf('stopped'), await weightsOf('whole'))
  assert.ok(!existsSync(`${options.out}.checkpoint`))
  assert.equal(resumed.steps, whole.steps)
  const ndcgs = whole.epochs.map(({ validationNdcg10 }) => validationNdcg10!)
  assert.equal(whole.keptEpoch, 1 + ndcgs.indexOf(Math.max(...ndcgs)), 'an order is judged by its order')
})

test('evaluate takes the groups from the model, or from the column that it is given', async () => {
  await train(grouped('linear', { loss: 'softmax', hidden: [], activations: [], epochs: 1 }))
  const model = join(folder, 'linear')
  const { weights } = await loadModelFiles(model)
  const { data: w } = [...weights.values()].find(({ shape }) => shape.length === 2)!
  const score = (r: number, user: number) => w[0] * (user % 7) + w[1] * taste(r)[0] + w[2] * taste(r)[1]
  const { groupNdcg10 } = await evaluate({ data, model, threads: 1 })
  assert.ok(Math.abs(groupNdcg10! - naiveNdcg(score, (g) => g)) < 1e-9)
  const bySession = await evaluate({ data, model, groupColumn: 'session', threads: 1 })
  assert.ok(Math.abs(bySession.groupNdcg10! - naiveNdcg(score, (g) => Math.floor(g / 2))) < 1e-9)
  assert.notEqual(bySession.groupNdcg10, groupNdcg10)
  const { logLoss, auc } = bySession
  assert.ok(logLoss > 0 && auc! > 0.5)
})

test('what no order can be learned from is refused, with what would do', async () => {
  const { groupColumn: _, ...ungrouped } = grouped('refused', { loss: 'softmax' })
  await assert.rejects(train(ungrouped), isError('USAGE', /loss softmax/, /--group-column/))
  await assert.rejects(
    train(grouped('refused', { batchSize: 9 })),
    isError('INPUT', /batches of 9 rows/, /longest has 10 rows/, /--batch-size 10 /),
  )
  const groups = { count: 1500, longest: 9, withoutOrder: 1500, split: 0 }
  for (const loss of LOSSES) {
    const check = () => checkGroups({ groups }, resolveSettings({ loss }))
    if (loss.startsWith('logistic')) check()
    else
      assert.throws(
        check,
        isError('INPUT', new RegExp(`loss ${loss}`), /1,500 groups has no click/, /--group-column/),
      )
  }
  assert.ok(!existsSync(join(folder, 'refused')))
})

test('rows of one class are refused', () => {
  checkClasses({ rows: 30, clicks: 1 })
  for (const [clicks, found] of [
    [0, /30 training rows: none of them is a click.*--click-column/],
    [30, /each of them is a click/],
  ] as const)
    assert.throws(() => checkClasses({ rows: 30, clicks }), isError('INPUT', found))
})

test('few rows: a batch that is chosen for them has room for the longest group', () => {
  const chosenFor = (longest: number) =>
    settingsForRows(resolveSettings({}), { options: {}, rows: 300, groups: { longest } })
  assert.equal(chosenFor(40).settings.batchSize, 40)
  assert.equal(chosenFor(40).chosen.batchSize, 40)
  assert.equal(chosenFor(10).settings.batchSize, 32)
  assert.equal(chosenFor(1024).settings.batchSize, 1024)
})

test('what packing remembers of groups is planned: with less memory, a run is refused by name', async () => {
  const few = { data, out: join(folder, 'few'), epochs: 1, hidden: [4], checkpointSeconds: 0, threads: 1 }
  const maxMemoryBytes = 400 * 2 ** 20
  await train({ ...few, maxMemoryBytes })
  const wanted = isError(
    'MEMORY',
    /96 MiB for pairs and groups while packing/,
    /Give --max-memory 41\dMiB or more/,
  )
  await assert.rejects(train({ ...few, groupColumn: 'request_id', maxMemoryBytes }), wanted)
  await train({ ...few, groupColumn: 'request_id', maxMemoryBytes: 420 * 2 ** 20 })
  const model = few.out
  await assert.rejects(
    evaluate({ data, model, maxMemoryBytes }),
    isError('MEMORY', /96 MiB for pairs and groups while packing/),
  )
})
