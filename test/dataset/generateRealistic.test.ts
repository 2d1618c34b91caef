import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { type Ceilings, readDatasetInfo } from '../../src/dataset/datasetInfo.ts'
import { type GenerateResult, generate } from '../../src/dataset/generator/generate.ts'
import { KINDS } from '../../src/dataset/generator/realistic/effects.ts'
import { readRequests } from '../../src/dataset/requests.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { Random } from '../../src/random.ts'
import { temporaryFolder } from '../training/dataFixture.ts'
import { isError, withFolder } from './fixture.ts'
import { digests } from './generateFixture.ts'
import {
  type Click,
  COLUMN_OF,
  drawnWorld,
  logitOf,
  query,
  readClicks,
  rowsOfRestaurants,
  SMALL_REALISTIC,
  TERMS,
} from './realisticFixture.ts'

const DRAWS = 150 // of other rows' values, for what a predictor without a kind would say

describe('generate --kind realistic', async () => {
  const out = join(await temporaryFolder(), 'data')
  let result: GenerateResult | undefined
  before(async () => {
    result = await generate({ ...SMALL_REALISTIC, out })
  })
  const file = (name: string) => `'${join(out, name)}'`
  const one = async (sql: string) => (await query(sql))[0].map(Number)

  test('makes the same bytes for the same seed on any number of threads, and others for another', () =>
    withFolder(async (folder) => {
      const first = await digests(out)
      await generate({ ...SMALL_REALISTIC, out: join(folder, 'two'), threads: 2 })
      assert.deepEqual(await digests(join(folder, 'two')), first)
      assert.equal(new Set(Object.values(first)).size, 10)
      await generate({ ...SMALL_REALISTIC, out: join(folder, 'other'), seed: 8 })
      const other = await digests(join(folder, 'other'))
      for (const [name, digest] of Object.entries(first)) assert.notEqual(other[name], digest, name)
    }))

  test('writes columns of all types', async () => {
    const describeFile = async (name: string) =>
      (await query(`DESCRIBE SELECT * FROM ${file(name)}`))
        .map((row) => `${String(row[0])} ${String(row[1])}`)
        .join(', ')
    assert.equal(
      await describeFile('user_features.parquet'),
      'user_id VARCHAR, age INTEGER, gender VARCHAR, home_latitude DOUBLE, home_longitude DOUBLE, liked_cuisines VARCHAR[]',
    )
    assert.equal(
      await describeFile('restaurant_features.parquet'),
      'restaurant_id BIGINT, latitude DOUBLE, longitude DOUBLE, cuisines VARCHAR[], price_level INTEGER, rating DOUBLE, opened DATE, name VARCHAR',
    )
    for (const name of ['train/train_00.parquet', 'test/test_01.parquet'])
      assert.equal(
        await describeFile(name),
        'request_id BIGINT, user_id VARCHAR, restaurant_id BIGINT, time TIMESTAMP, device VARCHAR, companion VARCHAR, position TINYINT, latitude DOUBLE, longitude DOUBLE, click TINYINT',
      )
    assert.equal(
      await describeFile('requests.parquet'),
      'user_id VARCHAR, latitude DOUBLE, longitude DOUBLE, candidate_restaurant_ids BIGINT[], size BIGINT, max_dist BIGINT, sort_dist BOOLEAN, time TIMESTAMP, device VARCHAR, companion VARCHAR',
    )
  })

  test('values are missing, empty and skewed as they are told to be', async () => {
    const near = (found: number, wanted: number, within: number) =>
      assert.ok(Math.abs(found - wanted) < within, `${found}, wanted ${wanted}`)
    const [users, ids, ages, genders, lists, empty, youngest, oldest] = await one(`
      SELECT count(*), count(DISTINCT user_id), avg((age IS NULL)::INT), avg((gender IS NULL)::INT),
        avg((liked_cuisines IS NULL)::INT), avg((liked_cuisines = [])::INT), min(age), max(age)
      FROM ${file('user_features.parquet')} WHERE user_id SIMILAR TO 'u[0-9]{6}'`)
    assert.deepEqual([users, ids], [3000, 3000])
    near(ages, 0.12, 0.03)
    near(genders, 0.08, 0.02)
    near(lists, 0.15, 0.03)
    near(empty, 0.1 / 0.85, 0.03)
    assert.ok(youngest >= 18 && oldest <= 85)
    const [places, names, largest, ratings, worst, best, prices, fewest, most, late] = await one(`
      SELECT count(DISTINCT restaurant_id), count(DISTINCT name), max(restaurant_id), avg((rating IS NULL)::INT),
        min(rating), max(rating), count(DISTINCT price_level), min(len(cuisines)), max(len(cuisines)),
        count(*) FILTER (opened > DATE '2026-01-01')
      FROM ${file('restaurant_features.parquet')}`)
    assert.ok(places === 800 && names > 790 && largest > 1e6)
    near(ratings, 0.15, 0.04)
    assert.ok(worst >= 1 && best <= 5)
    assert.deepEqual([prices, fewest, most, late], [4, 1, 3, 0])
    const counts = await query(`
      SELECT count(*)::INT FROM (SELECT unnest(cuisines) c FROM ${file('restaurant_features.parquet')})
      GROUP BY c ORDER BY 1`)
    assert.ok(counts.length === 30 && Number(counts[29][0]) > 3 * Number(counts[0][0]))
  })

  test('columns tell twins at most, whose own effects cancel out and who come as often', async () => {
    const world = drawnWorld()
    const { biases, tickets } = world.users
    const { qualities } = world.restaurants
    const rowOf = rowsOfRestaurants()
    const groups = async (name: string, id: string, others: string) =>
      (await query(`SELECT list(${id}::VARCHAR), ${others} FROM ${file(name)} GROUP BY ALL`)).map(([ids]) =>
        (ids as string[]).map(String),
      )
    for (const [name, id, kept, row, effects, popular] of [
      [
        'user_features.parquet',
        'user_id',
        '* EXCLUDE (user_id)',
        (text: string) => Number(text.slice(1)),
        biases,
        tickets,
      ],
      [
        'restaurant_features.parquet',
        'restaurant_id',
        '* EXCLUDE (restaurant_id, name)',
        (text: string) => rowOf.get(Number(text)) ?? -1,
        qualities,
        world.restaurants.tickets,
      ],
    ] as const) {
      const alike = await groups(name, id, kept)
      assert.equal(alike.flat().length, effects.length)
      for (const ids of alike) {
        const rows = ids.map(row)
        const sum = (sign: number, of: ArrayLike<number>) =>
          rows.reduce((total, at) => total + (Math.sign(effects[at]) === sign ? of[at] : 0), 0)
        assert.equal(sum(1, effects), -sum(-1, effects), ids.join())
        assert.equal(sum(1, popular), sum(-1, popular), ids.join())
      }
    }
  })

  test('clicks come in requests of 20 that belong together, near the user', async () => {
    for (const [split, rows, firstId, firstDay, lastDay] of [
      ['train', 20_007, 1, '2026-01-01', '2026-03-01'],
      ['test', 6011, 1002, '2026-03-02', '2026-03-08'],
    ] as const) {
      const clicks = file(`${split}/*.parquet`)
      const [count, requests, first, last, companions] = await one(`
        SELECT count(*), count(DISTINCT request_id), min(request_id), max(request_id),
          avg((companion IS NULL)::INT) FROM ${clicks}`)
      const groups = Math.ceil(rows / 20)
      assert.deepEqual([count, requests, first, last], [rows, groups, firstId, firstId + groups - 1])
      assert.ok(Math.abs(companions - 0.6) < 0.05)
      const [mixed, cut] = await one(`
        SELECT count(*) FILTER (visits > 1 OR restaurants < size OR positions < size OR spread >= size
            OR last_position > size),
          count(*) FILTER (size < 20)
        FROM (SELECT count(*) size, count(DISTINCT (user_id, time, device, companion, latitude)) visits,
            count(DISTINCT restaurant_id) restaurants, count(DISTINCT position) positions,
            max(position) last_position, max(file_row_number) - min(file_row_number) spread
          FROM read_parquet(${clicks}, file_row_number = true) GROUP BY request_id)`)
      assert.deepEqual([mixed, cut], [0, 1])
      const [days] = await query(`SELECT min(time)::DATE::VARCHAR, max(time)::DATE::VARCHAR FROM ${clicks}`)
      assert.deepEqual(days, [firstDay, lastDay])
    }
    const distances = (await readClicks(out, 'test'))
      .map(({ distanceM }) => distanceM)
      .toSorted((a, b) => a - b)
    assert.ok(distances[300] < 1000 && distances[3000] < 4000 && distances[5700] < 15_000)
  })

  test('clicks come about as the columns and the own effects of both sides say', async () => {
    for (const split of ['train', 'test'] as const) {
      let surprise = 0 // Σ (click − p): 0 up to its own deviation
      let variance = 0
      let clicks = 0
      const rows = await readClicks(out, split)
      assert.equal(rows.length, split === 'train' ? 20_007 : 6011)
      for (const row of rows) {
        const p = sigmoid(logitOf(row))
        surprise += row.click - p
        variance += p * (1 - p)
        clicks += row.click
      }
      assert.ok(Math.abs(surprise) < 4 * Math.sqrt(variance), `${split}: ${surprise} off`)
      const rate = clicks / rows.length
      assert.ok(rate > 0.08 && rate < 0.15, `${split}: ${rate}`)
      const info = await readDatasetInfo(out)
      assert.equal(split === 'train' ? info?.clickRate : info?.testClickRate, rate)
    }
  })

  test('ceilings are those of an independent calculation', async () => {
    const { all, drawn, without } = result?.ceilings ?? assert.fail('no ceilings')
    const clicks = await readClicks(out, 'test')
    const logits = clicks.map(logitOf)
    const truth = logits.map(sigmoid)
    const best = measured(truth, truth)
    close(all, best, 2e-5)
    close(
      drawn,
      measured(
        truth,
        clicks.map(({ click }) => click),
      ),
      2e-5,
    )
    assert.equal(result?.bayesLogLoss, all.logLoss)
    const wantedNdcg = meanNdcg(clicks, truth)
    for (const { ndcg10 } of [all, drawn])
      assert.ok(Math.abs((ndcg10 ?? 0) - wantedNdcg) < 1e-6, `${ndcg10}, wanted ${wantedNdcg}`)
    assert.deepEqual(Object.keys(without), [...KINDS])
    const random = new Random(1)
    for (const kind of KINDS) {
      const column = COLUMN_OF[kind]
      const term = TERMS[kind]
      const values = clicks.map((click) => click[column])
      const guesses = clicks.map((click, i) => {
        const rest = logits[i] - term(click)
        const changed: Click & Record<string, unknown> = { ...click }
        let sum = 0
        for (let draw = 0; draw < DRAWS; draw++) {
          changed[column as string] = values[random.below(values.length)]
          sum += sigmoid(rest + term(changed))
        }
        return sum / DRAWS
      })
      const found = without[kind]
      const wanted = measured(guesses, truth)
      const loss = wanted.logLoss - best.logLoss
      assert.ok(
        Math.abs(found.logLoss - wanted.logLoss) < 0.08 * loss,
        `${kind}: ${found.logLoss} ${wanted.logLoss}`,
      )
      close(found, wanted, 0.002)
      // The guesses are a mean over draws, so rows of nearly the same score change places.
      assert.ok(Math.abs((found.ndcg10 ?? 0) - meanNdcg(clicks, guesses)) < 0.01, kind)
    }
  })

  test('without a kind of feature the best possible is worse', () => {
    const { all, without } = result?.ceilings ?? assert.fail('no ceilings')
    for (const [kind, ceiling] of Object.entries(without)) {
      assert.ok(ceiling.logLoss > all.logLoss + 0.0004, `${kind}: ${ceiling.logLoss}`)
      assert.ok((ceiling.auc ?? 1) < (all.auc ?? 0), kind)
      assert.ok(ceiling.accuracy <= all.accuracy, kind)
    }
    for (const kind of ['distance', 'overlap', 'time', 'companion', 'position', 'ids'])
      assert.ok((without[kind].auc ?? 1) < (all.auc ?? 0) - 0.005, kind)
  })

  test('the packer takes the ids and the clicks, the load test the requests', async () => {
    const options = {
      data: out,
      userFeatures: ['home_latitude', 'home_longitude'],
      restaurantFeatures: ['price_level'],
    }
    await withFolder(async (cache) => {
      const tables = await openTables({ ...options, cache })
      const pack = await openRows({ ...options, cache }, tables, 'train')
      assert.deepEqual(
        [pack.rows, pack.clicks / pack.rows],
        [20_007, (await readDatasetInfo(out))?.clickRate],
      )
      await pack.close()
    })
    const requests = await readRequests(join(out, 'requests.parquet'))
    assert.equal(requests.length, 50)
    const known = new Set(
      (await query(`SELECT restaurant_id::BIGINT FROM ${file('restaurant_features.parquet')}`))
        .flat()
        .map(Number),
    )
    for (const { userId, candidateRestaurantIds } of requests) {
      assert.match(String(userId), /^u00[012]\d{3}$/)
      assert.equal(new Set(candidateRestaurantIds?.map(Number)).intersection(known).size, 40)
    }
  })

  test('dataset.json holds the ceilings, and a damaged one is refused', () =>
    withFolder(async (folder) => {
      const info = (await readDatasetInfo(out)) ?? assert.fail('no dataset.json')
      assert.ok('ceilings' in info)
      assert.deepEqual(info.ceilings, result?.ceilings)
      assert.deepEqual([result?.kind, info.kind], ['realistic', 'realistic'])
      const ceilings = { ...info.ceilings, all: { accuracy: 2, auc: null, logLoss: 0 } } as Ceilings
      await writeFile(join(folder, 'dataset.json'), JSON.stringify({ ...info, ceilings }))
      await assert.rejects(readDatasetInfo(folder), isError('INPUT', /ceilings/))
    }))

  test('without test rows there are no ceilings; too few restaurants are refused', () =>
    withFolder(async (folder) => {
      const few = { ...SMALL_REALISTIC, rows: 100, restaurants: 20, users: 3, candidates: 5, testRows: 0 }
      const made = await generate({ ...few, out: join(folder, 'few') })
      assert.equal(made.ceilings, null)
      const [requests, shown] = await one(`
        SELECT count(*), sum(shown) FROM (SELECT count(DISTINCT restaurant_id) shown
          FROM '${join(folder, 'few')}/train/*.parquet' GROUP BY request_id)`)
      assert.deepEqual([requests, shown], [5, 100])
      await assert.rejects(
        generate({ ...few, restaurants: 19, out: join(folder, 'none') }),
        isError('USAGE', /20 restaurants.*19/),
      )
    }))

  test('--shown popular: popular restaurants tend to come first in training lists, and only there', () =>
    withFolder(async (folder) => {
      const made = join(folder, 'popular')
      await generate({ ...SMALL_REALISTIC, shown: 'popular', out: made })
      const { tickets } = drawnWorld().restaurants
      const rowOf = rowsOfRestaurants()
      const ticketsOf = async (split: string, positions: string) => {
        const ids = await query(
          `SELECT restaurant_id FROM '${join(made, split)}/*.parquet' WHERE position BETWEEN ${positions}`,
        )
        return ids.reduce((sum, [id]) => sum + tickets[rowOf.get(Number(id)) ?? -1], 0) / ids.length
      }
      const [first, last] = [await ticketsOf('train', '1 AND 5'), await ticketsOf('train', '16 AND 20')]
      assert.ok(first > 2 * last, `${first} ${last}`)
      const [top, bottom] = [await ticketsOf('test', '1 AND 5'), await ticketsOf('test', '16 AND 20')]
      assert.ok(Math.abs(top / bottom - 1) < 0.1, `${top} ${bottom}`)
      const info = await readDatasetInfo(made)
      assert.ok(info !== undefined && 'shown' in info && info.shown === 'popular')
      await assert.rejects(
        generate({ out: join(folder, 'none'), shown: 'popular' }),
        isError('USAGE', /--shown.*--kind realistic/),
      )
    }))
})

/** NDCG@10 by request, over those with a click. */
function meanNdcg(clicks: Click[], guesses: number[]): number {
  const requests = Map.groupBy(clicks.keys(), (row) => clicks[row].request)
  const gain = (rows: number[]) =>
    rows.slice(0, 10).reduce((sum, row, rank) => sum + clicks[row].click / Math.log2(rank + 2), 0)
  const values = [...requests.values()].flatMap((rows) => {
    const best = gain(rows.toSorted((a, b) => clicks[b].click - clicks[a].click))
    return best === 0 ? [] : [gain(rows.toSorted((a, b) => guesses[b] - guesses[a])) / best]
  })
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}

/** How good guesses are, on average over clicks of these probabilities; by sorting, with ties as halves. */
function measured(guesses: number[], probabilities: number[]) {
  let right = 0
  let loss = 0
  for (const [i, guess] of guesses.entries()) {
    const p = probabilities[i]
    right += guess >= 0.5 ? p : 1 - p
    loss -= p * Math.log(guess) + (1 - p) * Math.log(1 - guess)
  }
  const order = guesses.map((_, i) => i).toSorted((a, b) => guesses[a] - guesses[b])
  let ordered = 0
  let below = 0 // expected rows without a click, of lower guesses
  for (const i of order) {
    ordered += probabilities[i] * (below + (1 - probabilities[i]) / 2)
    below += 1 - probabilities[i]
  }
  const { length } = guesses
  return { accuracy: right / length, auc: ordered / below / (length - below), logLoss: loss / length }
}

function close(found: Ceilings['all'], wanted: ReturnType<typeof measured>, within: number): void {
  for (const key of ['accuracy', 'auc', 'logLoss'] as const)
    assert.ok(
      Math.abs((found[key] ?? -1) - wanted[key]) < within,
      `${key}: ${found[key]}, wanted ${wanted[key]}`,
    )
}
