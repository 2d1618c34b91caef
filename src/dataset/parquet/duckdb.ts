import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api'
import { messageOf } from '../../errors.ts'

export interface DuckDbOptions {
  memoryBytes?: number // of its buffer manager, not of the process; default 256 MiB
  threads?: number // default 1: streams of rows come at 10 M rows/s from one, and no faster from two
}

const MEMORY_BYTES = 256 * 2 ** 20
const MEMORY_BYTES_MIN = 64 * 2 ** 20

/**
 * Runs `work` with a connection to an in-memory database of its own that reads nothing but local files and
 * installs nothing. One statement at a time: a second one silently ends the first one's stream. `connect`
 * gives more connections, for statements side by side.
 */
export async function withDuckDb<T>(
  options: DuckDbOptions,
  work: (connection: DuckDBConnection, connect: () => Promise<DuckDBConnection>) => Promise<T>,
): Promise<T> {
  // Loaded where it is used: training needs none of it.
  const { DuckDBInstance } = await import('./duckdbApi.ts')
  const memoryBytes = Math.max(options.memoryBytes ?? MEMORY_BYTES, MEMORY_BYTES_MIN)
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(Math.max(1, options.threads ?? 1)),
    memory_limit: `${Math.ceil(memoryBytes / 1024)}KiB`,
    allocator_flush_threshold: '4MiB',
    allocator_bulk_deallocation_flush_threshold: '4MiB',
    enable_external_file_cache: 'false', // every file is read once or twice, and the system caches it
    temp_directory: '', // nothing we ask needs to spill, and nothing is left behind
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connections: DuckDBConnection[] = []
  const connect = async () => {
    const connection = await instance.connect()
    connections.push(connection)
    // A geometry is bytes to us; and DuckDB refuses what early writers said of theirs.
    await connection.run('SET enable_geoparquet_conversion = false')
    return connection
  }
  try {
    return await work(await connect(), connect)
  } finally {
    for (const connection of connections) connection.closeSync()
    instance.closeSync()
  }
}

/** A text as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * A path as the literal that DuckDB's readers take: unescaped, `part[1].parquet` would silently read
 * `part1.parquet`.
 */
export function sqlPath(path: string): string {
  return sqlText(path.replaceAll(/[[*?]/g, '[$&]'))
}

/** The column of a row's number in its file, from 0, as an SQL identifier: a name that no file has. */
export const ROW_NUMBER = '"nearrank row number"'

/** A column that has one value in a whole file, as its path tells: `date=2026-01-01`. */
export interface PathKey {
  name: string
  type: string // DuckDB's name for it
  sql: string // its value
}

/** How files are read. */
export interface ParquetForm {
  hasOwn: boolean // a column is called file_row_number, as DuckDB calls its own
  texts: readonly string[] // columns of bytes that are texts: some writers do not say so
  keys: readonly PathKey[] // columns that the paths tell
  byName?: boolean // the files have different columns, @default false
  rowStart?: string // SQL of what the number of a row of its file is added to, @default nothing
}

/** What to select from to get the rows of Parquet files, with `ROW_NUMBER`. */
export function sqlParquet(
  paths: readonly string[],
  { hasOwn, texts, keys, byName = false, rowStart }: ParquetForm,
): string {
  const files = paths.length === 1 ? sqlPath(paths[0]) : `[${paths.map(sqlPath).join(', ')}]`
  const how = `hive_partitioning = false${byName ? ', union_by_name = true' : ''}`
  const decoded = texts.map((name) => `decode(${sqlName(name)}) AS ${sqlName(name)}`).join(', ')
  const replaced = decoded === '' ? '' : ` REPLACE (${decoded})`
  const told = keys.map(({ name, sql }) => `, ${sql} AS ${sqlName(name)}`).join('')
  const number = `file_row_number${rowStart === undefined ? '' : ` + ${rowStart}`}`
  return hasOwn
    ? `(SELECT *${replaced}${told}, row_number() OVER () - 1 AS ${ROW_NUMBER} FROM read_parquet(${files}, ${how}))`
    : `(SELECT * EXCLUDE (file_row_number)${replaced}${told}, ${number} AS ${ROW_NUMBER} FROM read_parquet(${files}, file_row_number = true, ${how}))`
}

/** The first line of what DuckDB says, without the query it repeats. */
export function duckDbMessage(error: unknown): string {
  return messageOf(error).split('\n', 1)[0].trim()
}

/** The 32-bit words of a vector of fixed-width values, valid as long as its chunk. */
export function wordsOf(vector: DuckDBVector): Uint32Array {
  const { buffer, byteOffset, byteLength } = arrayOf(vector)
  return new Uint32Array(buffer, byteOffset, byteLength / 4)
}

/** The values of a vector of fixed-width values, valid as long as its chunk; those of nulls are arbitrary. */
export function arrayOf(vector: DuckDBVector): ArrayBufferView<ArrayBuffer> {
  const holder = vector as unknown as {
    items?: ArrayBufferView<ArrayBuffer>
    dataView?: DataView<ArrayBuffer>
  }
  const array = holder.items ?? holder.dataView
  if (!ArrayBuffer.isView(array))
    throw new TypeError(`no fixed-width values in a vector of ${vector.type.toString()}`)
  return array
}

/** One bit for each value of a vector, 0 for a null; null if there are none. Lives as long as its chunk. */
export function validBits(vector: DuckDBVector): Uint32Array | null {
  const { data } = (vector as unknown as { validity: { data: BigUint64Array | null } }).validity
  return data && new Uint32Array(data.buffer, data.byteOffset, 2 * data.length)
}

export function isNullAt(bits: Uint32Array | null, i: number): boolean {
  return bits !== null && ((bits[i >>> 5] >>> (i & 31)) & 1) === 0
}

/** The first null in a vector, −1 without any. */
export function firstNull(vector: DuckDBVector): number {
  const { data } = (vector as unknown as { validity: { data: BigUint64Array | null } }).validity
  if (data === null) return -1
  for (let word = 0; word < data.length; word++) {
    if (data[word] === 0xffffffffffffffffn) continue
    const end = Math.min(vector.itemCount, 64 * (word + 1))
    for (let i = 64 * word; i < end; i++) if (((data[word] >> BigInt(i % 64)) & 1n) === 0n) return i
  }
  return -1
}
