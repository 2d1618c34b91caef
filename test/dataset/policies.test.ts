import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { dataOfModel } from '../../src/dataset/dataOfModel.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import { findRows } from '../../src/dataset/clicks/openRows.ts'
import { findTables, openTables } from '../../src/dataset/tables/openTables.ts'
import {
  type FeatureTable,
  readFeaturesInto,
  readIds,
  readPlaces,
  type Tables,
} from '../../src/dataset/tables/readTables.ts'
import type { FeatureId } from '../../src/ids.ts'
import type { ModelDescription } from '../../src/model/modelFile.ts'
import {
  isError,
  openTrain,
  readAllRows,
  readRows,
  withFolder,
  writeClicks,
  writeParquetFile,
  writeTables,
} from './fixture.ts'

const RESTAURANTS = 't(restaurant_id, f00, latitude, longitude)'

async function writeRestaurants(data: string, ...rows: string[]): Promise<void> {
  const values = rows.map((row) => `(${row})`).join(', ')
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT restaurant_id, f00::FLOAT AS f00, latitude::DOUBLE AS latitude, longitude::DOUBLE AS longitude
     FROM (VALUES ${values}) ${RESTAURANTS}`,
  )
}

async function idsOf(table: FeatureTable): Promise<FeatureId[]> {
  const ids = await readIds(table)
  return Array.from({ length: table.rows }, (_, row) => ids.idAt(row))
}

async function valuesOf(table: FeatureTable): Promise<number[]> {
  const target = new Float32Array(table.rows * table.features.length)
  await readFeaturesInto(table, target, table.features.length)
  return Array.from(target)
}

/** All that the packs of two datasets have in common if their data is the same. */
async function contentOf(options: DatasetOptions): Promise<unknown> {
  const tables = await openTables(options)
  const side = async ({ side: of, ...table }: Tables['users']) => ({
    ids: await idsOf({ side: of, ...table }),
    values: await valuesOf({ side: of, ...table }),
    statistics: [table.mean, table.standardDeviation],
  })
  return {
    users: await side(tables.users),
    restaurants: await side(tables.restaurants),
    places: await readPlaces(tables),
    rows: await readRows(options),
  }
}

describe('onDuplicate', () => {
  const users = `SELECT if(i = 3, 1, i) AS user_id, (10 * i)::FLOAT AS f00 FROM range(5) t(i)`

  test('by default stops, with both rows and the flag', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeParquetFile(data, 'user_features.parquet', users)
      for (const options of [{}, { onDuplicate: 'fail' }, { onMissing: 'drop' }, { onBadPlace: 'drop' }])
        await assert.rejects(
          openTables({ data, ...options } as DatasetOptions),
          isError(
            'INPUT',
            /^Cannot use user_features.parquet: column user_id must hold every id once, 1 is in row 1 and row 3; use one of its rows with onDuplicate 'first' or 'last' \(--on-duplicate first\)$/,
          ),
        )
    }))

  test('first and last use that row, and count the others', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeParquetFile(data, 'user_features.parquet', users)
      for (const [onDuplicate, ids, values] of [
        ['first', [0, 1, 2, 4], [0, 10, 20, 40]],
        ['last', [0, 2, 1, 4], [0, 20, 30, 40]],
      ] as const) {
        const tables = await openTables({ data, onDuplicate })
        assert.deepEqual(await idsOf(tables.users), ids)
        assert.deepEqual(await valuesOf(tables.users), values)
        assert.deepEqual(tables.users.ignored, { duplicateIds: 1, badPlaces: 0, nullIds: 0 })
        assert.equal(tables.restaurants.ignored, undefined)
      }
    }))

  test('a row that is not used may hold anything; messages name rows of the file', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const write = (bad: number) =>
        writeParquetFile(
          data,
          'user_features.parquet',
          `SELECT i // 2 AS user_id, if(i = ${bad}, 'inf', '1')::FLOAT AS f00 FROM range(9000) t(i)`,
        )
      await write(6001)
      assert.equal((await openTables({ data, onDuplicate: 'first' })).users.rows, 4500)
      await write(6002)
      await assert.rejects(
        openTables({ data, onDuplicate: 'first' }),
        isError('INPUT', /f00 must be a finite number.*row 6002 holds inf/),
      )
    }))

  test('string ids', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeParquetFile(
        data,
        'user_features.parquet',
        `SELECT 'u' || (i % 3000) AS user_id, i::FLOAT AS f00 FROM range(5000) t(i)`,
      )
      const { users: table } = await openTables({ data, onDuplicate: 'last' })
      const expected = Array.from({ length: 3000 }, (_, k) => k + 2000)
      assert.deepEqual(await valuesOf(table), expected)
      assert.deepEqual(
        await idsOf(table),
        expected.map((i) => `u${i % 3000}`),
      )
    }))
})

describe('onBadPlace', () => {
  test('drop leaves out the restaurants and their clicks, whatever onMissing says', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeRestaurants(
        data,
        '1, 1, 91, 1',
        '2, 2, 1, 1',
        '3, 3, NULL, 1',
        `4, 4, 1, 'nan'::DOUBLE`,
        '5, 5, 1, -181',
        '6, 6, -90, 180',
      )
      await writeClicks(data, 'train/a.parquet', [
        [5, 2, 1],
        [5, 1, 1],
        [7, 3, 0],
        [7, 6, 0],
        [9, 4, 1],
        [6, 5, 1], // nor has its user features
      ])
      await assert.rejects(
        openTrain({ data }),
        isError(
          'INPUT',
          /^Cannot use restaurant_features.parquet: column latitude must be degrees from -90 to 90, row 0 holds 91(\.0)?; leave such restaurants and their clicks out with onBadPlace 'drop' \(--on-bad-place drop\)$/,
        ),
      )
      for (const onMissing of ['fail', 'drop'] as const) {
        const options: DatasetOptions = { data, onMissing, onBadPlace: 'drop' }
        const tables = await openTables(options)
        assert.deepEqual(await idsOf(tables.restaurants), [2, 6])
        assert.deepEqual(tables.restaurants.ignored, { duplicateIds: 0, badPlaces: 4, nullIds: 0 })
        const places = await readPlaces(tables)
        assert.deepEqual([...places.latitude, ...places.longitude], [1, -90, 1, 180])
        const rows = await openTrain(options)
        assert.deepEqual(await readAllRows(rows), [
          [0, 0, 1],
          [1, 1, 0],
        ])
        assert.deepEqual(rows.droppedBecause, { noFeatures: 0, nulls: 0, badPlace: 4 })
        assert.deepEqual([rows.dropped, rows.files[0].dropped], [4, 4])
        await rows.close()
      }
      await writeClicks(data, 'train/a.parquet', [[5, 99, 1]])
      await assert.rejects(
        openTrain({ data, onBadPlace: 'drop' }),
        isError('INPUT', /restaurant_id 99 in row 0 has no features/, /--on-missing drop/),
      )
      await writeClicks(data, 'train/a.parquet', [[5, 1, 1]])
      await assert.rejects(
        openTrain({ data, onBadPlace: 'drop' }),
        isError(
          'INPUT',
          /no rows are left in train\/a\.parquet, 1 were dropped \(1 on restaurants without a valid/,
        ),
      )
    }))

  test('an id of more bits than the table is none of those left out', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeRestaurants(data, '0, 1, 91, 1', '2, 2, 1, 1')
      const clicks = `SELECT 5 AS user_id, unnest([0, 2, 18446744073709551615, NULL])::UBIGINT AS restaurant_id, 1 AS click`
      await writeParquetFile(data, 'train/a.parquet', clicks)
      const rows = await openTrain({ data, onBadPlace: 'drop', onMissing: 'drop' })
      assert.deepEqual(rows.droppedBecause, { noFeatures: 1, nulls: 1, badPlace: 1 })
      await rows.close()
    }))

  test('only the row that is used counts', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeRestaurants(data, '1, 1, 91, 1', '2, 2, 1, 1', '1, 3, 1, 1')
      const ids = async (options: Partial<DatasetOptions>) =>
        idsOf((await openTables({ data, ...options })).restaurants)
      assert.deepEqual(await ids({ onDuplicate: 'last' }), [2, 1])
      assert.deepEqual(await ids({ onDuplicate: 'first', onBadPlace: 'drop' }), [2])
      await assert.rejects(ids({ onDuplicate: 'first' }), isError('INPUT', /latitude.*row 0 holds 91/))
    }))

  test('a table without a valid place', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeRestaurants(data, '1, 1, 91, 1', 'NULL, 2, 1, 1')
      await assert.rejects(
        openTables({ data, onBadPlace: 'drop', onMissing: 'drop' }),
        isError('INPUT', /restaurant_features.parquet: no rows are left, 1 .* null and 1 .* places/),
      )
    }))
})

describe('onMissing', () => {
  test('drop leaves out clicks with a null id or label, and counts them', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeParquetFile(
        data,
        'train/a.parquet',
        `SELECT if(i % 5 = 1, NULL, 5) AS user_id, if(i % 7 = 2, NULL, 30) AS restaurant_id,
           if(i % 11 = 3, NULL, 1) AS click FROM range(10000) t(i)`,
      )
      const fails = (pattern: RegExp) =>
        assert.rejects(openTrain({ data }), isError('INPUT', pattern, /--on-missing drop/))
      await fails(/train\/a.parquet: column user_id must hold an id in every row, row 1 holds null/)
      const rows = await openTrain({ data, onMissing: 'drop' })
      const kept = [...Array(10_000).keys()].filter((i) => i % 5 !== 1 && i % 7 !== 2 && i % 11 !== 3)
      assert.equal(rows.rows, kept.length)
      assert.equal(rows.clicks, kept.length)
      assert.equal(rows.files[0].dropped, 10_000 - kept.length)
      assert.deepEqual(rows.droppedBecause, { noFeatures: 0, nulls: 10_000 - kept.length, badPlace: 0 })
      await rows.close()
    }))

  test('nulls of every type of label, and NaN', () =>
    withFolder(async (data) => {
      await writeTables(data)
      for (const type of ['BOOLEAN', 'TINYINT', 'BIGINT', 'UHUGEINT', 'FLOAT', 'DOUBLE', 'DECIMAL(4,2)']) {
        await writeParquetFile(
          data,
          'train/a.parquet',
          `SELECT 5 AS user_id, 30 AS restaurant_id, unnest([1, NULL, 0, NULL, 1])::${type} AS click`,
        )
        assert.deepEqual(
          (await readRows({ data, onMissing: 'drop' })).map(([, , click]) => click),
          [1, 0, 1],
          type,
        )
      }
      await writeParquetFile(
        data,
        'train/a.parquet',
        `SELECT 5 AS user_id, 30 AS restaurant_id, unnest(['nan', '1', '0'])::FLOAT AS click`,
      )
      assert.deepEqual(
        (await readRows({ data, onMissing: 'drop' })).map(([, , click]) => click),
        [1, 0],
      )
    }))

  test('an id of more bits than the table has no features, a null next to it is a null; in files of any size', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeParquetFile(
        data,
        'train/a.parquet',
        `SELECT CASE WHEN i % 1000 = 7 THEN 18446744073709551615 WHEN i % 1000 = 8 THEN NULL ELSE 5 END::UBIGINT
           AS user_id, 30 AS restaurant_id, 1 AS click FROM range(30000) t(i)`,
      )
      const rows = await openTrain({ data, onMissing: 'drop' })
      assert.deepEqual(rows.droppedBecause, { noFeatures: 30, nulls: 30, badPlace: 0 })
      assert.equal(rows.rows, 29_940)
      await rows.close()
    }))

  test('drop leaves out rows of a table without an id; fail refuses the pack that this makes', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeParquetFile(
        data,
        'user_features.parquet',
        `SELECT if(i = 3, NULL, i) AS user_id, i::FLOAT AS f00 FROM range(5) t(i)`,
      )
      const refused = () =>
        assert.rejects(
          openTables({ data }),
          isError('INPUT', /user_id.*row 3 holds null; leave such rows out with .*\(--on-missing drop\)$/),
        )
      await refused()
      const tables = await openTables({ data, onMissing: 'drop' })
      assert.deepEqual(await idsOf(tables.users), [0, 1, 2, 4])
      assert.deepEqual(tables.users.ignored, { duplicateIds: 0, badPlaces: 0, nullIds: 1 })
      assert.deepEqual(await findTables({ data, onMissing: 'drop' }), tables)
      assert.equal(await findTables({ data }), undefined)
      await refused()
      const tooLong = `SELECT unnest([NULL, 99999999999999999999999])::DECIMAL(38,0) AS user_id, 1::FLOAT AS f00`
      await writeParquetFile(data, 'user_features.parquet', tooLong)
      await assert.rejects(openTables({ data, onMissing: 'drop' }), isError('INPUT', /row 1 holds 9{23}$/))
    }))
})

describe('clickThreshold', () => {
  test('labels from it on are clicks, in the precision of their column', () =>
    withFolder(async (data) => {
      await writeTables(data)
      const clicks = async (labels: string, type: string, clickThreshold: number) => {
        await writeParquetFile(
          data,
          'train/a.parquet',
          `SELECT 5 AS user_id, 30 AS restaurant_id, unnest([${labels}])::${type} AS click`,
        )
        return (await readRows({ data, clickThreshold, onMissing: 'drop' })).map(([, , click]) => click)
      }
      assert.deepEqual(await clicks('1, 3, 4, 5, NULL, -7', 'TINYINT', 4), [0, 0, 1, 1, 0])
      assert.deepEqual(await clicks('1, 300, 400', 'BIGINT', 300), [0, 1, 1])
      for (const type of ['FLOAT', 'DOUBLE', 'DECIMAL(3,1)'])
        assert.deepEqual(await clicks('0.6, 0.7, 0.8', type, 0.7), [0, 1, 1], type)
      assert.deepEqual(await clicks(`'nan', '-1.5', '-1', '1e30'`, 'FLOAT', -1), [0, 1, 1])
      assert.deepEqual(await clicks('true, false', 'BOOLEAN', 1), [1, 0])
    }))

  test('without it, a larger label names the flag; with it, a null and a text are still refused', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeClicks(data, 'train/a.parquet', [
        [5, 30, 1],
        [5, 30, 'NULL'],
      ])
      await assert.rejects(
        openTrain({ data, clickThreshold: 4 }),
        isError(
          'INPUT',
          /a.parquet: column click must be a number, row 1 holds null; .*\(--on-missing drop\)$/,
        ),
      )
      await writeClicks(data, 'train/a.parquet', [[5, 30, 4]])
      await assert.rejects(
        openTrain({ data }),
        isError(
          'INPUT',
          /a.parquet: column click must be 0 or 1, row 0 holds 4; if these are ratings, set the lowest one that counts as a click with clickThreshold \(--click-threshold\)$/,
        ),
      )
      await writeClicks(data, 'train/a.parquet', [[5, 30, `'x'`]])
      await assert.rejects(
        openTrain({ data, clickThreshold: 4 }),
        isError('INPUT', /column click must hold numbers, found VARCHAR/),
      )
    }))
})

describe('policies', () => {
  test('dropping gives the same packs as the cleaned data, over many chunks', () =>
    withFolder(async (folder) => {
      const [dirty, clean] = [join(folder, 'dirty'), join(folder, 'clean')]
      const ids: [name: string, id: (column: string) => string][] = [
        ['integers', (id) => id],
        ['strings', (id) => `'id ' || (${id})`],
        ['far apart', (id) => `(${id}) * 1000000007`],
      ]
      for (const [name, id] of ids)
        for (const onDuplicate of ['first', 'last'] as const) {
          // Rows i and i + 5000 have the same id; every seventh has none, so that the other one is used.
          const other = onDuplicate === 'first' ? 'i - 5000' : 'i + 5000'
          const isAlone = `(${other}) NOT BETWEEN 0 AND 9999 OR (${other}) % 7 = 3`
          const isClean = `i % 7 <> 3 AND (${isAlone})`
          const isPlaceless = 'i % 11 = 4'
          const users = `SELECT if(i % 7 = 3, NULL, ${id('i % 5000')}) AS user_id, i::FLOAT AS f00,
            (i % 13)::FLOAT AS f01 FROM range(10000) t(i)`
          const restaurants = `SELECT if(i % 7 = 3, NULL, ${id('i % 5000')}) AS restaurant_id, i::FLOAT AS f00,
            if(${isPlaceless}, if(i % 2 = 0, NULL, 'nan'::DOUBLE), i % 90)::DOUBLE AS latitude, 7.5 AS longitude
            FROM range(10000) t(i)`
          const clicks = `SELECT if(k % 17 = 0, NULL, ${id('k * 3 % 5100')}) AS user_id,
            if(k % 19 = 0, NULL, ${id('k * 7 % 5100')}) AS restaurant_id, if(k % 23 = 0, NULL, k % 5) AS click, k
            FROM range(20000) s(k)`
          for (const [file, select] of [
            ['user_features', users],
            ['restaurant_features', restaurants],
            ['train/a', clicks],
          ]) {
            await writeParquetFile(dirty, `${file}.parquet`, select)
          }
          const cleanUsers = `${users} WHERE ${isClean}`
          const cleanRestaurants = `${restaurants} WHERE ${isClean} AND NOT (${isPlaceless})`
          await writeParquetFile(clean, 'user_features.parquet', cleanUsers)
          await writeParquetFile(clean, 'restaurant_features.parquet', cleanRestaurants)
          await writeParquetFile(
            clean,
            'train/a.parquet',
            `SELECT user_id, restaurant_id, (click >= 3)::INT AS click FROM (${clicks})
             WHERE user_id IN (SELECT user_id FROM (${cleanUsers})) AND click IS NOT NULL
               AND restaurant_id IN (SELECT restaurant_id FROM (${cleanRestaurants})) ORDER BY k`,
          )
          const policies = { onDuplicate, onBadPlace: 'drop', onMissing: 'drop', clickThreshold: 3 } as const
          const found = await contentOf({ data: dirty, ...policies })
          assert.deepEqual(found, await contentOf({ data: clean }), `${name}, ${onDuplicate}`)
        }
    }))

  test('packs without them are called as ever; with them, each finds its own', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeClicks(data, 'train/a.parquet', [[5, 30, 1]])
      const names = new Map<string, string>()
      for (const options of [
        {},
        { onDuplicate: 'fail', onBadPlace: 'fail', onMissing: 'fail' },
        { onDuplicate: 'first' },
        { onDuplicate: 'last' },
        { onBadPlace: 'drop' },
        { clickThreshold: 1 },
        { clickThreshold: 0 },
      ] as Partial<DatasetOptions>[]) {
        const all = { data, ...options }
        const rows = await openTrain(all)
        await rows.close()
        names.set(JSON.stringify(options), rows.fingerprint)
        const tables = await findTables(all)
        assert.ok(tables)
        const found = await findRows(all, tables, 'train')
        assert.equal(found?.fingerprint, rows.fingerprint)
        await found?.close()
      }
      const [first, same, ...others] = names.values()
      assert.equal(first, same)
      assert.equal(new Set([first, ...others]).size, 6)
      const packs = await readdir(join(data, '.nearrank'))
      const count = (prefix: string) => packs.filter((name) => name.startsWith(prefix)).length
      assert.deepEqual([count('tables-'), count('rows-')], [4, 6], 'packs of other settings stay')
    }))

  test('those of a model are the defaults for its data, and are checked', () => {
    const columns = { userId: 'u', userFeatures: ['a'], restaurantFeatures: ['b'] }
    const model = (policies?: unknown) =>
      ({ columns, training: { ...(policies !== undefined && { policies }) } }) as unknown as ModelDescription
    const policiesOf = (policies: unknown, options: Partial<DatasetOptions> = {}) => {
      const { onDuplicate, onBadPlace, clickThreshold } = dataOfModel(model(policies), {
        data: 'd',
        ...options,
      })
      return [onDuplicate, onBadPlace, clickThreshold]
    }
    const own = { onDuplicate: 'last', onBadPlace: 'drop', clickThreshold: 4 }
    assert.deepEqual(policiesOf(undefined), [undefined, undefined, undefined])
    assert.deepEqual(policiesOf(own), ['last', 'drop', 4])
    assert.deepEqual(policiesOf(own, { onDuplicate: 'first', clickThreshold: 3 }), ['first', 'drop', 3])
    for (const [policies, pattern] of [
      [7, /training.policies in model.json must be an object, found 7; restore the model/],
      [{ onDuplicate: 'x' }, /training.policies.onDuplicate .*must be one of fail, first, last, found "x"/],
      [{ clickThreshold: '4' }, /clickThreshold in model.json must be a number .*found "4"/],
      [{ onMissing: 'drop' }, /must be an object of onDuplicate, onBadPlace, clickThreshold, found/],
    ] as const)
      assert.throws(() => policiesOf(policies), isError('DAMAGED', pattern))
  })
})
