import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { blockRows, rowBytes } from '../../src/dataset/clicks/rowLayout.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import type { DatasetOptions, OpenOptions } from '../../src/dataset/options.ts'
import { NearrankError, type ErrorCode } from '../../src/errors.ts'
import { openRows } from '../../src/dataset/clicks/openRows.ts'
import type { PackedRows } from '../../src/dataset/clicks/readRows.ts'

/** One for all files of a process: making one takes 15 ms, a small file 2. */
let instance: Promise<DuckDBInstance> | undefined

/** Writes `select` to a Parquet file below `folder`. */
export async function writeParquetFile(
  folder: string,
  name: string,
  select: string,
  form = 'FORMAT parquet',
): Promise<void> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  instance ??= DuckDBInstance.create(':memory:', { threads: '1', enable_external_file_cache: 'false' })
  const connection = await (await instance).connect()
  try {
    await connection.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (${form})`)
  } finally {
    connection.closeSync()
  }
}

/** A folder that is gone after `use`. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nearrank-dataset-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Three users (ids 5, 7, 9), two restaurants (ids 30, 20) and no clicks. */
export async function writeTables(folder: string): Promise<void> {
  await writeParquetFile(
    folder,
    'user_features.parquet',
    `SELECT * FROM (VALUES (5::BIGINT, 0.5::FLOAT, -1::FLOAT), (7, 1.5, -2), (9, 2.5, -3)) t(user_id, f00, f01)`,
  )
  await writeParquetFile(
    folder,
    'restaurant_features.parquet',
    `SELECT * FROM (VALUES (30::BIGINT, 3::FLOAT, 13.5::DOUBLE, 100.5::DOUBLE), (20, 4, 14.5, 101.5))
     t(restaurant_id, f00, latitude, longitude)`,
  )
}

/** A click file from rows of [user id, restaurant id, click], as SQL literals. */
export async function writeClicks(
  folder: string,
  name: string,
  rows: unknown[][],
  form?: string,
): Promise<void> {
  const values = rows.map((row) => `(${row.join(', ')})`).join(', ')
  await writeParquetFile(
    folder,
    name,
    `SELECT * FROM (VALUES ${values}) t(user_id, restaurant_id, click)`,
    form,
  )
}

/** All rows of a pack: [user row, restaurant row, click], block after block. */
export async function readAllRows(rows: PackedRows): Promise<number[][]> {
  const all: number[][] = []
  const bytes = new Uint8Array(rows.blockRowsMax * rowBytes(rows.plan))
  for (let i = 0; i < rows.blocks.length; i++) {
    await rows.readBlockInto(i, bytes)
    const count = rows.blocks[i].rows
    const { users, restaurants, clicks } = blockRows(rows.plan, bytes.buffer, 0, count)
    for (let k = 0; k < count; k++) all.push([users[k], restaurants[k], clicks[k]])
  }
  return all
}

/** For assert.rejects: a NearrankError of `code` whose message matches every one of `patterns`. */
export function isError(code: ErrorCode, ...patterns: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof NearrankError)) throw error
    for (const pattern of patterns)
      if (!pattern.test(error.message)) throw new Error(`${pattern} does not match: ${error.message}`)
    if (error.code !== code) throw new Error(`${code} was expected, found ${error.code}: ${error.message}`)
    return true
  }
}

/** The training clicks of a dataset. */
export async function openTrain(options: DatasetOptions & OpenOptions): Promise<PackedRows> {
  return openRows(options, await openTables(options), 'train')
}

/** All of its training rows. */
export async function readRows(options: DatasetOptions & OpenOptions): Promise<number[][]> {
  const rows = await openTrain(options)
  try {
    return await readAllRows(rows)
  } finally {
    await rows.close()
  }
}

/** Users 0 … 999 with ids 3·i, restaurants 0 … 99 with ids −i. */
export async function writeLargeTables(data: string): Promise<void> {
  await writeParquetFile(
    data,
    'user_features.parquet',
    'SELECT 3 * i AS user_id, i::FLOAT AS f0 FROM range(1000) t(i)',
  )
  await writeParquetFile(
    data,
    'restaurant_features.parquet',
    'SELECT -i AS restaurant_id, i::FLOAT AS f0, 1.0 AS latitude, 2.0 AS longitude FROM range(100) t(i)',
  )
}

/** Row i clicks on user (7·i mod 1000), restaurant (i² mod 100), and is a click when i mod 3 is 0. */
export const clickColumns = (user = 'BIGINT', click = 'BIGINT') =>
  `SELECT (3 * ((i * 7) % 1000))::${user} AS user_id, (-((i * i) % 100))::BIGINT AS restaurant_id, (i % 3 = 0)::INT::${click} AS click`
export const expectedRow = (i: number) => [(i * 7) % 1000, (i * i) % 100, i % 3 === 0 ? 1 : 0]

/** Counts what the database is asked. */
export function counting(connection: DuckDBConnection) {
  const asked = { run: 0, stream: 0 }
  const counted = new Proxy(connection, {
    get(target, key) {
      if (key === 'run' || key === 'stream') asked[key]++
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { counted, asked }
}
