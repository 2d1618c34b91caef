import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fittedBy } from '../../src/dataset/clicks/fittedBy.ts'
import { FoldedRate, type KnownCounts, outOfFold } from '../../src/dataset/clicks/foldedRate.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { blockRows, rowBytes } from '../../src/dataset/clicks/rowLayout.ts'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'
import type { DatasetOptions, OpenOptions, Split } from '../../src/dataset/options.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { wordsOf } from '../../src/features/encodeRow.ts'
import type { RateFeature } from '../../src/features/featureSpec.ts'
import { Random } from '../../src/random.ts'
import { isError, writeParquetFile } from './fixture.ts'

const PLACES = 30
const FILES = [300, 700, 70_000] // rows; the last has two blocks
const PRIOR = 20
const logitOf = (clicks: number, rows: number, mean: number, prior = PRIOR) => {
  const rate = (clicks + prior * mean) / (rows + prior)
  return Math.log(rate / (1 - rate))
}

/** A packed click: the place, whether it was clicked, and the two numbers of its rate. */
interface Row {
  place: number
  click: number
  logit: number
  logRows: number
}

describe('rates of packed clicks', () => {
  let data = ''
  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'nearrank-rates-'))
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, i % 9 AS age FROM range(50) t(i)`,
    )
    await writeParquetFile(
      data,
      'restaurant_features.parquet',
      `SELECT i AS restaurant_id, i % 5 AS price, 10.0 AS latitude, 20.0 AS longitude FROM range(${PLACES}) t(i)`,
    )
    // Whether somebody clicks depends on nothing: a rate that tells more than chance was told.
    const split = (name: string, count: number, seed: number) =>
      writeParquetFile(
        data,
        name,
        `SELECT i % 50 AS user_id, (hash(i + ${seed}) % ${PLACES + 20})::INTEGER % ${PLACES} AS restaurant_id,
         (hash(i * 31 + ${seed}) % 4 = 0)::INTEGER AS click FROM range(${count}) t(i)`,
      )
    for (const [i, count] of FILES.entries()) await split(`train/${i}.parquet`, count, i)
    await split('test/0.parquet', 500, 9)
  })
  after(() => rm(data, { recursive: true, force: true }))

  const options = {
    ids: 'restaurants',
    features: { 'pair.quality': { kind: 'rate', restaurant: 'restaurant_id' } },
  } as const
  async function open(split: Split, more: Partial<DatasetOptions & OpenOptions> = {}) {
    const all = { data, ...options, ...more }
    const tables = await openTables(all)
    return { tables, pack: await openRows(all, tables, split) }
  }

  test('a training row has the rate of the rows of other folds, and no row its own label', async () => {
    const { pack, tables } = await open('train')
    const rows = await rowsOf(pack)
    assert.equal(rows.length, 71_000)
    const mean = (rows.filter(({ click }) => click === 1).length + 0.5) / (rows.length + 1)
    let folds = 0
    for (const own of Map.groupBy(rows, ({ place }) => place).values()) {
      const clicks = own.filter(({ click }) => click === 1).length
      // Rows of one fold have the same numbers, those of several folds do only if they count the same.
      for (const group of Map.groupBy(own, ({ logit, logRows }) => `${logit} ${logRows}`).values()) {
        const [{ logit, logRows }] = group
        const known = Math.round(Math.expm1(logRows))
        const alike = group.length / (own.length - known)
        assert.ok(
          Number.isInteger(alike) && alike >= 1,
          `${group.length} rows, of ${own.length} ${known} known`,
        )
        const inGroup = group.filter(({ click }) => click === 1).length
        assert.ok(Math.abs(logit - logitOf(clicks - inGroup / alike, known, mean)) < 1e-5)
        folds += alike
      }
    }
    assert.equal(folds, 5 * PLACES)
    const [pair] = fittedBy(tables, pack).pairs as RateFeature[]
    assert.equal(
      pair.rows.reduce((sum, count) => sum + count, 0),
      71_000,
    )
    assert.equal(
      pair.clicks.reduce((sum, count) => sum + count, 0),
      pack.clicks,
    )
    await pack.close()
  })

  test('it tells nothing of labels that nothing decides, and a rate of all rows would', async () => {
    const { pack } = await open('train')
    const rows = await rowsOf(pack)
    await pack.close()
    const correlation = (of: (row: Row) => number) => {
      const n = rows.length
      const [x, y] = [rows.map(of), rows.map(({ click }) => click)]
      const [mx, my] = [x, y].map((list) => list.reduce((sum, value) => sum + value, 0) / n)
      const sum = (f: (i: number) => number) => x.reduce((all, _, i) => all + f(i), 0)
      return (
        sum((i) => (x[i] - mx) * (y[i] - my)) /
        Math.sqrt(sum((i) => (x[i] - mx) ** 2) * sum((i) => (y[i] - my) ** 2))
      )
    }
    const byPlace = Map.groupBy(rows, ({ place }) => place)
    const all = new Map(
      [...byPlace].map(([place, own]) => {
        return [place, logitOf(own.filter(({ click }) => click === 1).length, own.length, 0.25)]
      }),
    )
    const noise = 3 / Math.sqrt(rows.length)
    assert.ok(correlation(({ logit }) => logit) < noise, `${correlation(({ logit }) => logit)}`)
    assert.ok(correlation(({ place }) => all.get(place)!) > noise)
  })

  test('other clicks have the rate of all training rows', async () => {
    const { pack: trained, tables } = await open('train')
    const rows = await rowsOf(trained)
    const { pack } = await open('test', { fitted: fittedBy(tables, trained) })
    const mean = (rows.filter(({ click }) => click === 1).length + 0.5) / (rows.length + 1)
    for (const { place, logit, logRows } of await rowsOf(pack)) {
      const own = rows.filter((row) => row.place === place)
      const clicks = own.filter(({ click }) => click === 1).length
      assert.ok(Math.abs(logit - logitOf(clicks, own.length, mean)) < 1e-5)
      assert.ok(Math.abs(logRows - Math.log1p(own.length)) < 1e-5)
    }
    await trained.close()
    await pack.close()
  })

  test('the packed file is whole: its blocks, its statistics', async () => {
    const { pack } = await open('train')
    const rows = await rowsOf(pack)
    assert.deepEqual(
      pack.files.map(({ rows: count, dropped, blockCount }) => [count, dropped, blockCount]),
      [
        [300, 0, 1],
        [700, 0, 1],
        [70_000, 0, 2],
      ],
    )
    const [mean] = pack.context!.mean
    assert.ok(Math.abs(mean - rows.reduce((sum, { logit }) => sum + logit, 0) / rows.length) < 1e-6)
    await pack.close()
  })
})

describe('the check of rates', () => {
  const pair: RateFeature = {
    name: 'quality',
    kind: 'rate',
    user: 'id',
    sizes: [7],
    buckets: 7,
    prior: 20,
    folds: 5,
    rows: [],
    clicks: [],
  }
  function filled(known?: KnownCounts): FoldedRate {
    const random = new Random(3)
    const labels = Uint8Array.from({ length: 400 }, () => random.below(2))
    const codes = Uint32Array.from({ length: 800 }, (_, i) => (i % 2 === 0 ? random.below(7) : 0))
    const rate = new FoldedRate(pair, 2, known && { known })
    const rows = () => ({ clicks: labels, groups: undefined, firstRow: 0 })
    rate.count(rows(), wordsOf(codes), 0)
    rate.fill(rows(), wordsOf(codes), 0)
    return rate
  }

  test('passes rates from other folds', () => filled(outOfFold).check())
  test('catches rates of which the row itself is a part', () =>
    assert.throws(
      () => filled((all) => all).check(),
      isError('INTERNAL', /rate quality of 400 training rows was computed with their own labels/),
    ))
})

async function rowsOf(pack: PackedRows): Promise<Row[]> {
  const found: Row[] = []
  const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
  for (const [i, block] of pack.blocks.entries()) {
    await pack.readBlockInto(i, bytes)
    const { restaurants, clicks, context } = blockRows(pack.plan, bytes.buffer, 0, block.rows)
    const { f32 } = wordsOf(context as Uint32Array)
    for (let row = 0; row < block.rows; row++)
      found.push({
        place: restaurants[row],
        click: clicks[row],
        logit: f32[2 * row],
        logRows: f32[2 * row + 1],
      })
  }
  return found
}
