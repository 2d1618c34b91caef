import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTablesApart, openValuesApart } from '../../src/dataset/openApart.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { openValues } from '../../src/dataset/tables/openValues.ts'
import { type FeatureTable, readFeaturesInto } from '../../src/dataset/tables/readTables.ts'
import { type PackedValues, readAllValues, readValueRows } from '../../src/dataset/tables/readValues.ts'
import type { FeatureSpec } from '../../src/features/featureSpec.ts'
import { numberFeatures } from '../../src/features/featureSpec.ts'
import { type RawRow, rowProblem } from '../../src/features/rawRow.ts'
import { widthOf } from '../../src/features/rowShape.ts'
import { ValuesEncoder } from '../../src/features/valuesEncoder.ts'
import { isError, withFolder, writeParquetFile } from './fixture.ts'

const RESTAURANTS = `SELECT 1 AS restaurant_id, 1.0 AS f00, 13.5 AS latitude, 100.5 AS longitude`
const restaurants = numberFeatures(['f00'])

async function rowsOf(values: PackedValues): Promise<RawRow[]> {
  const rows: RawRow[] = []
  for await (const row of readValueRows(values, 'users')) rows.push(row)
  return rows
}

async function packedRows(table: FeatureTable): Promise<Uint32Array> {
  const width = widthOf(table.features)
  const rows = new Float32Array(table.rows * width)
  await readFeaturesInto(table, rows, width)
  return new Uint32Array(rows.buffer)
}

const dim = 4
const missing = { value: 1.5, flag: true }

/** Columns of every type as features of every kind that can be made of them. */
const CASES: [feature: FeatureSpec, type: string, literals: string[], values: unknown[]][] = [
  [
    { name: 'whole', kind: 'number', missing },
    'BIGINT',
    ['3', 'NULL', '-9007199254740993'],
    [3, undefined, -9007199254740992],
  ],
  [{ name: 'single', kind: 'number', missing }, 'FLOAT', ['0.1', "'nan'", '-2'], [0.1, undefined, -2]],
  [
    { name: 'dose', kind: 'category', values: ['10000000000000000', '0.00005'], dim },
    'DOUBLE',
    ['1e16', 'NULL', '5e-5'],
    ['10000000000000000', undefined, 0.00005],
  ],
  [{ name: 'exact', kind: 'number' }, 'DOUBLE', ['0.1', '1e-30', '3e38'], [0.1, 1e-30, 3e38]],
  [{ name: 'money', kind: 'number' }, 'DECIMAL(9,2)', ['0.1', '12.34', '-5'], [0.1, 12.34, -5]],
  [{ name: 'flag', kind: 'number', missing }, 'BOOLEAN', ['true', 'NULL', 'false'], [true, undefined, false]],
  [{ name: 'day', kind: 'number' }, 'DATE', ["'1970-01-03'", "'1969-12-31'", "'2024-02-29'"], [2, -1, 19782]],
  [
    { name: 'word', kind: 'category', values: ['5', 'a'], dim },
    'VARCHAR',
    ["'5'", 'NULL', "'ไทย\n'"],
    ['5', undefined, 'ไทย\n'],
  ],
  [
    { name: 'yes', kind: 'category', values: ['true'], dim },
    'BOOLEAN',
    ['true', 'NULL', 'false'],
    [true, undefined, false],
  ],
  [
    { name: 'code', kind: 'category', values: ['7', '9007199254740993'], dim },
    'BIGINT',
    ['7', 'NULL', '9007199254740993'],
    [7, undefined, '9007199254740993'],
  ],
  [
    { name: 'size', kind: 'category', values: ['3', '0.1'], dim },
    'FLOAT',
    ['3', '0.1', 'NULL'],
    [3, 0.1, undefined],
  ],
  [
    { name: 'born', kind: 'category', values: ['2020-01-02'], dim },
    'DATE',
    ["'2020-01-02'", 'NULL', "'1969-01-01'"],
    ['2020-01-02', undefined, '1969-01-01'],
  ],
  [
    { name: 'tags', kind: 'categories', values: ['b', 'a'], dim, maxValues: 3 },
    'VARCHAR[]',
    ["['a', 'zz', 'b', 'a']", 'NULL', "['', NULL]"],
    [['a', 'zz', 'b', 'a'], undefined, ['', null]],
  ],
  [
    { name: 'codes', kind: 'categories', values: ['7'], dim, maxValues: 2 },
    'INTEGER[]',
    ['[7, 8]', '[]', 'NULL'],
    [[7, 8], [], undefined],
  ],
  [
    { name: 'note', kind: 'text', buckets: 16, dim, maxValues: 4 },
    'VARCHAR',
    ["'Good  food!'", 'NULL', "''"],
    ['Good  food!', undefined, ''],
  ],
  [
    { name: 'place', kind: 'vector', length: 2, missing: { values: [1, 2], flag: true } },
    'FLOAT[]',
    ['[0.1, 2]', 'NULL', '[3, 4]'],
    [[0.1, 2], undefined, [3, 4]],
  ],
  [
    { name: 'since', kind: 'time', parts: ['days', 'month'], dim, missing },
    'DATE',
    ["'2024-02-29'", 'NULL', "'1969-12-31'"],
    ['2024-02-29', undefined, '1969-12-31'],
  ],
  [
    { name: 'seen', kind: 'time', parts: ['days', 'hour', 'weekday'], dim, missing },
    'TIMESTAMP',
    ["'2024-02-29 23:59:59.123456'", 'NULL', "'1969-12-31 23:00:00'"],
    ['2024-02-29T23:59:59.123Z', undefined, '1969-12-31T23:00:00.000Z'],
  ],
  [
    { name: 'stamp', kind: 'time', parts: ['hour'], dim, missing },
    'BIGINT',
    ['0', 'NULL', '1709251199000'],
    [0, undefined, 1709251199000],
  ],
]

test('the values of every type, encoded, are the packed rows to the bit', () =>
  withFolder(async (data) => {
    const columns = CASES.map(([{ name }]) => name).join(', ')
    const rows = [0, 1, 2].map(
      (row) => `(${row}, ${CASES.map(([, type, literals]) => `${literals[row]}::${type}`).join(', ')})`,
    )
    const select = `SELECT * FROM (VALUES ${rows.join(', ')}) t(user_id, ${columns})`
    await writeParquetFile(data, 'user_features.parquet', select)
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const fitted = { users: CASES.map(([feature]) => feature), restaurants }
    const tables = await openTables({ data, fitted })
    const values = await rowsOf(await openValues({ data, fitted }, tables, ['users']))

    const expected = [0, 1, 2].map((row) =>
      Object.fromEntries(
        CASES.map(([{ name }, , , wanted]) => [name, wanted[row]] as const).filter(
          ([, value]) => value !== undefined,
        ),
      ),
    )
    assert.deepEqual(values, expected)
    const encoder = new ValuesEncoder(fitted.users)
    const names = new Set(fitted.users.map(({ name }) => name))
    const words: number[] = []
    for (const row of values) {
      assert.equal(rowProblem(row, names), undefined)
      const encoded = encoder.encode(row, 0)
      assert.ok(encoded instanceof Float32Array, String(encoded))
      words.push(...new Uint32Array(encoded.slice().buffer))
    }
    assert.deepEqual(words, [...(await packedRows(tables.users))])
  }))

test('packed once, in a process of its own, in the order of the table; damage is found', () =>
  withFolder(async (data) => {
    const rows = 30_000
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT ${rows} - i AS user_id, ['t' || (i % 7), repeat('é', i % 300)] AS tags FROM range(${rows}) t(i)`,
    )
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const { tables } = await openTablesApart({ data })
    const told: number[] = []
    const values = await openValuesApart(
      { data, onProgress: ({ stage, rowsDone }) => told.push(stage === 'users' ? rowsDone : -1) },
      tables,
      ['users'],
    )
    assert.equal(told.at(-1), rows)
    const found = await rowsOf(values)
    assert.equal(found.length, rows)
    for (const i of [0, 1, 299, 12_345, rows - 1])
      assert.deepEqual(found[i], { tags: [`t${i % 7}`, 'é'.repeat(i % 300)] })
    const rowAt = await readAllValues(values, 'users')
    for (const i of [rows - 1, 0, 12_345, 1]) assert.deepEqual(rowAt(i), found[i])
    told.length = 0
    const again = await openValuesApart({ data, onProgress: () => told.push(1) }, tables, ['users'])
    assert.deepEqual(again, values)
    assert.deepEqual(told, [], 'found, not made again')

    const path = join(values.directory, 'users.rows')
    const bytes = await readFile(path)
    bytes[1_000_000] ^= 1
    await writeFile(path, bytes)
    await assert.rejects(
      rowsOf(values),
      isError('DAMAGED', /Cannot use the packed data in .*delete that folder/),
    )
  }))

test('a table that was changed after it was packed is refused', () =>
  withFolder(async (data) => {
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, ['a'] AS tags FROM range(9) t(i)`,
    )
    const tables = await openTables({ data })
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, ['b'] AS tags FROM range(9) t(i)`,
    )
    await assert.rejects(
      openValues({ data }, tables, ['users']),
      isError('INPUT', /a feature table was changed while it was being read; run again/),
    )
  }))

test('tables that other options have asked for before, in other words, are not taken for changed ones', () =>
  withFolder(async (data) => {
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, ['a', 'b' || i % 2] AS tags FROM range(9) t(i)`,
    )
    const first = await openTables({ data })
    const named = { data, userFeatures: ['tags'] }
    const tables = await openTables(named)
    assert.equal(tables.directory, first.directory)
    assert.deepEqual((await rowsOf(await openValues(named, tables, ['users'])))[1], { tags: ['a', 'b1'] })
  }))
