import assert from 'node:assert/strict'
import { cp, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { checkPages } from '../../src/dataset/parquet/checksums/checkPages.ts'
import { columnChunks } from '../../src/dataset/parquet/checksums/columnChunks.ts'
import { withDuckDb, sqlPath } from '../../src/dataset/parquet/duckdb.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { openValues } from '../../src/dataset/tables/openValues.ts'
import { NearrankError } from '../../src/errors.ts'
import { Random } from '../../src/random.ts'
import {
  clickColumns,
  isError,
  openTrain,
  withFolder,
  writeLargeTables,
  writeParquetFile,
} from './fixture.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures/checksums')
/** Of each file, flips that pyarrow refuses: in the bytes of a page, or in its header. */
const FLIPS: Record<string, [at: number, bit: number, where: 'page' | 'header'][]> = JSON.parse(
  await readFile(join(FIXTURE, 'flips.json'), 'utf8'),
)
const NAMES = Object.keys(FLIPS)
const SEED = Date.now()

const withCopy = (use: (data: string) => Promise<void>) =>
  withFolder(async (folder) => {
    await cp(FIXTURE, folder, { recursive: true })
    await use(folder)
  })

async function flip(path: string, at: number, bit: number): Promise<Buffer> {
  const bytes = await readFile(path)
  bytes[at] ^= 1 << bit
  await writeFile(path, bytes)
  return bytes
}

/** Checks all columns of one file. */
async function check(path: string, isRead: (column: string) => boolean = () => true): Promise<void> {
  const bytes = await readFile(path)
  const file = { path, name: path, size: bytes.length, metadataBytes: bytes.readUInt32LE(bytes.length - 8) }
  await checkPages({ files: [file], isRead, signal: undefined })
}

describe('pages with checksums', () => {
  test('are read where they are whole', () =>
    withCopy(async (data) => {
      for (const name of NAMES) await check(join(data, name))
      const rows = await openTrain({ data })
      assert.equal(rows.rows, 4500)
      await rows.close()
    }))

  test('are refused where pyarrow finds a bit of them flipped, naming file, column, row group and page', () =>
    withCopy(async (data) => {
      let seen = 0
      for (const name of NAMES)
        for (const [at, bit, where] of FLIPS[name]) {
          if (where === 'header') continue
          const path = join(data, name)
          await flip(path, at, bit)
          const wanted = isError('INPUT', /page \d+.*column \w+, row group \d+.*damaged/s)
          await assert.rejects(check(path), wanted, `${name}, byte ${at}, bit ${bit}`)
          await flip(path, at, bit)
          seen++
        }
      assert.ok(seen > 200, `${seen}`)
    }))

  test('are refused while they are packed, too: none of 40 flips in columns that are read is trained on', () =>
    withCopy(async (data) => {
      const random = new Random(SEED)
      for (let i = 0; i < 40; i++) {
        const name = NAMES[i % NAMES.length]
        const path = join(data, name)
        const flips = FLIPS[name]
        const [at, bit, where] = flips[random.below(flips.length)]
        await flip(path, at, bit)
        const isUnread = await check(path, (column) => column !== 'unused').then(
          () => where === 'page',
          () => false,
        )
        if (!isUnread)
          await assert.rejects(
            openTrain({ data }).then((rows) => rows.close()),
            (error: unknown) => error instanceof NearrankError && error.message.includes(name),
            `${name}, byte ${at}, bit ${bit}, seed ${SEED}`,
          )
        await flip(path, at, bit)
      }
    }))

  test('of columns that nothing reads are not checked', () =>
    withCopy(async (data) => {
      const path = join(data, 'train/c.parquet')
      const chunk = await chunkOf(path, 'unused')
      await flip(path, chunk.end - 5, 3)
      await assert.rejects(check(path), isError('INPUT', /column unused, row group 0/))
      const rows = await openTrain({ data })
      assert.equal(rows.rows, 4500)
      await rows.close()
    }))

  test('of tables are checked whenever they are read, for a store as well', () =>
    withCopy(async (data) => {
      const tables = await openTables({ data })
      const path = join(data, 'user_features.parquet')
      const { end } = await chunkOf(path, 'age')
      const { atime, mtime } = await stat(path)
      await flip(path, end - 3, 2)
      await utimes(path, atime, mtime) // as if the disk had changed it
      await assert.rejects(
        openValues({ data }, tables, ['users']),
        isError('INPUT', /user_features.parquet: the checksum of page .*column age/),
      )
      await flip(path, end - 3, 2)
    }))
})

describe('the reader of page headers', () => {
  test("finds every column where DuckDB's metadata has it", () =>
    withCopy(async (data) => {
      for (const name of NAMES) {
        const path = join(data, name)
        const found = [...columnChunks(await metadataOf(path))].flat()
        await withDuckDb({}, async (connection) => {
          const columns =
            'row_group_id, path_in_schema, data_page_offset, dictionary_page_offset, total_compressed_size'
          const result = await connection.run(`SELECT ${columns} FROM parquet_metadata(${sqlPath(path)})`)
          const wanted = (await result.getRows()).map(([rowGroup, column, dataAt, dictionaryAt, bytes]) => {
            const start = Number(dictionaryAt ?? dataAt)
            return { rowGroup: Number(rowGroup), column, start, end: start + Number(bytes) }
          })
          assert.deepEqual(found, wanted)
        })
      }
    }))

  test('takes no bytes for metadata or pages that are none: an error, at once', async () => {
    const random = new Random(SEED)
    const whole = await metadataOf(join(FIXTURE, 'train/a.parquet'))
    for (let i = 0; i < 2000; i++) {
      const bytes = Uint8Array.from(whole.subarray(0, random.below(whole.length)))
      for (let k = 0; k < 3 && bytes.length > 0; k++) bytes[random.below(bytes.length)] = random.below(256)
      try {
        for (const columns of columnChunks(bytes)) assert.ok(columns.length < 1000)
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), `seed ${SEED}`)
      }
    }
  })

  test('refuses a file that is gone, or shorter than it was', () =>
    withCopy(async (data) => {
      const file = { path: join(data, 'none.parquet'), name: 'none.parquet', size: 1000, metadataBytes: 100 }
      const pages = { isRead: () => true, signal: undefined }
      await assert.rejects(
        checkPages({ ...pages, files: [file] }),
        isError('INPUT', /Cannot read none\.parquet/),
      )
      const bytes = await readFile(join(data, 'train/a.parquet'))
      await writeFile(file.path, bytes.subarray(0, 5000))
      const before = { ...file, size: bytes.length, metadataBytes: bytes.readUInt32LE(bytes.length - 8) }
      await assert.rejects(checkPages({ ...pages, files: [before] }), isError('INPUT', /none\.parquet/))
    }))

  test('reads a page of several pieces', () =>
    withFolder(async (folder) => {
      // One page of 3 MB, as its header and metadata say.
      const page = Buffer.alloc(3_000_000, 'some bytes')
      const path = join(folder, 'large.parquet')
      await writeFile(path, onePageFile(page, crc32(page)))
      await check(path)
      await writeFile(path, onePageFile(page, crc32(page) ^ 1))
      await assert.rejects(check(path), isError('INPUT', /checksum of page 0/))
    }))
})

test('files without checksums are read as ever', () =>
  withFolder(async (data) => {
    await writeLargeTables(data)
    await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(3000) t(i)`)
    const path = join(data, 'train/a.parquet')
    const bytes = await readFile(path)
    for (let at = 4; at < bytes.length - 2000; at += 97) {
      await flip(path, at, at % 8)
      await check(path)
      await flip(path, at, at % 8)
    }
  }))

async function metadataOf(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path)
  return bytes.subarray(bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8), bytes.length - 8)
}

async function chunkOf(path: string, wanted: string) {
  const [first] = columnChunks(await metadataOf(path))
  return first.find(({ column }) => column === wanted)!
}

/** Just what is read of a file: a page behind its header, and where that is. */
function onePageFile(page: Buffer, crc: number): Buffer {
  const header = Buffer.from([
    ...field(1, 5, [0]),
    ...field(1, 5, varint(2 * page.length)),
    ...field(1, 5, varint(2 * page.length)),
    ...field(1, 5, zigzag(crc | 0)),
    0,
  ])
  const bytes = header.length + page.length
  const column = [
    ...field(3, 9, [0x18, 1, 'x'.charCodeAt(0)]),
    ...field(4, 6, varint(2 * bytes)),
    ...field(2, 6, varint(2 * 4)),
    0,
  ]
  const rowGroup = [...field(1, 9, [0x1c, ...field(3, 12, column), 0]), 0]
  const metadata = Buffer.from([...field(4, 9, [0x1c, ...rowGroup]), 0])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(metadata.length)
  return Buffer.concat([Buffer.from('PAR1'), header, page, metadata, length, Buffer.from('PAR1')])
}

const field = (delta: number, type: number, value: number[]) => [(delta << 4) | type, ...value]
const zigzag = (value: number) => varint(value < 0 ? -2 * value - 1 : 2 * value)

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]
}
