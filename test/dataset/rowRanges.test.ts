import type { DuckDBConnection } from '@duckdb/node-api'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type ColumnChunk, streamColumns } from '../../src/dataset/parquet/columnStream.ts'
import { arrayOf, isNullAt, sqlText, validBits, withDuckDb } from '../../src/dataset/parquet/duckdb.ts'
import { FileStreams } from '../../src/dataset/parquet/fileStreams.ts'
import { type ParquetFile, readParquetFile } from '../../src/dataset/parquet/parquetFile.ts'
import { RANGE_ROWS_MAX, rowRanges } from '../../src/dataset/parquet/rowRanges.ts'
import { counting, isError, withFolder } from './fixture.ts'

test('ranges cover all rows, are no longer than they may be, and cut no row group that is short enough', () => {
  const groups = fc.array(fc.integer({ min: 0, max: 2 ** 20 }), { maxLength: 40 })
  fc.assert(
    fc.property(groups, (groupRows) => {
      const ranges = rowRanges(groupRows)!
      let at = 0
      for (const { start, end } of ranges) {
        assert.equal(start, at)
        assert.ok(end > start && end - start <= RANGE_ROWS_MAX)
        at = end
      }
      assert.equal(
        at,
        groupRows.reduce((sum, rows) => sum + rows, 0),
      )
      let start = 0
      for (const rows of groupRows) {
        const inside = ranges.filter((range) => range.end > start && range.end < start + rows)
        assert.equal(inside.length, Math.max(1, Math.ceil(rows / RANGE_ROWS_MAX)) - 1)
        start += rows
      }
    }),
  )
  assert.equal(rowRanges([5, 2 ** 20 + 1]), undefined)
})

const IDS = `(hash(i) >> 1)::BIGINT AS id, CASE WHEN i % 1000 <> 7 THEN (i % 3)::UTINYINT END AS click`
const EXPRESSIONS = ['id', 'click', 'click IS NULL']

/** Writes rows as they are numbered, in row groups of `groupRows`. */
async function writeGroups(connection: DuckDBConnection, path: string, rows: number, groupRows: number) {
  await connection.run(
    `COPY (SELECT ${IDS} FROM range(${rows}) t(i)) TO ${sqlText(path)} (FORMAT parquet, ROW_GROUP_SIZE ${groupRows})`,
  )
  return readParquetFile(connection, path, path)
}

interface Values {
  ids: bigint[]
  clicks: (number | null)[]
  nulls: number[]
  longest: number // rows of a chunk
}

async function valuesOf(chunks: AsyncGenerator<ColumnChunk>): Promise<Values> {
  const values: Values = { ids: [], clicks: [], nulls: [], longest: 0 }
  for await (const { rows, rowStart, columns } of chunks) {
    assert.equal(rowStart, values.ids.length)
    values.longest = Math.max(values.longest, rows)
    const [ids, clicks, nulls] = columns.map((column) => arrayOf(column))
    const bits = validBits(columns[1])
    for (let i = 0; i < rows; i++) {
      values.ids.push((ids as BigInt64Array)[i])
      values.clicks.push(isNullAt(bits, i) ? null : (clicks as Uint8Array)[i])
      values.nulls.push((nulls as Uint8Array)[i])
    }
  }
  return values
}

const readingOf = () => ({ expressions: EXPRESSIONS, sample: undefined })

test('a file in ranges has the rows of the file as a stream, nulls included', () =>
  withFolder(async (folder) => {
    await withDuckDb({}, async (connection, connect) => {
      const files: ParquetFile[] = []
      for (const [rows, groupRows] of [
        [300_000, 122_880],
        [70_000, 2048],
        [600_001, 600_001], // a long one, read in parts
        [1000, 2048], // a short file between others
        [140_000, 60_000],
      ])
        files.push(await writeGroups(connection, join(folder, `${files.length}.parquet`), rows, groupRows))
      const first = counting(connection)
      const second = counting(await connect())
      const third = await connect() // the others read ahead
      const streams = new FileStreams([first.counted, second.counted], files, {
        readingOf,
        signal: undefined,
      })
      for (const [k, file] of files.entries()) {
        const { longest, ...values } = await valuesOf(streams.rowsOf(k))
        const { longest: short, ...streamed } = await valuesOf(streamColumns(third, file, EXPRESSIONS))
        assert.deepEqual(values, streamed)
        assert.equal(longest > short, k !== 3, `file ${k}`)
      }
      await streams.close()
      assert.equal(first.asked.stream, 1) // the short file
      assert.ok(second.asked.run >= 3) // both connections read
    })
  }))

test('rows of strings, and row groups that are too long, come as a stream', () =>
  withFolder(async (folder) => {
    await withDuckDb({}, async (connection, connect) => {
      const path = join(folder, 'a.parquet')
      const file = await writeGroups(connection, path, 2 ** 20 + 5, 2 ** 21)
      const { counted, asked } = counting(connection)
      const other = await connect()
      for (const expressions of [EXPRESSIONS, ['id', 'click', 'id::VARCHAR']]) {
        const reading = { readingOf: () => ({ expressions, sample: undefined }), signal: undefined }
        const streams = new FileStreams([counted, other], [file], reading)
        let rows = 0
        for await (const chunk of streams.rowsOf(0)) rows += chunk.rows
        assert.equal(rows, file.rows)
        await streams.close()
      }
      assert.equal(asked.stream, 2)
    })
  }))

test('whoever stops in the middle of the ranges can go on with something else', () =>
  withFolder(async (folder) => {
    await withDuckDb({}, async (connection, connect) => {
      const files = [
        await writeGroups(connection, join(folder, 'a.parquet'), 600_000, 100_000),
        await writeGroups(connection, join(folder, 'b.parquet'), 100_000, 100_000),
      ]
      const other = await connect()
      const streams = new FileStreams([connection, other], files, { readingOf, signal: undefined })
      for await (const chunk of streams.rowsOf(0)) {
        assert.equal(chunk.rowStart, 0)
        break
      }
      assert.equal((await valuesOf(streams.rowsOf(1))).ids.length, 100_000)
      await streams.close()
      const signal = AbortSignal.abort()
      const stopped = new FileStreams([connection, other], files, { readingOf, signal })
      await assert.rejects(valuesOf(stopped.rowsOf(0)), isError('ABORTED', /a\.parquet/))
      await stopped.close()
    })
  }))
