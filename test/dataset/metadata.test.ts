import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isError,
  openTrain,
  readRows,
  withFolder,
  writeClicks,
  writeParquetFile,
  writeTables,
} from './fixture.ts'

test('a file whose row groups do not fit into the memory is refused by name', () =>
  withFolder(async (data) => {
    await writeTables(data)
    await writeParquetFile(
      data,
      'train/a.parquet',
      'SELECT 5 AS user_id, 20 AS restaurant_id, i % 2 AS click FROM range(1000 * 2048) t(i)',
      'FORMAT parquet, ROW_GROUP_SIZE 2048',
    )
    await assert.rejects(
      openTrain({ data, memoryBytes: 4 * 2 ** 20 }),
      isError(
        'MEMORY',
        /train\/a\.parquet: .*row groups.*in the file and about \d.* MiB in memory, where 4 MiB are left/,
      ),
    )
    await writeClicks(data, 'train/a.parquet', [[5, 20, 1]])
    assert.deepEqual(await readRows({ data, memoryBytes: 4 * 2 ** 20 }), [[0, 1, 1]])
  }))
