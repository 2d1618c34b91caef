import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileRow, streamColumns } from '../../src/dataset/parquet/columnStream.ts'
import { arrayOf, withDuckDb } from '../../src/dataset/parquet/duckdb.ts'
import { type ParquetFile, readParquetFile } from '../../src/dataset/parquet/parquetFile.ts'
import type { RowSample } from '../../src/dataset/parquet/rowSample.ts'
import { isError, writeParquetFile } from './fixture.ts'

const ROWS = 30_000 // several chunks
const GROUP_ROWS = 20

describe('a sample of rows', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nearrank-sample-'))
    const sql = `SELECT i AS number, 'request ' || i // ${GROUP_ROWS} AS request FROM range(${ROWS}) t(i)`
    await writeParquetFile(folder, 'clicks.parquet', sql)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function drawn(sample: RowSample, of: (file: ParquetFile) => ParquetFile = (file) => file) {
    const numbers: number[] = []
    await withDuckDb({}, async (connection) => {
      const file = of(await readParquetFile(connection, join(folder, 'clicks.parquet'), 'clicks.parquet'))
      for await (const chunk of streamColumns(connection, file, ['number::INTEGER'], undefined, sample)) {
        const values = arrayOf(chunk.columns[0]) as Int32Array
        for (let i = 0; i < chunk.rows; i++) {
          assert.equal(fileRow(chunk, i), values[i], 'it tells where each row is in its file')
          numbers.push(values[i])
        }
      }
    })
    return numbers
  }

  test('is by number what the hash of each row says, evenly from all parts of the file', async () => {
    for (const [share, salt] of [
      [0.03, 0],
      [0.4, 0xdeadbeef],
      [1, 7],
    ]) {
      const threshold = Math.round(share * 2 ** 32)
      const wanted = Array.from({ length: ROWS }, (_, row) => row).filter(
        (row) => (BigInt(row) * 0x9e3779b1n + BigInt(salt)) % 2n ** 32n < BigInt(threshold),
      )
      assert.deepEqual(await drawn({ threshold, salt, group: null }), wanted)
      assert.ok(Math.abs(wanted.length - share * ROWS) <= 3)
      const early = wanted.filter((row) => row < ROWS / 10).length
      assert.ok(Math.abs(early - (share * ROWS) / 10) <= 3)
    }
  })

  test('is of groups whole ones, other ones for another salt', async () => {
    const threshold = 0.2 * 2 ** 32
    const samples = [1, 2 ** 31].map((salt) => drawn({ threshold, salt, group: 'request' }))
    const [rows, others] = await Promise.all(samples)
    for (const sample of [rows, others]) {
      const groups = Map.groupBy(sample, (row) => Math.floor(row / GROUP_ROWS))
      assert.ok([...groups.values()].every((group) => group.length === GROUP_ROWS))
      assert.ok(Math.abs(groups.size / (ROWS / GROUP_ROWS) - 0.2) < 0.05)
    }
    assert.notDeepEqual(rows, others)
  })

  test('does not end early: rows that the metadata promises must come', async () => {
    const longer = (file: ParquetFile) => ({ ...file, rows: 2 * ROWS })
    const sample = { threshold: 0.1 * 2 ** 32, salt: 1, group: null }
    await assert.rejects(drawn(sample, longer), isError('INPUT', /its metadata promises 60000 rows/))
  })
})
