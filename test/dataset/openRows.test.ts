import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import type { DatasetOptions } from '../../src/dataset/options.ts'
import { hasSplit, openRows } from '../../src/dataset/clicks/openRows.ts'
import { rowDigest } from '../../src/dataset/clicks/rowDigest.ts'
import {
  clickColumns,
  expectedRow,
  isError,
  openTrain,
  readAllRows,
  readRows,
  withFolder,
  writeClicks,
  writeLargeTables,
  writeParquetFile,
  writeTables,
} from './fixture.ts'

describe('openRows', () => {
  test('packs every row of every file in order, in blocks that never cross a file', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      const parts = [0, 70_000, 70_000, 70_001, 210_000] // 70,000 rows, none, one, 139,999
      for (const [file, end] of parts.slice(1).entries())
        await writeParquetFile(
          data,
          `train/part_${file + 9}.parquet`,
          `${clickColumns()} FROM range(${parts[file]}, ${end}) t(i)`,
        )
      const rows = await openTrain({ data })
      assert.equal(rows.rows, 210_000)
      assert.equal(rows.clicks, 70_000)
      assert.deepEqual(
        rows.files.map((file) => [file.name, file.rows, file.dropped, file.firstBlock, file.blockCount]),
        [
          ['train/part_9.parquet', 70_000, 0, 0, 2],
          ['train/part_10.parquet', 0, 0, 2, 0],
          ['train/part_11.parquet', 1, 0, 2, 1],
          ['train/part_12.parquet', 139_999, 0, 3, 3],
        ],
      )
      assert.deepEqual(
        rows.blocks.map((block) => [block.file, block.rows]),
        [
          [0, 65_536],
          [0, 4464],
          [2, 1],
          [3, 65_536],
          [3, 65_536],
          [3, 8927],
        ],
      )
      const all = await readAllRows(rows)
      for (let i = 0; i < 210_000; i++)
        if (all[i].some((value, k) => value !== expectedRow(i)[k])) assert.fail(`row ${i}: ${all[i].join()}`)
      const digest = all.reduce(
        (sum, [user, restaurant, click]) => sum + rowDigest(user, restaurant, click),
        0,
      )
      assert.equal(rows.digest, digest % 2 ** 32)
      const ofBlocks = rows.blocks.reduce((sum, block) => sum + block.digest, 0)
      assert.equal(rows.digest, ofBlocks % 2 ** 32)
      await rows.close()
    }))

  test('reads every compression, row group and number type', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      const select = (user?: string, click?: string) => `${clickColumns(user, click)} FROM range(6000) t(i)`
      for (const [sql, form] of [
        ...['snappy', 'zstd', 'gzip', 'lz4_raw', 'brotli', 'uncompressed'].map((c) => [
          select(),
          `COMPRESSION ${c}`,
        ]),
        [select(), 'ROW_GROUP_SIZE 2048'],
        [select(), 'PARQUET_VERSION v2'],
        [select('USMALLINT', 'TINYINT'), ''],
        [select('UBIGINT', 'BOOLEAN'), ''],
        [select('INTEGER', 'FLOAT'), ''],
        [select('DECIMAL(12,0)', 'DOUBLE'), ''],
        [select('BIGINT', 'DECIMAL(4,2)'), ''],
        [select('BIGINT', 'UBIGINT'), ''],
      ]) {
        await writeParquetFile(data, 'train/a.parquet', sql, `FORMAT parquet${form && `, ${form}`}`)
        const all = await readRows({ data })
        assert.equal(all.length, 6000)
        for (let i = 0; i < 6000; i++) assert.deepEqual(all[i], expectedRow(i), `${form} ${sql} row ${i}`)
      }
    }))

  test('columns that are the same in every row are read as such', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      await writeParquetFile(
        data,
        'train/a.parquet',
        'SELECT 3 AS user_id, -7 AS restaurant_id, 1 AS click, 5 AS extra FROM range(5000)',
      )
      const all = await readRows({ data })
      assert.ok(all.every(([user, restaurant, click]) => user === 1 && restaurant === 7 && click === 1))
      assert.equal(all.length, 5000)
    }))

  test('string ids, other column names, files outside, globs and exclusions by name', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data')
      await writeParquetFile(
        data,
        'people.parquet',
        `SELECT 'user number ' || (99 - i) AS who, i::FLOAT AS age FROM range(100) t(i)`,
      )
      await writeParquetFile(
        data,
        'places.parquet',
        `SELECT 'é' || i AS place, i::FLOAT AS f0, 1.0 AS lat, 2.0 AS lon FROM range(10) t(i)`,
      )
      for (const [file, first] of [
        ['x [1]', 500],
        ['x1', 0],
        ["it's?", 1000],
      ] as const)
        await writeParquetFile(
          folder,
          `logs/${file}.parquet`,
          `SELECT 'user number ' || (i % 100) AS who, 'é' || (i % 10) AS place, i % 2 AS liked FROM range(${first}, ${first + 500}) t(i)`,
        )
      const options: DatasetOptions = {
        data,
        userFile: 'people.parquet',
        restaurantFile: 'places.parquet',
        trainFiles: [join(folder, 'logs/x*.parquet'), '../logs/*.parquet'],
        columns: { userId: 'who', restaurantId: 'place', click: 'liked', latitude: 'lat', longitude: 'lon' },
      }
      const rows = await openTrain(options)
      assert.deepEqual(
        rows.files.map((file) => [file.name, file.rows]),
        [
          ["../logs/it's?.parquet", 500],
          ['../logs/x1.parquet', 500],
          ['../logs/x [1].parquet', 500],
        ],
      )
      const all = await readAllRows(rows)
      await rows.close()
      const order = [...Array(500).keys()].map((i) => i + 1000).concat([...Array(1000).keys()])
      for (const [at, i] of order.entries())
        assert.deepEqual(all[at], [99 - (i % 100), i % 10, i % 2], `row ${at}`)
      assert.equal(await hasSplit(options, 'train'), true)
      assert.equal(await hasSplit(options, 'test'), false)
    }))

  test('clicks without features stop it, or are dropped and counted', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeClicks(data, 'train/a.parquet', [
        [5, 30, 1],
        [6, 30, 0],
        [9, 20, 1],
        [7, 99, 0],
      ])
      await writeClicks(data, 'train/b.parquet', [
        ['-1::BIGINT', 20, 1],
        [7, 20, 0],
      ])
      const fails = (pattern: RegExp) =>
        assert.rejects(
          openTrain({ data }),
          isError('INPUT', pattern, /user_features|restaurant_features/, /--on-missing/),
        )
      await fails(/train\/a.parquet: user_id 6 in row 1 has no features in user_features.parquet/)
      const rows = await openTrain({ data, onMissing: 'drop' })
      assert.equal(rows.dropped, 3)
      assert.deepEqual(
        rows.files.map((file) => [file.rows, file.dropped]),
        [
          [2, 2],
          [1, 1],
        ],
      )
      assert.deepEqual(await readAllRows(rows), [
        [0, 0, 1],
        [2, 1, 1],
        [1, 1, 0],
      ])
      await rows.close()
      await writeClicks(data, 'train/a.parquet', [[7, 99, 0]])
      await fails(/restaurant_id 99 in row 0 has no features in restaurant_features.parquet/)
      await rm(join(data, 'train/b.parquet'))
      await assert.rejects(
        openTrain({ data, onMissing: 'drop' }),
        isError('INPUT', /no rows are left.*1 were dropped/),
      )
    }))

  test('an id that does not fit the 64 bits of the table is missing, not null', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeClicks(data, 'train/a.parquet', [
        ['18446744073709551615::UBIGINT', 30, 1],
        ['5::UBIGINT', 20, 0],
      ])
      await assert.rejects(
        openTrain({ data }),
        isError('INPUT', /user_id 18446744073709551615 in row 0 has no features/),
      )
      assert.deepEqual(await readRows({ data, onMissing: 'drop' }), [[0, 1, 0]])
    }))

  test('is packed once; anew when a file, a column, the tables or onMissing change', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await writeClicks(data, 'train/a.parquet', [[5, 30, 1]])
      await writeClicks(data, 'test/a.parquet', [[5, 20, 0]])
      const packed: string[] = []
      const fingerprint = async (options = {}, split: 'train' | 'test' = 'train') => {
        packed.length = 0
        const all = { data, ...options, onProgress: ({ stage }: { stage: string }) => packed.push(stage) }
        const rows = await openRows(all, await openTables(all), split)
        await rows.close()
        return rows.fingerprint
      }
      const first = await fingerprint()
      const ofTest = await fingerprint({}, 'test')
      assert.notEqual(first, ofTest)
      assert.equal(await fingerprint(), first)
      assert.equal(packed.length, 0)
      const dropping = await fingerprint({ onMissing: 'drop' })
      assert.notEqual(dropping, first)
      assert.ok(packed.includes('train') && !packed.includes('users'))
      assert.equal(await fingerprint(), first)
      const narrow = await fingerprint({ userFeatures: ['f00'] })
      assert.notEqual(narrow, first)
      await writeClicks(data, 'train/a.parquet', [[7, 30, 1]])
      const second = await fingerprint()
      assert.notEqual(second, first)
      const left = await readdir(join(data, '.nearrank'))
      assert.deepEqual(
        left.filter((name) => name.startsWith('rows')).toSorted(),
        [
          `rows-test-${ofTest}`,
          ...[second, dropping, narrow].map((print) => `rows-train-${print}`),
        ].toSorted(),
        'only the earlier version of the same is gone',
      )
    }))

  test('reports progress up to the last row', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      for (const file of [0, 1])
        await writeParquetFile(data, `train/${file}.parquet`, `${clickColumns()} FROM range(100000) t(i)`)
      const seen: number[] = []
      const rows = await openTrain({
        data,
        onProgress: ({ stage, rowsDone, rowsTotal }) => {
          if (stage === 'train') seen.push(rowsDone / rowsTotal)
        },
      })
      await rows.close()
      assert.ok(seen.length > 2 && seen.at(-1) === 1)
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => a - b),
      )
    }))

  test('stops when told to, and leaves nothing behind', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(1000000) t(i)`)
      const abort = new AbortController()
      const onProgress = ({ stage }: { stage: string }) => stage === 'train' && abort.abort()
      await assert.rejects(openTrain({ data, signal: abort.signal, onProgress }), isError('ABORTED'))
      const left = await readdir(join(data, '.nearrank'))
      assert.equal(left.length, 1)
      assert.match(left[0], /^tables-/)
    }))
})
