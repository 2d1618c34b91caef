import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { readIds } from '../../src/dataset/tables/readTables.ts'
import { clickColumns, expectedRow, isError, readRows, withFolder, writeParquetFile } from './fixture.ts'

const GEO = JSON.stringify({
  version: '0.1.0',
  primary_column: 'shape',
  columns: { shape: { encoding: 'WKB' } },
})

/** Users and restaurants as those of `clickColumns`, with further columns. */
async function writeOdd(data: string, { users = '', restaurants = '', form = '' }): Promise<void> {
  const from = 'FROM range(1000) t(i)'
  await writeParquetFile(
    data,
    'user_features.parquet',
    `SELECT 3 * i AS user_id, i::FLOAT AS age${users} ${from}`,
  )
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    `SELECT -i AS restaurant_id, i::FLOAT AS price, 1.0 AS latitude, 2.0 AS longitude${restaurants} FROM range(100) t(i)`,
    `FORMAT parquet${form}`,
  )
}

const writeTrain = (data: string, more = '') =>
  writeParquetFile(data, 'train/a.parquet', `${clickColumns()}${more} FROM range(3000) t(i)`)

const ROWS = Array.from({ length: 3000 }, (_, i) => expectedRow(i))

describe('columns that are no trouble', () => {
  for (const name of ['file_row_number', 'FILE_ROW_NUMBER', 'filename', 'rowid'])
    test(`one called ${name}, in the clicks and in a table`, () =>
      withFolder(async (data) => {
        await writeOdd(data, { users: `, 7 * i AS ${name}` })
        await writeTrain(data, `, 10 * i AS ${name}`)
        assert.deepEqual(await readRows({ data }), ROWS)
        const { users } = await openTables({ data })
        assert.deepEqual(
          users.features.map((feature) => feature.name),
          ['age', name],
        )
      }))

  test('bytes that are no text: no feature, and the table is read', () =>
    withFolder(async (data) => {
      await writeOdd(data, { users: `, from_hex(lpad(to_hex(i + 61440), 8, 'f')) AS picture` })
      await writeTrain(data)
      assert.deepEqual(await readRows({ data }), ROWS)
      const { leftOut } = (await openTables({ data })).users
      assert.deepEqual(
        leftOut.map(({ name }) => name),
        ['picture'],
      )
    }))

  test('bytes that are texts: a category, and ids', () =>
    withFolder(async (data) => {
      const id = (column: string, value: string) => `('id ' || ${value})::BLOB AS ${column}`
      await writeParquetFile(
        data,
        'user_features.parquet',
        `SELECT ${id('user_id', 'i')}, ['a', 'b'][i % 2 + 1]::BLOB AS letter FROM range(10) t(i)`,
      )
      await writeParquetFile(
        data,
        'restaurant_features.parquet',
        `SELECT i AS restaurant_id, i::FLOAT AS price, 1.0 AS latitude, 2.0 AS longitude FROM range(10) t(i)`,
      )
      await writeParquetFile(
        data,
        'train/a.parquet',
        `SELECT ${id('user_id', 'i % 10')}, i % 10 AS restaurant_id, i % 2 AS click FROM range(30) t(i)`,
      )
      const { users } = await openTables({ data })
      assert.deepEqual(
        users.features.map(({ name, kind }) => [name, kind]),
        [['letter', 'category']],
      )
      assert.equal((await readIds(users)).rowOf('id 7'), 7)
      assert.equal((await readRows({ data })).length, 30)
    }))

  test('bytes that begin as texts and are none', () =>
    withFolder(async (data) => {
      await writeOdd(data, {})
      await writeParquetFile(
        data,
        'user_features.parquet',
        `SELECT 3 * i AS user_id, if(i < 2500, 'text'::BLOB, '\\xFF'::BLOB) AS word FROM range(3000) t(i)`,
      )
      await assert.rejects(openTables({ data }), isError('INPUT', /user_features\.parquet/, /UTF8/))
    }))

  test('a geometry of an early GeoParquet writer', () =>
    withFolder(async (data) => {
      await writeOdd(data, {
        restaurants: `, '\\x01\\x01\\x00\\x00\\x00\\xFF'::BLOB AS shape`,
        form: `, KV_METADATA {geo: '${GEO}'}`,
      })
      await writeTrain(data)
      assert.deepEqual(await readRows({ data }), ROWS)
    }))
})
