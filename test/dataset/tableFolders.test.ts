import assert from 'node:assert/strict'
import { link, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fittedBy } from '../../src/dataset/clicks/fittedBy.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import { inspect } from '../../src/dataset/inspect/inspect.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import { withFilesToScore } from '../../src/dataset/scores/filesToScore.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { openValues } from '../../src/dataset/tables/openValues.ts'
import { readFeaturesInto, readIds } from '../../src/dataset/tables/readTables.ts'
import { readValueRows } from '../../src/dataset/tables/readValues.ts'
import {
  isError,
  openTrain,
  readRows,
  withFolder,
  writeClicks,
  writeParquetFile,
  writeTables,
} from './fixture.ts'

const ROWS = 7000
const USERS = 'SELECT i AS user_id, i / 2 AS weight, i % 3 AS level'
const WANTED = Array.from({ length: ROWS }, (_, i) => [i, i / 2, i % 3])

/** Users in three files below `folder`, and what Spark leaves beside them. */
async function writeUsers(data: string, folder: string): Promise<void> {
  for (const [part, range] of ['3000', '3000, 3001', '3001, 7000'].entries())
    await writeParquetFile(data, `${folder}/part-${part}.parquet`, `${USERS} FROM range(${range}) t(i)`)
  await writeParquetFile(data, `${folder}/_temporary/part-9.parquet`, `${USERS} FROM range(9) t(i)`)
}

async function packedUsers(options: DatasetOptions): Promise<unknown[][]> {
  const { users } = await openTables(options)
  const values = new Float32Array(users.rows * 2)
  await readFeaturesInto(users, values, 2)
  const ids = await readIds(users)
  return Array.from({ length: users.rows }, (_, row) => [
    ids.idAt(row),
    ...values.subarray(2 * row, 2 * row + 2),
  ])
}

describe('a table of several files', () => {
  test('texts that one file holds as bytes, and another as texts', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await rm(join(data, 'user_features.parquet'))
      await writeParquetFile(data, 'people/a.parquet', "SELECT 1::BIGINT AS user_id, 'rot'::BLOB AS colour")
      await writeParquetFile(data, 'people/b.parquet', "SELECT 2::BIGINT AS user_id, 'grün' AS colour")
      const { users } = await openTables({ data, userFile: 'people' })
      const [colour] = users.features
      assert.deepEqual('values' in colour && colour.values.toSorted(), ['grün', 'rot'])
    }))

  for (const [title, folder, given] of [
    ['a folder of the name of the file, as Spark writes it', 'user_features.parquet', undefined],
    ['a folder', 'people', 'people'],
    ['a glob', 'people', 'people/part-*.parquet'],
  ] as const)
    test(title, () =>
      withFolder(async (data) => {
        await writeTables(data)
        await rm(join(data, 'user_features.parquet'))
        await writeUsers(data, folder)
        await writeClicks(data, 'train/a.parquet', [
          [6999, 20, 1],
          [3000, 30, 0],
        ])
        const options = { data, ...(given !== undefined && { userFile: given }) }
        assert.deepEqual(await packedUsers(options), WANTED)
        assert.deepEqual(await readRows(options), [
          [6999, 1, 1],
          [3000, 0, 0],
        ])
        const tables = await openTables(options)
        const rows: unknown[] = []
        for await (const row of readValueRows(await openValues(options, tables, ['users']), 'users'))
          rows.push(row)
        assert.deepEqual(rows.length, ROWS)
        const { files } = await inspect(options)
        assert.deepEqual([files.users?.rows, files.users?.files], [ROWS, 3])
      }),
    )

  test('an error names the file and its row, and other columns are one', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeUsers(data, 'people')
      await writeParquetFile(data, 'people/part-3.parquet', `${USERS} FROM range(42, 43) t(i)`)
      const options = { data, userFile: 'people' }
      await assert.rejects(
        openTables(options),
        isError(
          'INPUT',
          /people: .*42 is in row 42 of people\/part-0\.parquet and row 0 of people\/part-3\.parquet/,
        ),
      )
      for (const [id, weight, found] of [
        ['7000 + i', `if(i = 2, 'inf'::DOUBLE, 1)`, /column weight must be a finite number, row 2 holds inf/],
        ['if(i = 1, NULL, 7000 + i)', 'i / 2', /column user_id must hold .* row 1 holds null/],
      ] as const) {
        await writeParquetFile(
          data,
          'people/part-3.parquet',
          `SELECT ${id} AS user_id, ${weight} AS weight, 1::BIGINT AS level FROM range(4) t(i)`,
        )
        await assert.rejects(
          openTables(options),
          isError('INPUT', /^Cannot use people\/part-3\.parquet: /, found),
        )
      }
      await writeParquetFile(
        data,
        'people/part-3.parquet',
        `SELECT i AS user_id, i / 2 AS weight, 'a' AS level FROM range(1) t(i)`,
      )
      await assert.rejects(
        openTables(options),
        isError(
          'INPUT',
          /people\/part-3\.parquet: its column level is VARCHAR, in people\/part-0\.parquet it is BIGINT/,
        ),
      )
      await rm(join(data, 'people'), { recursive: true })
      await assert.rejects(openTables(options), isError('INPUT', /Cannot read people: there is no such file/))
      await assert.rejects(
        openTables({ data, userFile: 'p*' }),
        isError('INPUT', /Cannot find any users: no file in .* matches p\*/),
      )
    }))

  test('its rows and the keys of its folders are those of each file', () =>
    withFolder(async (data) => {
      await writeTables(data)
      for (const name of ['level', 'file_index']) {
        const users = `people-${name}`
        const write = (path: string, select: string) => writeParquetFile(data, `${users}/${path}`, select)
        await write('zip=2/a.parquet', `SELECT i AS user_id, i AS ${name} FROM range(3) t(i)`)
        await write('zip=-1/a.parquet', `SELECT i AS ${name}, i AS user_id FROM range(3, 5000) t(i)`)
        await write('zip=7/a.parquet', `SELECT i AS user_id, i AS ${name} FROM range(5000, 5001) t(i)`)
        const rows = await packedUsers({ data, userFile: users, userFeatures: [name, 'zip'] })
        const zipOf = (i: number) => (i < 3 ? 2 : i < 5000 ? -1 : 7)
        const wanted = Array.from({ length: 5001 }, (_, i) => [i, i, zipOf(i)])
        assert.deepEqual(
          rows.toSorted(([a], [b]) => Number(a) - Number(b)),
          wanted,
        )
      }
    }))

  test('hundreds of files are inspected as one', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const columns = Array.from({ length: 8 }, (_, k) => `(i * ${k + 1}) % 7 AS c${k}`).join(', ')
      await writeParquetFile(data, 'one.parquet', `SELECT i AS user_id, ${columns} FROM range(10) t(i)`)
      await writeClicks(data, 'two.parquet', [
        [5, 20, 1],
        [7, 30, 0],
      ])
      for (let i = 0; i < 600; i++) {
        await mkdir(join(data, `train/slot=${i}`), { recursive: true })
        await mkdir(join(data, 'people'), { recursive: true })
        await link(join(data, 'one.parquet'), join(data, `people/${i}.parquet`))
        await link(join(data, 'two.parquet'), join(data, `train/slot=${i}/a.parquet`))
      }
      const { columns: found, warnings } = await inspect({ data, userFile: 'people' })
      assert.deepEqual(
        found.users.map(({ missing, distinct }) => [missing, distinct]),
        [[0, 10], ...Array.from({ length: 8 }, (_, k) => [0, k === 6 ? 1 : 7])],
      )
      assert.deepEqual(
        found.clicks.map(({ name, distinct }) => [name, distinct]),
        [
          ['user_id', 2],
          ['restaurant_id', 2],
          ['click', 2],
          ['slot', 600],
        ],
      )
      assert.ok(warnings.every(({ kind }) => kind !== 'unreadable'))
    }))
})

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
      const NULL = '__HIVE_DEFAULT_PARTITION__'
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
      const NULL = '__HIVE_DEFAULT_PARTITION__'
      const rows: [number, number, number][] = [
        [5, 20, 1],
        [7, 30, 0],
      ]
      for (const slot of ['01', '02', NULL]) await writeClicks(data, `train/slot=${slot}/a.parquet`, rows)
      await writeClicks(data, 'more/slot=all/a.parquet', rows)
      await writeClicks(data, `test/slot=${NULL}/a.parquet`, rows)
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
      const NULL = '__HIVE_DEFAULT_PARTITION__'
      const rows: [number, number, number][] = [
        [5, 20, 1],
        [7, 30, 0],
      ]
      for (const [size, day, zip] of [
        ['1', '2026-01-01', '01067'],
        ['2', '2026-01-02', '80331'],
      ])
        await writeClicks(data, `train/size=${size}/day=${day}/zip=${zip}/a.parquet`, rows)
      await writeClicks(data, `later/size=${NULL}/day=${NULL}/zip=${NULL}/a.parquet`, rows)
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
