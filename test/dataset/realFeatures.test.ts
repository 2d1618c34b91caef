import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { readFeaturesInto, type FeatureTable } from '../../src/dataset/tables/readTables.ts'
import { RowEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import { widthOf } from '../../src/features/rowShape.ts'
import type { RawValue } from '../../src/features/values.ts'
import { Random } from '../../src/random.ts'
import { isError, withFolder, writeParquetFile } from './fixture.ts'

const RESTAURANTS = `SELECT 1 AS restaurant_id, 1.0 AS f00, 13.5 AS latitude, 100.5 AS longitude`

async function packedRows(table: FeatureTable): Promise<Uint32Array> {
  const width = widthOf(table.features)
  const rows = new Float32Array(table.rows * width)
  await readFeaturesInto(table, rows, width)
  return new Uint32Array(rows.buffer)
}

/** A value as an SQL literal of the column's type. */
function literal(value: RawValue, type: string): string {
  const text = (one: RawValue) => (typeof one === 'string' ? `'${one.replaceAll("'", "''")}'` : String(one))
  const own = Array.isArray(value) ? `[${value.map(text).join(', ')}]` : text(value)
  return `${value === null ? 'NULL' : own}::${type}`
}

test('rows of every kind are packed as the encoder encodes them', () =>
  withFolder(async (data) => {
    const random = new Random(3)
    const pick = <T>(values: readonly T[]): T => values[random.below(values.length)]
    const or = (share: number, value: RawValue): RawValue => (random.float() < share ? null : value)
    const columns: [name: string, type: string, value: () => RawValue][] = [
      ['age', 'INTEGER', () => or(0.2, random.below(80))],
      ['score', 'DOUBLE', () => or(0.1, Math.fround(random.normal()))],
      ['gender', 'VARCHAR', () => or(0.1, pick(['f', 'm', "o'x", 'ไทย']))],
      ['smoker', 'BOOLEAN', () => or(0.1, random.below(2) === 1)],
      [
        'tags',
        'VARCHAR[]',
        () =>
          or(
            0.1,
            Array.from({ length: random.below(5) }, () => pick(['a', 'b', 'c', 'd'])),
          ),
      ],
      ['taste', 'FLOAT[]', () => or(0.1, [random.below(9), random.below(9)])],
      [
        'joined',
        'DATE',
        () => or(0.1, `20${10 + random.below(10)}-0${1 + random.below(9)}-1${random.below(9)}`),
      ],
      ['seen', 'TIMESTAMP', () => or(0.1, `2024-0${1 + random.below(9)}-11 1${random.below(9)}:30:00`)],
    ]
    const rows = Array.from({ length: 3000 }, () => columns.map(([, , value]) => value()))
    const select = rows.map(
      (row, i) => `(${i}, ${row.map((value, k) => literal(value, columns[k][1])).join(', ')})`,
    )
    const names = ['user_id', ...columns.map(([name]) => name)].join(', ')
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT * FROM (VALUES ${select.join(', ')}) t(${names})`,
    )
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)

    const { users } = await openTables({ data })
    assert.deepEqual(
      users.features.map(({ name, kind }) => [name, kind]),
      [
        ['age', 'number'],
        ['score', 'number'],
        ['gender', 'category'],
        ['smoker', 'category'],
        ['tags', 'categories'],
        ['taste', 'vector'],
        ['joined', 'time'],
        ['seen', 'time'],
      ],
    )
    const width = widthOf(users.features)
    const expected = wordsOf(new Float32Array(rows.length * width))
    const encoder = new RowEncoder(users.features)
    for (const [i, row] of rows.entries())
      assert.equal(encoder.encodeInto(expected, i * width, row), undefined)
    assert.deepEqual(await packedRows(users), expected.u32)

    // With the features of a model, nothing is fitted again.
    const fitted = { users: users.features, restaurants: (await openTables({ data })).restaurants.features }
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT 7 AS user_id, NULL::INTEGER AS age, 1.5 AS score, 'never seen' AS gender, true AS smoker,
       ['a', 'zzz'] AS tags, [1.0, 2.0] AS taste, NULL::DATE AS joined, TIMESTAMP '2024-01-01 00:00:00' AS seen`,
    )
    const other = await openTables({ data, fitted })
    assert.deepEqual(other.users.features, users.features)
    const row: RawValue[] = [null, 1.5, 'never seen', true, ['a', 'zzz'], [1, 2], null, '2024-01-01']
    encoder.encodeInto(expected, 0, row)
    assert.deepEqual(await packedRows(other.users), expected.u32.slice(0, width))
  }))

test('a value that is missing where training saw none missing stops with what to do', () =>
  withFolder(async (data) => {
    const users = (price: string, taste: string) =>
      writeParquetFile(
        data,
        'user_features.parquet',
        `SELECT i AS user_id, ${price} AS price, ${taste} AS taste FROM range(5) t(i)`,
      )
    await users('i', '[i, 2.0]')
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const trained = await openTables({ data })
    const fitted = { users: trained.users.features, restaurants: trained.restaurants.features }
    const advice =
      'training saw none missing, so give it a value, or train again on data in which some are missing'
    for (const [price, taste, problem] of [
      ['CASE WHEN i <> 3 THEN i END', '[i, 2.0]', 'price must be a finite number, row 3 holds null'],
      [
        `CASE WHEN i <> 2 THEN i ELSE 'nan'::FLOAT END`,
        '[i, 2.0]',
        'price must be a finite number, row 2 holds nan',
      ],
      ['i', 'CASE WHEN i <> 4 THEN [i, 2.0] END', 'taste must be a list of 2 numbers, row 4 holds null'],
    ] as const) {
      await users(price, taste)
      const message = `Cannot use user_features.parquet: column ${problem}; ${advice}`
      await assert.rejects(openTables({ data, fitted }), { message })
    }
  }))

test('columns that say nothing are left out, with the reason', () =>
  withFolder(async (data) => {
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, 'name ' || i AS name, 1 AS constant, NULL::INTEGER AS empty, i % 3 AS kind,
       {'a': i} AS nested, if(i % 2 = 0, [1.0], [1.0, 2.0]) AS lists FROM range(100) t(i)`,
    )
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const { users } = await openTables({ data })
    assert.deepEqual(users.features, [{ name: 'kind', kind: 'number' }])
    assert.deepEqual(users.leftOut, [
      { name: 'name', reason: 'nearly every row has another text' },
      { name: 'constant', reason: 'it has the same value in every row' },
      { name: 'empty', reason: 'it is missing in every row' },
      { name: 'nested', reason: 'its values are neither numbers, texts, times nor lists of these' },
      { name: 'lists', reason: 'its lists of numbers differ in length' },
    ])
  }))

test('two texts are never taken for one, whatever their hashes', () =>
  withFolder(async (data) => {
    const pairs = ['v63', 'v64', 'v204', 'v205', 'v288', 'v289'].map((text) => `'${text}'`)
    const columns = [0, 2, 4].map((k) => `if(i % 2 = 0, ${pairs[k]}, ${pairs[k + 1]}) AS pair${k}`)
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, ${columns.join(', ')} FROM range(50) t(i)`,
    )
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const { users } = await openTables({ data })
    assert.deepEqual(users.leftOut, [])
    assert.deepEqual(
      users.features.map(({ name }) => name),
      ['pair0', 'pair2', 'pair4'],
    )
  }))

test('a side with nothing else has its ids for a feature', () =>
  withFolder(async (data) => {
    await writeParquetFile(data, 'user_features.parquet', `SELECT 'u' || i AS user_id FROM range(300) t(i)`)
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const { users } = await openTables({ data })
    const [feature] = users.features
    assert.ok(feature.kind === 'category' && feature.name === 'user_id' && feature.values.length === 300)
    assert.deepEqual(new Set(await packedRows(users)).size, 300)
  }))

test('a column that has become of another type is refused', () =>
  withFolder(async (data) => {
    await writeParquetFile(data, 'user_features.parquet', `SELECT 1 AS user_id, ['a'] AS tags`)
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const { users, restaurants } = await openTables({ data })
    await writeParquetFile(data, 'user_features.parquet', `SELECT 1 AS user_id, 'a' AS tags`)
    await assert.rejects(
      openTables({ data, fitted: { users: users.features, restaurants: restaurants.features } }),
      isError(
        'INPUT',
        /user_features\.parquet: column tags must hold values for a feature of the kind categories, found VARCHAR/,
      ),
    )
  }))
