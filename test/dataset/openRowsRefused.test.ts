import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  clickColumns,
  isError,
  openTrain,
  withFolder,
  writeLargeTables,
  writeParquetFile,
  writeTables,
} from './fixture.ts'

describe('openRows refuses', () => {
  const refused: [name: string, select: string, ...patterns: RegExp[]][] = [
    [
      'a click of 3',
      `SELECT 5 AS user_id, 30 AS restaurant_id, if(i = 41, 3, 1) AS click FROM range(50) t(i)`,
      /^Cannot use train\/train_07.parquet: column click must be 0 or 1, row 41 holds 3; .*\(--click-threshold\)$/,
    ],
    [
      'a click of 256',
      `SELECT 5 AS user_id, 30 AS restaurant_id, if(i = 4100, 256, 1) AS click FROM range(5000) t(i)`,
      /row 4100 holds 256/,
    ],
    ['a click of -1', `SELECT 5 AS user_id, 30 AS restaurant_id, -1 AS click`, /row 0 holds -1/],
    ['a click of 0.4', `SELECT 5 AS user_id, 30 AS restaurant_id, 0.4::DOUBLE AS click`, /row 0 holds 0.4/],
    [
      'a text click',
      `SELECT 5 AS user_id, 30 AS restaurant_id, '1' AS click`,
      /click must be 0 or 1 in numbers, found VARCHAR/,
    ],
    [
      'strings for integers',
      `SELECT '5' AS user_id, 30 AS restaurant_id, 1 AS click`,
      /user_id must hold integers as the feature table does, found strings/,
    ],
    [
      'fractions as ids',
      `SELECT 5 AS user_id, 30.0::DOUBLE AS restaurant_id, 1 AS click`,
      /restaurant_id must hold integers or strings.*found DOUBLE/,
    ],
    [
      'no click column',
      `SELECT 5 AS user_id, 30 AS restaurant_id, 1 AS clicked`,
      /no column click, its columns are user_id, restaurant_id, clicked/,
    ],
  ]
  /** What onMissing 'drop' would leave out. */
  const missing: typeof refused = [
    [
      'a click of NaN',
      `SELECT 5 AS user_id, 30 AS restaurant_id, 'nan'::FLOAT AS click`,
      /row 0 holds nan; .*--on-missing drop/i,
    ],
    [
      'a null click',
      `SELECT 5 AS user_id, 30 AS restaurant_id, if(i = 2, NULL, 1) AS click FROM range(3) t(i)`,
      /click must be 0 or 1, row 2 holds null; .*--on-missing drop/,
    ],
    [
      'a null fraction',
      `SELECT 5 AS user_id, 30 AS restaurant_id, NULL::DOUBLE AS click`,
      /row 0 holds null; .*--on-missing drop/,
    ],
    [
      'a null id',
      `SELECT if(i = 2222, NULL, 5) AS user_id, 30 AS restaurant_id, 1 AS click FROM range(3000) t(i)`,
      /user_id must hold an id in every row, row 2222 holds null; .*--on-missing drop/,
    ],
  ]
  const cases = [
    ...(['fail', 'drop'] as const).flatMap((onMissing) => refused.map((one) => ({ onMissing, one }))),
    ...missing.map((one) => ({ onMissing: 'fail' as const, one })),
  ]
  for (const {
    onMissing,
    one: [name, select, ...patterns],
  } of cases)
    test(`${name}, with ${onMissing}`, () =>
      withFolder(async (data) => {
        await writeTables(data)
        await writeParquetFile(data, 'train/train_07.parquet', select)
        await assert.rejects(
          openTrain({ data, onMissing }),
          isError('INPUT', /train\/train_07\.parquet/, ...patterns),
        )
        assert.deepEqual(
          (await readdir(join(data, '.nearrank'))).filter((entry) => !entry.startsWith('tables')),
          [],
        )
      }))

  test('an empty folder, a glob without a match, no rows at all', () =>
    withFolder(async (data) => {
      await writeTables(data)
      await mkdir(join(data, 'train'))
      await assert.rejects(
        openTrain({ data }),
        isError('INPUT', /no file in .* matches train\/\*\*\/\*\.parquet/),
      )
      await assert.rejects(
        openTrain({ data, trainFiles: ['a/*.parquet', 'b'] }),
        isError('INPUT', /matches a\/\*\.parquet, b/),
      )
      await writeParquetFile(
        data,
        'train/a.parquet',
        'SELECT 5 AS user_id, 30 AS restaurant_id, 1 AS click WHERE false',
      )
      await assert.rejects(openTrain({ data }), isError('INPUT', /no rows are left/))
    }))

  test('a truncated, a damaged and a text file among good ones', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(10) t(i)`)
      const path = join(data, 'train/b.parquet')
      await writeParquetFile(data, 'train/b.parquet', `${clickColumns()} FROM range(300000) t(i)`)
      const bytes = await readFile(path)
      await truncate(path, bytes.length - 1)
      await assert.rejects(openTrain({ data }), isError('INPUT', /train\/b.parquet.*truncated/))
      await writeFile(path, 'PAR1 text PAR1')
      await assert.rejects(openTrain({ data }), isError('INPUT', /train\/b.parquet/))
      const damaged = Buffer.from(bytes).fill(0xff, bytes.length / 2, bytes.length / 2 + 2048)
      await writeFile(path, damaged)
      await assert.rejects(openTrain({ data }), isError('INPUT', /train\/b.parquet/))
      assert.deepEqual(
        (await readdir(join(data, '.nearrank'))).filter((entry) => !entry.startsWith('tables')),
        [],
      )
    }))
})
