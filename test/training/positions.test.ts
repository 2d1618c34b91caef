import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { recommend } from '../../src/ranking/recommend.ts'
import { evaluate } from '../../src/training/evaluate.ts'
import { train } from '../../src/training/train.ts'
import { writeParquetFile } from '../dataset/fixture.ts'
import { temporaryFolder } from './dataFixture.ts'

const EFFECTS = [1.5, 0.5, -0.5, -1.5] // of positions 1 … 4, added to the logit; their mean is 0
const ROWS = 60_000

/** Clicks that the restaurant's taste and the position decide; good restaurants are shown further down. */
const clicksSql = (rows: number, seed: number, position = 'position') => `
  WITH drawn AS (
    SELECT i, hash(i || ' user ${seed}') % 200 AS user_id, hash(i || ' place ${seed}') % 40 AS restaurant_id,
      hash(i || ' noise ${seed}') / 2.0 ** 64 AS noise, hash(i || ' coin ${seed}') % 8 AS coin
    FROM range(${rows}) t(i)),
  placed AS (SELECT *, 1 + CASE WHEN coin < 4 THEN coin WHEN restaurant_id % 2 = 0 THEN coin % 2 ELSE 2 + coin % 2 END AS position FROM drawn)
  SELECT user_id, restaurant_id, ${position} AS position, i // 4 AS request_id,
    (noise < 1 / (1 + exp(-(restaurant_id % 2 - 0.5 + [${EFFECTS.join(',')}][position::INTEGER]))))::TINYINT AS click
  FROM placed`

const folder = await temporaryFolder()
const data = join(folder, 'data')
await writeParquetFile(
  data,
  'user_features.parquet',
  'SELECT i AS user_id, i % 7 AS age FROM range(200) t(i)',
)
await writeParquetFile(
  data,
  'restaurant_features.parquet',
  `SELECT i AS restaurant_id, 13.5 AS latitude, 100.5 + i / 1000 AS longitude, 'kind ' || i % 2 AS kind FROM range(40) t(i)`,
)
await writeParquetFile(data, 'train/0.parquet', clicksSql(ROWS, 1))
await writeParquetFile(data, 'test/0.parquet', clicksSql(2000, 2))
await writeParquetFile(data, 'untold/0.parquet', `SELECT * EXCLUDE (position) FROM (${clicksSql(2000, 2)})`)
await writeParquetFile(data, 'zero/0.parquet', clicksSql(2000, 3, 'position - 1'))

const common = () => ({ data, batchSize: 256, epochs: 3, threads: 1, checkpointSeconds: 0 })
const request = {
  candidateRestaurantIds: null,
  latitude: 13.5,
  longitude: 100.52,
  size: 40,
  maxDistM: 1e6,
  sortByDistance: false,
}

describe('positions', () => {
  test('their effects are found, with the mean 0, and taste is not taken for them', async () => {
    const out = join(folder, 'model')
    await train({ ...common(), positionColumn: 'position', out })
    const { description, weights } = await loadModelFiles(out)
    const table = description.network.embeddings!.find(({ name }) => name === 'context.position')!
    assert.deepEqual([table.direct, table.additive], [true, true])
    const feature = description.features!.context!.find(({ name }) => name === 'position')!
    assert.ok('values' in feature)
    const { data: numbers } = weights.get('embedding.context.position.weight')!
    const effectOf = (code: number) => numbers.slice(4 * code, 4 * code + 4).reduce((sum, x) => sum + x, 0)
    assert.deepEqual([effectOf(0), effectOf(1)], [0, 0], 'not told, and never seen')
    for (const [i, value] of feature.values.entries()) {
      const wanted = EFFECTS[Number(value) - 1]
      assert.ok(Math.abs(effectOf(2 + i) - wanted) < 0.15, `position ${value}: ${effectOf(2 + i)}`)
    }
    // The first layer has no weight for it.
    const first = weights.get('model.0.weight')!
    const last = first.shape[1] - 4
    for (let unit = 0; unit < first.shape[0]; unit++)
      for (let k = 0; k < 4; k++) assert.equal(first.data[unit * first.shape[1] + last + k], 0)

    // Without positions, a restaurant that was shown on top seems to be good.
    const biased = join(folder, 'biased')
    await train({ ...common(), out: biased })
    const gap = async (model: string) => {
      const { restaurants } = await recommend({ user: 3, request }, { data, model })
      const mean = (odd: number) => {
        const own = restaurants.filter(({ id }) => Number(id) % 2 === odd)
        return own.reduce((sum, { score }) => sum + Math.log(score / (1 - score)), 0) / own.length
      }
      return mean(1) - mean(0)
    }
    assert.ok(Math.abs((await gap(out)) - 1) < 0.2, 'the better kind is better by 1')
    assert.ok((await gap(biased)) < 0, 'and seems worse without positions')
  })

  test('evaluate gives the same whether the rows tell their positions or not', async () => {
    const model = join(folder, 'model')
    const told = await evaluate({ data, model })
    const untold = await evaluate({ data, model, testFiles: ['untold/*.parquet'] })
    assert.deepEqual({ ...told, seconds: 0 }, { ...untold, seconds: 0 })
  })

  test('positions below 1, other columns and columns that are not there are refused', async () => {
    const out = join(folder, 'none')
    await assert.rejects(
      train({ ...common(), out, positionColumn: 'position', trainFiles: ['zero/*.parquet'] }),
      { code: 'INPUT', message: /column position of zero\/0\.parquet.*integers from 1 \(the top\), found 0/ },
    )
    await assert.rejects(train({ ...common(), out, positionColumn: 'rank' }), {
      code: 'INPUT',
      message: /rank/,
    })
  })
})
