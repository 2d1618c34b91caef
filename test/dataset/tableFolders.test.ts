import assert from 'node:assert/strict'
import { link, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { inspect } from '../../src/dataset/inspect/inspect.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { openValues } from '../../src/dataset/tables/openValues.ts'
import { readFeaturesInto, readIds } from '../../src/dataset/tables/readTables.ts'
import { readValueRows } from '../../src/dataset/tables/readValues.ts'
import { isError, readRows, withFolder, writeClicks, writeParquetFile, writeTables } from './fixture.ts'

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
