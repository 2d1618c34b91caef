import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from '../../src/dataset/inspect/inspect.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { isError, withFolder, writeParquetFile } from './fixture.ts'

const RESTAURANTS = `SELECT 1 AS restaurant_id, 1.0 AS f00, 13.5 AS latitude, 100.5 AS longitude`

/** A column that cannot be a vector, and why. */
const CASES: [name: string, sql: string, reason: string][] = [
  ['empty', '[]::FLOAT[]', 'its lists of numbers are empty'],
  ['uneven', 'range(i)::FLOAT[]', 'its lists of numbers differ in length'],
  ['long', 'range(4097)::FLOAT[]', 'its lists hold more than 4096 numbers'],
]

test('lists of numbers that can be no vector are left out, and refused where they are asked for', () =>
  withFolder(async (data) => {
    const columns = CASES.map(([name, sql]) => `${sql} AS ${name}`).join(', ')
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, i AS x, NULL::FLOAT[] AS missing, range(4096)::FLOAT[] AS widest, ${columns} FROM range(5) t(i)`,
    )
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const { users } = await openTables({ data })
    assert.deepEqual(users.features, [
      { name: 'x', kind: 'number' },
      { name: 'widest', kind: 'vector', length: 4096 },
    ])
    assert.deepEqual(users.leftOut, [
      { name: 'missing', reason: 'it is missing in every row' },
      ...CASES.map(([name, , reason]) => ({ name, reason })),
    ])
    for (const [name, reason] of [
      ['missing', 'its lists of numbers are empty'],
      ...CASES.map(([one, , why]) => [one, why]),
    ])
      await assert.rejects(
        openTables({ data, userFeatures: [name] }),
        isError('INPUT', new RegExp(`column ${name} cannot be a feature, ${reason}`)),
      )
  }))

test('a null or a number that is not finite in a vector is warned of, and refused with what to do', () =>
  withFolder(async (data) => {
    const bad = ['[1.0, NULL]', "[1.0, 'nan'::DOUBLE]", "['-inf'::DOUBLE, 1.0]", '[1e300, 1.0]']
    const emb = bad.map((list, i) => `WHEN i = ${i + 5} THEN ${list}::DOUBLE[]`).join(' ')
    await writeParquetFile(
      data,
      'user_features.parquet',
      `SELECT i AS user_id, i % 2 AS x, CASE WHEN i = 2 THEN NULL ${emb} ELSE [1.0, i]::DOUBLE[] END AS emb FROM range(20) t(i)`,
    )
    await writeParquetFile(data, 'restaurant_features.parquet', RESTAURANTS)
    const { warnings } = await inspect({ data })
    assert.deepEqual(
      warnings.filter(({ column }) => column === 'emb').map(({ message }) => message),
      [
        'user_features.parquet: column emb has null, NaN or infinity in its list in 4 rows, which training refuses; write finite numbers, or null for the whole list, or leave the column out',
      ],
    )
    await assert.rejects(
      openTables({ data }),
      isError(
        'INPUT',
        /column emb must hold finite numbers, row 5 holds \[1\.0, NULL\]; .*"user\.emb": false/,
      ),
    )
    const { users } = await openTables({ data, features: { 'user.emb': false } })
    assert.deepEqual(
      users.features.map(({ name }) => name),
      ['x'],
    )
  }))
