import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fittedBy } from '../../src/dataset/clicks/fittedBy.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { inspect } from '../../src/dataset/inspect/inspect.ts'
import { withFilesToScore } from '../../src/dataset/scores/filesToScore.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { isError, openTrain, withFolder, writeClicks, writeParquetFile, writeTables } from './fixture.ts'

const NULL = '__HIVE_DEFAULT_PARTITION__'
const TWO_ROWS: [number, number, number][] = [
  [5, 20, 1],
  [7, 30, 0],
]

describe('columns that paths tell', () => {
  test('dates, integers and texts are context like any other column', () =>
    withFolder(async (data) => {
      await writeTables(data)
      for (const [day, city] of [
        ['2026-01-01', 'S%C3%A3o%20Paulo'],
        ['2026-01-02', 'Lima'],
      ] as const)
        for (const hour of ['07', '11'])
          await writeClicks(data, `train/date=${day}/hour=${hour}/city=${city}/a.parquet`, [
            [5, 20, 1],
            [7, 30, 0],
          ])
      const options = { data, contextFeatures: ['date', 'hour', 'city'] }
      const pack = await openTrain(options)
      const { features = [] } = pack.context ?? {}
      assert.deepEqual(
        features.map(({ name, kind }) => [name, kind]),
        [
          ['date', 'time'],
          ['hour', 'number'],
          ['city', 'category'],
        ],
      )
      assert.deepEqual('values' in features[2] && [...features[2].values].toSorted(), ['Lima', 'São Paulo'])
      await pack.close()
      const { columns } = await inspect({ data })
      assert.deepEqual(
        columns.clicks.slice(3).map(({ name, type, distinct }) => [name, type, distinct]),
        [
          ['date', 'DATE', 2],
          ['hour', 'BIGINT', 2],
          ['city', 'VARCHAR', 2],
        ],
      )
    }))

  test('what is null in one folder has the type of the others, and what is of several types is text', () =>
    withFolder(async (data) => {
      await writeTables(data)
      for (const [date, size, mixed] of [
        [NULL, NULL, NULL],
        ['2026-01-01', '7', '1'],
        ['2026-01-02', '-2', '2.5'],
      ])
        await writeClicks(data, `train/date=${date}/size=${size}/mixed=${mixed}/a.parquet`, [
          [5, 20, 1],
          [7, 30, 0],
        ])
      const pack = await openTrain({ data, contextFeatures: ['date', 'size', 'mixed'] })
      assert.deepEqual(
        pack.context?.features.map(({ name, kind }) => [name, kind]),
        [
          ['date', 'time'],
          ['size', 'number'],
          ['mixed', 'category'],
        ],
      )
      await pack.close()
      const later = await openTrain({ data, timeColumn: 'date', testAfter: '2026-01-02', onMissing: 'drop' })
      assert.deepEqual([later.rows, later.dropped], [2, 2])
      await later.close()
      const { columns, warnings } = await inspect({ data })
      assert.deepEqual(
        columns.clicks.slice(3).map(({ name, type, missing }) => [name, type, missing]),
        [
          ['date', 'DATE', 2],
          ['size', 'BIGINT', 2],
          ['mixed', 'VARCHAR', 2],
        ],
      )
      assert.deepEqual(
        warnings.filter(({ kind }) => ['unreadable', 'otherColumns'].includes(kind)),
        [],
      )
    }))

  test('an integer is the same category beside texts, and a split of nulls alone has the type of the others', () =>
    withFolder(async (data) => {
      await writeTables(data)
      for (const slot of ['01', '02', NULL]) await writeClicks(data, `train/slot=${slot}/a.parquet`, TWO_ROWS)
      await writeClicks(data, 'more/slot=all/a.parquet', TWO_ROWS)
      await writeClicks(data, `test/slot=${NULL}/a.parquet`, TWO_ROWS)
      const features = { 'context.slot': { kind: 'category', minCount: 1 } } as const
      for (const trainFiles of ['train/**', ['train/**', 'more/**']]) {
        const pack = await openTrain({ data, contextFeatures: ['slot'], features, trainFiles })
        const [slot] = pack.context!.features
        assert.deepEqual('values' in slot && [...slot.values].toSorted().slice(0, 2), ['01', '02'])
        await pack.close()
      }
      const train = await openTrain({ data, contextFeatures: ['slot'] })
      assert.equal(train.context!.features[0].kind, 'number')
      const tables = await openTables({ data })
      const nulls = await openRows({ data, fitted: fittedBy(tables, train) }, tables, 'test')
      assert.equal(nulls.rows, 2)
      await train.close()
      await nulls.close()
    }))

  test('a code keeps the zeros that it begins with', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const rows: [number, number, number][] = [
        [5, 20, 1],
        [7, 30, 0],
      ]
      for (const zip of ['01067', '80331', 'A10']) await writeClicks(data, `train/zip=${zip}/a.parquet`, rows)
      for (const zip of ['01067', '80331']) await writeClicks(data, `codes/zip=${zip}/a.parquet`, rows)
      for (const zip of ['80331', '10115']) await writeClicks(data, `plain/zip=${zip}/a.parquet`, rows)
      const zipOf = async (trainFiles: string, features = {}) => {
        const pack = await openTrain({ data, trainFiles, contextFeatures: ['zip'], features })
        const [zip] = pack.context!.features
        await pack.close()
        return [zip.kind, 'values' in zip ? [...zip.values].toSorted() : []]
      }
      const declared = (kind: string) => ({ 'context.zip': { kind } })
      assert.deepEqual(await zipOf('train/**'), ['category', ['01067', '80331', 'A10']])
      assert.deepEqual(await zipOf('codes/**'), ['category', ['01067', '80331']])
      assert.deepEqual(await zipOf('plain/**'), ['number', []])
      assert.deepEqual(await zipOf('plain/**', declared('category')), ['category', ['10115', '80331']])
      assert.deepEqual(await zipOf('plain/**', declared('text')), ['text', []])
      assert.deepEqual(await zipOf('codes/**', declared('number')), ['number', []])
    }))

  test('a key that is null in every file has the type of the feature that it is', () =>
    withFolder(async (data) => {
      await writeTables(data)
      for (const [size, day, zip] of [
        ['1', '2026-01-01', '01067'],
        ['2', '2026-01-02', '80331'],
      ])
        await writeClicks(data, `train/size=${size}/day=${day}/zip=${zip}/a.parquet`, TWO_ROWS)
      await writeClicks(data, `later/size=${NULL}/day=${NULL}/zip=${NULL}/a.parquet`, TWO_ROWS)
      const tables = await openTables({ data })
      const train = await openTrain({ data, contextFeatures: ['size', 'day', 'zip'] })
      const fitted = fittedBy(tables, train)
      assert.deepEqual(
        fitted.context?.map(({ kind }) => kind),
        ['number', 'time', 'category'],
      )
      await train.close()
      const options = { data, fitted, files: 'later/**', copyColumns: [] }
      const scored = await withFilesToScore(options, tables, async ({ files }) => files[0].file.columns)
      assert.deepEqual(
        scored.slice(3).map(({ type }) => type),
        ['BIGINT', 'DATE', 'VARCHAR'],
      )
      const elsewhere = { data, fitted, trainFiles: 'nowhere/**', testFiles: 'later/**' }
      const nulls = await openRows(elsewhere, tables, 'test')
      assert.equal(nulls.rows, 2)
      await nulls.close()
    }))

  test('a column of the file itself counts', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeParquetFile(
        data,
        'train/Day=9/a.parquet',
        'SELECT 5 AS user_id, 20 AS restaurant_id, 1 AS click, i AS day FROM range(30) t(i)',
      )
      const pack = await openTrain({ data, contextFeatures: ['day'] })
      assert.equal(pack.context?.features[0].kind, 'number')
      await pack.close()
    }))
})

test("pandas' row index is no feature, and is named if it was to be the id", () =>
  withFolder(async (data) => {
    await writeTables(data)
    const write = (index: unknown, select: string) =>
      writeParquetFile(
        data,
        'user_features.parquet',
        `${select} FROM range(10) t(i)`,
        `FORMAT parquet, KV_METADATA {pandas: '${JSON.stringify({ index_columns: index })}'}`,
      )
    await write(['__index_level_0__'], 'SELECT i AS user_id, i % 3 AS level, 9 - i AS __index_level_0__')
    const { users } = await openTables({ data })
    assert.deepEqual(
      [users.features.map(({ name }) => name), users.leftOut],
      [['level'], [{ name: '__index_level_0__', reason: "it is pandas' row index" }]],
    )
    const named = await openTables({ data, userFeatures: ['__index_level_0__'] })
    assert.deepEqual(
      named.users.features.map(({ name }) => name),
      ['__index_level_0__'],
    )
    const { columns } = await inspect({ data })
    assert.equal(columns.users[2].leftOut, "it is pandas' row index")

    await write([{ kind: 'range', name: 'user_id', start: 0, stop: 10, step: 1 }], 'SELECT i % 3 AS level')
    await assert.rejects(openTables({ data }), isError('INPUT', /no column user_id.*reset_index/))
    const { warnings } = await inspect({ data })
    assert.ok(warnings.some(({ message }) => /user_id.*reset_index/.test(message)))

    await write(['user_id'], 'SELECT i AS user_id, i % 3 AS level')
    assert.equal((await openTables({ data })).users.rows, 10)
  }))

test('beside columns named f and a number, the others are said to be left out', () =>
  withFolder(async (data) => {
    await writeTables(data)
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, i::FLOAT AS f0, 'x' || i % 3 AS city FROM range(10) t(i)`,
    )
    assert.deepEqual((await openTables({ data })).users.leftOut, [
      { name: 'city', reason: 'the columns named f and digits are the features' },
    ])
  }))

test('a column that is called as another one of ours is said to be left out, unless it is declared', () =>
  withFolder(async (data) => {
    await writeTables(data)
    await writeParquetFile(
      data,
      'restaurant_features.parquet',
      `SELECT i AS restaurant_id, i % 5 AS click, i % 7 AS price, i % 2 AS user_id, 1.0 AS latitude, 2.0 AS longitude FROM range(70) t(i)`,
    )
    const reason =
      'its name is that of another id, of a place or of the label; to use it, declare it, or name it with --restaurant-features'
    const leftOut = ['click', 'user_id'].map((name) => ({ name, reason }))
    assert.deepEqual((await openTables({ data })).restaurants.leftOut, leftOut)
    const { columns } = await inspect({ data })
    assert.deepEqual(
      columns.restaurants.flatMap(({ name, leftOut: why }) => (why === null ? [] : [[name, why]])),
      leftOut.map(({ name }) => [name, reason]),
    )
    const { restaurants } = await openTables({ data, features: { 'restaurant.click': { kind: 'number' } } })
    assert.deepEqual(
      [restaurants.features.map(({ name }) => name), restaurants.leftOut],
      [['price', 'click'], leftOut.slice(1)],
    )
    const named = await openTables({ data, restaurantFeatures: ['click'] })
    assert.deepEqual([named.restaurants.features[0].name, named.restaurants.leftOut], ['click', []])
  }))
