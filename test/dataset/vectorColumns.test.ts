import assert from 'node:assert/strict'
import { test } from 'node:test'
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
