import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { blockRows, rowBytes } from '../../src/dataset/clicks/rowLayout.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import {
  clickColumns,
  isError,
  openTrain,
  withFolder,
  writeLargeTables,
  writeParquetFile,
} from './fixture.ts'

const ROWS = 70_000 // of two blocks

/** Row i, its weight and its propensity, which says which row it is. */
const weightOf = (i: number) => (i % 5) * 0.75
const propensityOf = (i: number) => (1 + (i % 100)) / 100
const WEIGHTS = `(i % 5) * 0.75 AS importance, ((1 + i % 100) / 100)::DOUBLE AS seen, i // 7 AS request_id`
const write = (data: string, more = WEIGHTS, rows = `range(${ROWS}) t(i)`, name = 'train/0.parquet') =>
  writeParquetFile(data, name, `${clickColumns()}, ${more} FROM ${rows}`)

function withClicks(use: (data: string) => Promise<void>): Promise<void> {
  return withFolder(async (data) => {
    await writeLargeTables(data)
    await use(data)
  })
}

/** The packed rows: user, restaurant, click, weight. */
async function packed(options: DatasetOptions) {
  const pack = await openTrain(options)
  const bytes = new Uint8Array(pack.blockRowsMax * rowBytes(pack.plan))
  const rows: number[][] = []
  for (const [i, block] of pack.blocks.entries()) {
    await pack.readBlockInto(i, bytes)
    const { users, restaurants, clicks, weights } = blockRows(pack.plan, bytes.buffer, 0, block.rows)
    for (let row = 0; row < block.rows; row++)
      rows.push([users[row], restaurants[row], clicks[row], ...(weights ? [weights[row]] : [])])
  }
  await pack.close()
  return { pack, rows }
}

const expected = (count: number, of: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => [
    (i * 7) % 1000,
    (i * i) % 100,
    i % 3 === 0 ? 1 : 0,
    Math.fround(of(i)),
  ])
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('weights of training rows', () => {
  test('are one more column: the weight over the clipped propensity, either of which may be missing', () =>
    withClicks(async (data) => {
      await write(data)
      await write(data, WEIGHTS, 'range(50) t(i)', 'test/0.parquet')
      const cases: [Partial<DatasetOptions>, (i: number) => number][] = [
        [{ weightColumn: 'importance' }, weightOf],
        [{ propensityColumn: 'seen' }, (i) => 1 / Math.max(0.05, propensityOf(i))],
        [
          { weightColumn: 'importance', propensityColumn: 'seen', propensityMin: 0.3 },
          (i) => weightOf(i) / Math.max(0.3, propensityOf(i)),
        ],
      ]
      for (const [options, of] of cases) {
        const { pack, rows } = await packed({ data, ...options })
        assert.equal(rowBytes(pack.plan), 13)
        const wanted = expected(ROWS, of)
        assert.deepEqual(rows, wanted)
        const [all, clicked] = [wanted, wanted.filter(([, , click]) => click === 1)].map((some) =>
          mean(some.map((row) => row[3])),
        )
        assert.ok(Math.abs(pack.weights!.mean / all - 1) < 1e-12)
        assert.ok(Math.abs(pack.weights!.clickMean / clicked - 1) < 1e-12)
      }
      const { pack, rows } = await packed({ data })
      assert.deepEqual([rowBytes(pack.plan), pack.weights], [9, undefined])
      assert.deepEqual(
        rows,
        expected(ROWS, () => 0).map((row) => row.slice(0, 3)),
      )
      // What is measured counts each row once.
      const measured = await openRows(
        { data, weightColumn: 'importance' },
        await openTables({ data }),
        'test',
      )
      assert.deepEqual([rowBytes(measured.plan), measured.weights], [9, undefined])
      await measured.close()
    }))

  test('may be numbers of any type, as far apart as they like; their digest covers them', () =>
    withClicks(async (data) => {
      const types = [
        '1::TINYINT',
        '7::UBIGINT',
        '2.5::DECIMAL(9, 3)',
        '1e-30::DOUBLE',
        '1e15::FLOAT',
        '0::HUGEINT',
      ]
      const digests = new Set<number>()
      for (const [i, type] of types.entries()) {
        await write(data, `${type} AS w`, 'range(9) t(i)', `${i}/0.parquet`)
        const { pack, rows } = await packed({ data, weightColumn: 'w', trainFiles: `${i}/*.parquet` })
        const value = Math.fround(Number.parseFloat(type))
        assert.deepEqual(
          rows.map((row) => row[3]),
          rows.map(() => (type.includes('FLOAT') ? Math.fround(1e15) : value)),
        )
        assert.equal(pack.weights!.mean, rows[0][3])
        digests.add(pack.digest)
      }
      assert.equal(digests.size, types.length)
      assert.equal(
        (await packed({ data, weightColumn: 'w', trainFiles: '0/*.parquet' })).pack.weights!.mean,
        1,
      )
    }))

  test('go with their rows if these are sorted by group, and if rates are counted', () =>
    withClicks(async (data) => {
      for (const file of [0, 1, 2])
        await write(
          data,
          WEIGHTS,
          `(SELECT (p * 17) % 30000 AS i FROM range(${file}, 30000, 3) t(p))`,
          `train/${file}.parquet`,
        )
      const options = {
        data,
        groupColumn: 'request_id',
        weightColumn: 'importance',
        propensityColumn: 'seen',
        features: {
          'restaurant.restaurant_id': { kind: 'category', dim: 0 },
          'pair.popularity': { kind: 'rate', restaurant: 'restaurant_id' },
        },
      } as const
      const { pack, rows } = await packed(options)
      assert.equal(pack.files.length, 1, 'sorted')
      const key = (row: number[]) => row.join()
      const wanted = expected(30_000, (i) => weightOf(i) / Math.max(0.05, propensityOf(i)))
      assert.deepEqual(rows.map(key).toSorted(), wanted.map(key).toSorted())
      const all = mean(wanted.map((row) => row[3]))
      assert.ok(Math.abs(pack.weights!.mean / all - 1) < 1e-12)
    }))

  const WRONG: [string, string, ...RegExp[]][] = [
    [
      'a negative weight',
      'if(i = 41, -0.5, 1) AS w, 1 AS p',
      /column w must hold a weight from 0 to .*row 41 holds -0\.5$/,
    ],
    [
      'a weight of NaN',
      `if(i = 41, 'nan'::FLOAT, 1) AS w, 1 AS p`,
      /w must hold a weight.*row 41 holds nan$/i,
    ],
    ['an infinite weight', `if(i = 4100, 'inf'::DOUBLE, 1) AS w, 1 AS p`, /column w.*row 4100 holds inf/i],
    [
      'a weight that is too large',
      'if(i = 3, 2e15, 1) AS w, 1 AS p',
      /a weight from 0 to 1e15 in every row, row 3 holds 2000000000000000/,
    ],
    [
      'a propensity of 0',
      'NULL::INTEGER AS w, if(i = 41, 0, 0.5) AS p',
      /p must hold a propensity above 0 and at most 1.*row 41 holds 0/,
    ],
    ['a propensity above 1', '-1 AS w, if(i = 41, 1.01, 1) AS p', /column p .*row 41 holds 1\.01$/],
    ['a propensity of NaN', `1 AS w, if(i = 41, 'nan'::DOUBLE, 1) AS p`, /column p .*row 41 holds nan$/i],
  ]
  for (const [what, columns, pattern] of WRONG)
    test(`refused: ${what}`, () =>
      withClicks(async (data) => {
        await write(data, columns, 'range(5000) t(i)', 'train/0.parquet')
        const isPropensity = what.includes('propensity')
        const options = { ...(isPropensity ? {} : { weightColumn: 'w' }), propensityColumn: 'p' }
        const place = /^Cannot use train\/0\.parquet: /
        await assert.rejects(openTrain({ data, ...options }), isError('INPUT', place, pattern))
        await assert.rejects(openTrain({ data, ...options, onMissing: 'drop' }), isError('INPUT', pattern))
      }))

  test('a null is refused, or its click left out; the message names the column', () =>
    withClicks(async (data) => {
      await write(data, 'if(i = 4100, NULL, 2) AS w, if(i = 4099, NULL, 0.5) AS p', 'range(5000) t(i)')
      const refusals: [Partial<DatasetOptions>, RegExp][] = [
        [
          { weightColumn: 'w' },
          /column w must hold a number in every row, row 4100 holds null.*--on-missing drop/,
        ],
        [{ weightColumn: 'w', propensityColumn: 'p' }, /column p must hold a number.*row 4099 holds null/],
      ]
      for (const [options, pattern] of refusals)
        await assert.rejects(openTrain({ data, ...options }), isError('INPUT', /train\/0\.parquet/, pattern))
      const { pack, rows } = await packed({
        data,
        weightColumn: 'w',
        propensityColumn: 'p',
        onMissing: 'drop',
      })
      assert.deepEqual([pack.dropped, pack.droppedBecause], [2, { noFeatures: 0, nulls: 2, badPlace: 0 }])
      assert.equal(rows.length, 4998)
      assert.ok(rows.every((row) => row[3] === 4))
    }))

  test('a column that is no number or not there is refused before a row is read, so is a bound of nothing', () =>
    withClicks(async (data) => {
      await write(data, `if(i = 0, -1, 1) AS w, 'much' AS t, true AS b`, 'range(10) t(i)')
      const refusals: [Partial<DatasetOptions>, ...Parameters<typeof isError>][] = [
        [{ weightColumn: 't' }, 'INPUT', /train\/0\.parquet: column t must hold numbers, found VARCHAR/],
        [{ weightColumn: 'w', propensityColumn: 'b' }, 'INPUT', /column b must hold numbers, found BOOLEAN/],
        [{ propensityColumn: 'none' }, 'INPUT', /no column none/],
        [{ weightColumn: 'w', propensityMin: 0.1 }, 'USAGE', /propensityMin without propensityColumn/],
      ]
      for (const [options, ...problem] of refusals)
        await assert.rejects(openTrain({ data, ...options }), isError(...problem))
    }))
})
