import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { evaluate } from '../../src/training/evaluate.ts'
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
await writeRequests('train/a.parquet', 0, 1500)
await writeRequests('train/b.parquet', 1500, 2000)
await writeRequests('test/a.parquet', 2000, 2400)

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
  test(`${loss} finds the order, with every row in every epoch, and the same bytes for any number of threads`, async () => {
    const result = await train(grouped(loss, { loss }))
    const missed = best - result.test!.groupNdcg10!
    assert.ok(Math.abs(missed) < (loss === 'logistic' ? 0.02 : 0.005), `${missed} below ${best}`)
    const files = [rowsOf(0, 1500), rowsOf(1500, 2000)]
    assert.equal(result.ledger.length, 4)
    for (const { rows, files: own } of result.ledger) {
      assert.equal(rows, files[0] + files[1])
      assert.deepEqual(
        own.map(({ used }) => used),
        files,
      )
    }
    await train(grouped(`${loss} on 3`, { loss, threads: 3 }))
    assert.deepEqual(await weightsOf(`${loss} on 3`), await weightsOf(loss))
  })

test('stopped in the middle of epochs and resumed, it ends in the same bytes', async () => {
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
      train({ ...options, resume: i > 0, threads: 3, signal: controller.signal, onProgress }),
      isError('ABORTED', [/epoch 1, at step [1-9]/, /epoch 3, at step [1-9]/][i]),
    )
  }
  const resumed = await train({ ...options, resume: true, threads: 2 })
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
  const { groupNdcg10 } = await evaluate({ data, model, threads: 2 })
  assert.ok(Math.abs(groupNdcg10! - naiveNdcg(score, (g) => g)) < 1e-9)
  const bySession = await evaluate({ data, model, groupColumn: 'session' })
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
  for (const loss of ['pairwise', 'lambdarank', 'softmax'] as const)
    await assert.rejects(
      train(grouped('refused', { loss, groupColumn: 'click', batchSize: 1024 })),
      isError('INPUT', new RegExp(`loss ${loss}`), /no click, or nothing else/, /--group-column/),
    )
  assert.ok(!existsSync(join(folder, 'refused')))
})

test('few rows: a batch that is chosen for them has room for the longest group', () => {
  const chosenFor = (longest: number) =>
    settingsForRows(resolveSettings({}), { options: {}, rows: 300, groups: { longest } })
  assert.equal(chosenFor(40).settings.batchSize, 40)
  assert.equal(chosenFor(40).chosen.batchSize, 40)
  assert.equal(chosenFor(10).settings.batchSize, 32)
  assert.equal(chosenFor(1024).settings.batchSize, 1024)
})
