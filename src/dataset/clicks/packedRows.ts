import type { DuckDBConnection } from '@duckdb/node-api'
import { Type } from 'typebox'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { NearrankError, messageOf } from '../../errors.ts'
import { BLOCK_ROWS_MAX } from './blockBuilder.ts'
import { withDuckDb } from '../parquet/duckdb.ts'
import { type FeatureTable, type Tables, readKeys } from '../tables/featureTables.ts'
import { keyWords } from '../tables/idColumn.ts'
import { IdIndex } from '../tables/idIndex.ts'
import type { DatasetOptions, Split } from '../options.ts'
import type { OpenOptions } from '../openOptions.ts'
import { buildFolder } from '../pack/packFolder.ts'
import { damagedPack, readManifest, removeStale, writeManifest } from '../pack/packManifest.ts'
import { readExactly } from '../pack/packedPart.ts'
import { ROWS_FILE, type RowsPlan, checkClickFile, packRows } from './packRows.ts'
import { type ParquetFile, readParquetFile } from '../parquet/parquetFile.ts'
import {
  type SourceFile,
  checkUnchanged,
  columnNames,
  dataFolder,
  featureSource,
  fingerprintOf,
  keyOf,
  packHome,
  splitPaths,
  splitSources,
} from '../sources.ts'

export interface PackedFile {
  name: string // of the source file, relative to the data folder
  rows: number // kept
  dropped: number // clicks without features, with onMissing 'drop'
  firstBlock: number
  blockCount: number
}

export interface PackedBlock {
  file: number
  rows: number // 1 … 65,536
  byteOffset: number
  crc32: number
  digest: number // see rowDigest
}

/** The clicks of a split as row numbers of the feature tables, in blocks that never cross a source file. */
export interface PackedRows {
  split: Split
  fingerprint: string // of the files, the columns, and the tables
  path: string
  rows: number
  clicks: number // rows with click 1
  dropped: number
  digest: number
  files: PackedFile[]
  blocks: PackedBlock[]
  blockRowsMax: number
  /**
   * Reads block `i` into `target` (≥ 9 bytes a row, may lie in shared memory): user rows u32 [rows], restaurant rows
   * u32 [rows], clicks u8 [rows]. @throws NearrankError DAMAGED when its checksum does not match.
   */
  readBlockInto(i: number, target: Uint8Array): Promise<void>
  close(): Promise<void>
}

const FORMAT = 1

const Count = Type.Integer({ minimum: 0 })
const Manifest = Type.Object({
  format: Type.Literal(FORMAT),
  fingerprint: Type.String(),
  key: Type.String(),
  rows: Type.Integer({ minimum: 1 }),
  clicks: Count,
  dropped: Count,
  digest: Count,
  files: Type.Array(
    Type.Object({ name: Type.String(), rows: Count, dropped: Count, firstBlock: Count, blockCount: Count }),
  ),
  blocks: Type.Array(
    Type.Object({
      file: Count,
      rows: Type.Integer({ minimum: 1, maximum: BLOCK_ROWS_MAX }),
      byteOffset: Count,
      crc32: Count,
      digest: Count,
    }),
  ),
})

/** Whether the dataset has any files of a split. */
export async function hasSplit(options: DatasetOptions, split: Split): Promise<boolean> {
  return (await splitPaths(options, await dataFolder(options), split)).length > 0
}

/**
 * The clicks of a split, packed on first use and found again by a fingerprint of their sources.
 * @throws NearrankError INPUT naming file, column and row; DISK; DAMAGED; ABORTED.
 */
export async function openRows(
  options: DatasetOptions & OpenOptions,
  tables: Tables,
  split: Split,
): Promise<PackedRows> {
  const data = await dataFolder(options)
  const home = packHome(options, data)
  const sources = await splitSources(options, data, split)
  const { userId, restaurantId, click } = columnNames(options)
  const onMissing = options.onMissing ?? 'fail'
  const settings = [split, userId, restaurantId, click, onMissing]
  const fingerprint = fingerprintOf(sources, FORMAT, tables.fingerprint, settings)
  const key = keyOf(data, sources, tables.key, settings)
  const prefix = `rows-${split}-`
  const directory = join(home, prefix + fingerprint)
  const found = await readRows(directory, split)
  if (found) return found
  await withDuckDb(options, async (connection) => {
    const plan = await planRows(connection, options, tables, data, sources)
    const rowsTotal = plan.files.reduce((sum, file) => sum + file.rows, 0)
    const onRows = (rowsDone: number) => options.onProgress?.({ stage: split, rowsDone, rowsTotal })
    await buildFolder(home, prefix + fingerprint, async (folder) => {
      const body = await packRows(connection, plan, { folder, signal: options.signal, onRows })
      if (body.rows === 0)
        throw new NearrankError(
          'INPUT',
          `Cannot use the ${split} clicks: no row is left in ${sources.length} file(s), ${body.dropped} dropped for want of features`,
        )
      for (const source of sources) await checkUnchanged(source)
      await writeManifest(folder, { format: FORMAT, fingerprint, key, ...body })
    })
  })
  const made = await readRows(directory, split)
  if (!made) throw new NearrankError('INTERNAL', `the pack ${directory} is not where it was put`)
  await removeStale(home, prefix + fingerprint, prefix, key)
  return made
}

/** Checks every file's columns before the first row is read. */
async function planRows(
  connection: DuckDBConnection,
  options: DatasetOptions,
  tables: Tables,
  data: string,
  sources: SourceFile[],
): Promise<RowsPlan> {
  const columns = columnNames(options)
  const side = async (column: string, table: FeatureTable) => {
    const index = new IdIndex(await readKeys(table), keyWords(table.idKey))
    const { name } = await featureSource(options, data, table.side)
    return { column, table: name, key: table.idKey, index }
  }
  const user = await side(columns.userId, tables.users)
  const restaurant = await side(columns.restaurantId, tables.restaurants)
  const files: ParquetFile[] = []
  for (const source of sources) {
    const file = await readParquetFile(connection, source.path, source.name)
    checkClickFile(file, user, restaurant, columns.click)
    files.push(file)
  }
  return { files, user, restaurant, clickColumn: columns.click, onMissing: options.onMissing ?? 'fail' }
}

/** The packed rows in a folder; undefined where there are none. @throws NearrankError DAMAGED */
export async function readRows(directory: string, split: Split): Promise<PackedRows | undefined> {
  const manifest = await readManifest(directory, Manifest)
  if (!manifest) return undefined
  const { fingerprint, rows, clicks, dropped, digest, files, blocks } = manifest
  const path = join(directory, ROWS_FILE)
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw damagedPack(directory, messageOf(error), error)
  })
  const { size } = await handle.stat()
  if (size !== rows * 9) {
    await handle.close()
    throw damagedPack(directory, `${ROWS_FILE} has ${size} bytes, ${rows * 9} were written`)
  }
  return {
    split,
    fingerprint,
    path,
    rows,
    clicks,
    dropped,
    digest,
    files,
    blocks,
    blockRowsMax: blocks.reduce((most, block) => Math.max(most, block.rows), 0),
    async readBlockInto(i, target) {
      const block = blocks[i]
      const bytes = target.subarray(0, block.rows * 9)
      await readExactly(handle, bytes, block.byteOffset, path)
      if (crc32(bytes) !== block.crc32)
        throw damagedPack(
          directory,
          `the checksum of block ${i} in ${ROWS_FILE} (from ${files[block.file].name}) does not match`,
        )
    },
    close: () => handle.close(),
  }
}
