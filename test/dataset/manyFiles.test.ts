import type { DuckDBConnection } from '@duckdb/node-api'
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ColumnChunk, streamColumns } from '../../src/dataset/parquet/columnStream.ts'
import { arrayOf, withDuckDb } from '../../src/dataset/parquet/duckdb.ts'
import { FileStreams } from '../../src/dataset/parquet/fileStreams.ts'
import { footerOf } from '../../src/dataset/parquet/footer.ts'
import { type ParquetFile, ParquetOpener, readParquetFile } from '../../src/dataset/parquet/parquetFile.ts'
import {
  clickColumns,
  counting,
  expectedRow,
  isError,
  openTrain,
  readRows,
  withFolder,
  writeLargeTables,
  writeParquetFile,
} from './fixture.ts'

/** File `k` of some has these rows. */
const FILES = 150
const rowsIn = (k: number) => (k % 7 === 3 ? 0 : 1 + (k % 5))

/** Files that are alike but for some that are not, as [name, select]. */
function selects(): [name: string, select: string][] {
  return Array.from({ length: FILES }, (_, k) => {
    const own =
      k % 40 === 20
        ? 'i::INTEGER AS id, k AS part' // another type
        : k % 40 === 30
          ? 'i AS id, k AS part, 1 AS file_row_number'
          : 'i AS id, k AS part'
    const folder = k % 50 > 45 ? `day=${Math.floor(k / 50)}/` : ''
    return [
      `${folder}part-${k}.parquet`,
      `SELECT ${own} FROM (SELECT i, ${k} AS k FROM range(${rowsIn(k)}) t(i))`,
    ]
  })
}

async function opened(connection: DuckDBConnection, folder: string, names: readonly string[]) {
  const opener = new ParquetOpener(connection, names)
  const files: ParquetFile[] = []
  for (const name of names) {
    const path = join(folder, name)
    const { head } = footerOf(await readFile(path))
    assert.ok(head)
    files.push(await opener.open({ path, name, head }))
  }
  return files
}

const EXPRESSIONS = ['id::DOUBLE', 'part::DOUBLE']

async function valuesOf(chunks: AsyncGenerator<ColumnChunk>): Promise<number[][]> {
  const values: number[][] = []
  for await (const { rows, rowStart, columns } of chunks) {
    assert.equal(rowStart, values.length)
    const [ids, parts] = columns.map((column) => arrayOf(column) as Float64Array)
    for (let i = 0; i < rows; i++) values.push([ids[i], parts[i]])
  }
  return values
}

test('many files are opened as each by itself, and read as each by itself', () =>
  withFolder(async (folder) => {
    for (const [name, select] of selects()) await writeParquetFile(folder, name, select)
    const names = selects().map(([name]) => name)
    await withDuckDb({}, async (connection) => {
      const files = await opened(connection, folder, names)
      const readingOf = () => ({ expressions: EXPRESSIONS, sample: undefined })
      const streams = new FileStreams([connection], files, { readingOf, signal: undefined })
      const together: number[][][] = []
      for (const index of files.keys()) together.push(await valuesOf(streams.rowsOf(index)))
      await streams.close()
      for (const [k, file] of files.entries()) {
        assert.deepEqual(file, await readParquetFile(connection, file.path, file.name))
        assert.deepEqual(together[k], await valuesOf(streamColumns(connection, file, EXPRESSIONS)))
        assert.equal(together[k].length, rowsIn(k))
      }
    })
  }))

test('alike files are asked about once, and read by a few statements', () =>
  withFolder(async (folder) => {
    const names = Array.from({ length: FILES }, (_, k) => `part-${k}.parquet`)
    for (const [k, name] of names.entries())
      await writeParquetFile(folder, name, `SELECT i AS id, ${k} AS part FROM range(3) t(i)`)
    await withDuckDb({}, async (connection) => {
      const { counted, asked } = counting(connection)
      const files = await opened(counted, folder, names)
      const readingOf = () => ({ expressions: EXPRESSIONS, sample: undefined })
      const streams = new FileStreams([counted], files, { readingOf, signal: undefined })
      for (const [k] of files.entries())
        assert.deepEqual(
          await valuesOf(streams.rowsOf(k)),
          [0, 1, 2].map((id) => [id, k]),
        )
      await streams.close()
      assert.deepEqual(asked, { run: 2, stream: Math.ceil(FILES / 64) })
    })
  }))

test('whoever stops in the middle can go on with something else', () =>
  withFolder(async (folder) => {
    const names = ['a.parquet', 'b.parquet', 'c.parquet']
    for (const name of names)
      await writeParquetFile(folder, name, 'SELECT i AS id, 0 AS part FROM range(10000) t(i)')
    await withDuckDb({}, async (connection) => {
      const files = await opened(connection, folder, names)
      const readingOf = () => ({ expressions: EXPRESSIONS, sample: undefined })
      const streams = new FileStreams([connection], files, { readingOf, signal: undefined })
      for await (const chunk of streams.rowsOf(0)) {
        assert.equal(chunk.rowStart, 0)
        break
      }
      await streams.close()
      assert.equal((await valuesOf(streams.rowsOf(1))).length, 10_000)
      await streams.close()
      const stopped = new FileStreams([connection], files, { readingOf, signal: AbortSignal.abort() })
      await assert.rejects(valuesOf(stopped.rowsOf(0)), isError('ABORTED', /a\.parquet/))
      await stopped.close()
    })
  }))

test('a damaged one among many is named, or all of its rows come', () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    for (const name of ['a', 'b', 'c'])
      await writeParquetFile(data, `train/${name}.parquet`, `${clickColumns()} FROM range(20000) t(i)`)
    const path = join(data, 'train/b.parquet')
    const bytes = await readFile(path)
    let refused = 0
    for (let k = 0; k < 20; k++) {
      const at = 100 + Math.floor((k * (bytes.length - 1500)) / 20)
      const damaged = Buffer.from(bytes)
      for (let i = 0; i < 512; i++) damaged[at + i] ^= (at * 31 + i * 17) & 0xff
      await writeFile(path, damaged)
      try {
        const rows = await openTrain({ data })
        assert.equal(rows.rows, 60_000)
        await rows.close()
      } catch (error) {
        assert.ok(isError('INPUT', /train\/b\.parquet/)(error), String(error))
        refused++
      }
    }
    assert.ok(refused > 5, `${refused} of 20`)
    await writeFile(path, bytes)
    const wanted = Array.from({ length: 20_000 }, (_, i) => expectedRow(i))
    assert.deepEqual(await readRows({ data }), [...wanted, ...wanted, ...wanted])
  }))

test('a file that DuckDB would refuse is refused by name, though its metadata are those of others', () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    for (const name of ['a', 'b', 'c'])
      await writeParquetFile(data, `train/${name}.parquet`, `${clickColumns()} FROM range(100) t(i)`)
    const whole = await readFile(join(data, 'train/b.parquet'))
    for (const bytes of [
      whole.subarray(0, whole.length - 1),
      whole.subarray(whole.length - 700),
      Buffer.alloc(0),
    ]) {
      await writeFile(join(data, 'train/b.parquet'), bytes)
      await assert.rejects(openTrain({ data }), isError('INPUT', /train\/b\.parquet/))
    }
  }))
