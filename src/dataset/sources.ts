import { createHash } from 'node:crypto'
import { open, realpath } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { crc32 } from 'node:zlib'
import { NearrankError, messageOf } from '../errors.ts'
import { formatBytes } from '../format.ts'
import { type Side, SIDES } from '../features/featureSpec.ts'
import { isFolder, isGlob, parquetSeenBelow, pathsOf, withoutTwins } from './matchingPaths.ts'
import { type DatasetOptions, DEFAULT_COLUMNS, type ColumnNames, type Replay, type Split } from './options.ts'
import { type FooterHead, footerOf } from './parquet/footer.ts'
import { statFile } from './parquet/parquetFile.ts'

/** One file of the dataset, and what tells whether it has changed. */
export interface SourceFile {
  path: string
  name: string // relative to the data folder, with forward slashes
  size: number // bytes
  mtimeMs: number
  tailCrc32: number // of its last 64 KiB, where a Parquet file keeps its offsets and statistics
  metadataBytes: number // of all offsets and statistics; 0 for what is no Parquet file
  head?: FooterHead // absent if they begin before the tail
}

const TAIL_BYTES = 64 * 1024
const FOLDERS_SHOWN = 5
/** Bytes of memory for a byte of metadata: 52 were measured of 100,000 row groups of three columns. */
const METADATA_GROWTH = 60
const REQUESTS_FILE = 'requests.parquet'

/** Absolute, with symbolic links resolved. @throws NearrankError INPUT when there is no such folder. */
export async function dataFolder(options: DatasetOptions): Promise<string> {
  try {
    return await realpath(options.data)
  } catch (error) {
    throw new NearrankError('INPUT', `Cannot read the data in ${options.data}: there is no such folder`, {
      cause: error,
    })
  }
}

/** Where the packs of a dataset are kept. */
export function packHome(options: DatasetOptions, data: string): string {
  return options.cache === undefined ? join(data, '.nearrank') : resolve(options.cache)
}

export function columnNames(options: DatasetOptions): ColumnNames {
  return { ...DEFAULT_COLUMNS, ...options.columns }
}

/** What the feature table of one side is called: a file, a folder of files, or a glob. */
export function tableName(options: DatasetOptions, side: Side): string {
  const given = side === 'users' ? options.userFile : options.restaurantFile
  return given ?? (side === 'users' ? 'user_features.parquet' : 'restaurant_features.parquet')
}

/** The files of the feature table of one side. @throws NearrankError INPUT when there is none. */
export async function tableSources(options: DatasetOptions, data: string, side: Side): Promise<SourceFile[]> {
  const name = tableName(options, side)
  const path = resolve(data, name)
  // A single file; if it is not there, the error says so.
  if (!isGlob(name) && !(await isFolder(path))) return [await sourceFile(data, path)]
  return sourcesMatching([name], data, side)
}

/**
 * Paths of a split's click files, in natural order: `train_2` before `train_10`. Files for validation, and
 * those that are named for the test, are no training files.
 */
export async function splitPaths(options: DatasetOptions, data: string, split: Split): Promise<string[]> {
  const paths = await pathsMatching(splitPatterns(options, split), data)
  const others = heldOutPatterns(options)
  if (split !== 'train' || others.length === 0) return paths
  const heldOut = await withoutTwins(await pathsMatching(others, data))
  const either = await withoutTwins([...heldOut, ...paths]) // also where a link leads from one to the other
  return either.slice(heldOut.length)
}

/** What names the files that are not trained on, though they may be among the training files. */
function heldOutPatterns({ validationFiles, testFiles }: DatasetOptions): string[] {
  return [validationFiles ?? [], testFiles ?? []].flat()
}

/** @throws NearrankError INPUT when nothing matches. */
export async function splitSources(
  options: DatasetOptions,
  data: string,
  split: Split,
): Promise<SourceFile[]> {
  const heldOut = split === 'train' ? heldOutPatterns(options) : []
  const others =
    heldOut.length > 0 ? ` and is not held out for validation or the test by ${heldOut.join(', ')}` : ''
  const wanted = `${splitPatterns(options, split).join(', ')}${others}`
  return sourcesOf(data, await splitPaths(options, data, split), { what: `${split} clicks`, wanted })
}

/**
 * The files that match any of some globs, relative to the data folder, in natural order. `what`: what they
 * hold, for messages.
 * @throws NearrankError INPUT when nothing matches.
 */
export async function sourcesMatching(
  patterns: readonly string[],
  data: string,
  what: string,
): Promise<SourceFile[]> {
  return sourcesOf(data, await pathsMatching(patterns, data), { what, wanted: patterns.join(', ') })
}

async function sourcesOf(
  data: string,
  paths: readonly string[],
  { what, wanted }: { what: string; wanted: string },
): Promise<SourceFile[]> {
  if (paths.length === 0)
    throw new NearrankError(
      'INPUT',
      `Cannot find any ${what}: no file in ${data} matches ${wanted}${await elsewhere(data)}`,
    )
  const sources: SourceFile[] = []
  for (const path of paths) sources.push(await sourceFile(data, path))
  return sources
}

/**
 * The files of older clicks: those that match and are not for training, for validation or for the test.
 * @throws NearrankError INPUT when there are none.
 */
export async function replaySources(
  options: DatasetOptions,
  data: string,
  { files }: Replay,
): Promise<SourceFile[]> {
  const used = new Set(await clickNames(options, data))
  const sources = await sourcesMatching([files].flat(), data, 'older clicks to replay')
  const older = sources.filter(({ name }) => !used.has(name))
  if (older.length === 0)
    throw new NearrankError(
      'INPUT',
      `Cannot find any older clicks to replay: each file that matches ${[files].flat().join(', ')} is for training, for validation or for the test`,
    )
  return older
}

/** The names of the click files of every split. */
export async function clickNames(options: DatasetOptions, data: string): Promise<string[]> {
  const splits: Split[] = ['train', ...(options.validationFiles ? ['validation' as const] : []), 'test']
  const paths = await Promise.all(splits.map((split) => splitPaths(options, data, split)))
  return paths.flat().map((path) => nameOf(data, path))
}

async function pathsMatching(patterns: readonly string[], data: string): Promise<string[]> {
  const found = new Set<string>()
  for (const pattern of patterns) for (const path of await pathsOf(pattern, data)) found.add(path)
  const order = (a: string, b: string) => naturalOrder(nameOf(data, a), nameOf(data, b))
  return withoutTwins([...found].toSorted(order))
}

/** Where there are Parquet files, if none is where it was looked for: for the end of a message. */
async function elsewhere(data: string): Promise<string> {
  const folders = new Set((await parquetSeenBelow(data)).map((path) => dirname(nameOf(data, path))))
  folders.delete('.') // the tables are there
  if (folders.size === 0) return ''
  const shown = [...folders].toSorted(naturalOrder).slice(0, FOLDERS_SHOWN).join(', ')
  const more = folders.size > FOLDERS_SHOWN ? `, and ${folders.size - FOLDERS_SHOWN} more` : ''
  return `; there are Parquet files in ${shown}${more}`
}

/**
 * The Parquet files below the data folder that are no feature table and were not read, by name; `read`: the
 * names of those that were.
 * What `generate` writes for load tests is none of them.
 */
export async function unreadFiles(options: DatasetOptions, read: readonly string[]): Promise<string[]> {
  const data = await dataFolder(options)
  // Links may lead from one to the other.
  const real = (path: string) => realpath(path).catch(() => path)
  const known = new Set<string>()
  for (const side of SIDES)
    for (const path of await pathsMatching([tableName(options, side)], data)) known.add(await real(path))
  for (const name of [...read, REQUESTS_FILE]) known.add(await real(resolve(data, name)))
  const names: string[] = []
  for (const path of await parquetSeenBelow(data))
    if (!known.has(await real(path))) names.push(nameOf(data, path))
  return names.toSorted(naturalOrder)
}

/** 16 hexadecimal digits over files and whatever else decides what is made of them. */
export function fingerprintOf(sources: SourceFile[], ...settings: unknown[]): string {
  return hashOf([
    sources.map(({ name, size, mtimeMs, tailCrc32 }) => [name, size, mtimeMs, tailCrc32]),
    settings,
  ])
}

/** What stays the same when the files change: packs of one key are versions of one another. */
export function keyOf(data: string, sources: SourceFile[], ...settings: unknown[]): string {
  return hashOf([data, sources.map(({ name }) => name), settings])
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}

/** @throws NearrankError INPUT when a file is not what it was when `source` was taken. */
export async function checkUnchanged(source: SourceFile): Promise<void> {
  const now = await statFile(source.path, source.name)
  if (now.size !== source.size || now.mtimeMs !== source.mtimeMs)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${source.name}: it was changed while it was being read; run again`,
    )
}

/** Compares texts with runs of digits as numbers, in the same way on every machine. */
export function naturalOrder(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? []
  const right = b.match(/\d+|\D+/g) ?? []
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const numbers = BigInt(/^\d/.test(left[i]) ? left[i] : -1) - BigInt(/^\d/.test(right[i]) ? right[i] : -1)
    if (numbers !== 0n && /^\d/.test(left[i]) && /^\d/.test(right[i])) return numbers < 0n ? -1 : 1
    if (left[i] !== right[i]) return left[i] < right[i] ? -1 : 1
  }
  return left.length - right.length
}

/**
 * The globs of a split's click files. What a time tells apart lies in the same files: test clicks also in
 * those for validation, which are none of the training files any more.
 */
export function splitPatterns(options: DatasetOptions, split: Split): string[] {
  const {
    trainFiles = 'train/**/*.parquet',
    validationFiles,
    testFiles = 'test/**/*.parquet',
    testAfter,
  } = options
  switch (split) {
    case 'train':
      return [trainFiles].flat()
    case 'validation':
      return [validationFiles ?? trainFiles].flat()
    case 'test':
      return [testAfter === undefined ? testFiles : [trainFiles, validationFiles ?? []]].flat(2)
  }
}

/** What tells whether the file is still the same. @throws NearrankError INPUT if it cannot be read. */
export async function sourceFile(data: string, path: string): Promise<SourceFile> {
  const name = nameOf(data, path)
  const { size, mtimeMs } = await statFile(path, name)
  try {
    const handle = await open(path, 'r')
    try {
      const tail = new Uint8Array(Math.min(size, TAIL_BYTES))
      const { bytesRead } = await handle.read(tail, 0, tail.length, size - tail.length)
      const found = tail.subarray(0, bytesRead)
      return { path, name, size, mtimeMs, tailCrc32: crc32(found), ...footerOf(found) }
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new NearrankError('INPUT', `Cannot read ${name}: ${messageOf(error)}`, { cause: error })
  }
}

/** @throws NearrankError MEMORY if the metadata of a file does not fit into `memoryBytes`. */
export function checkMetadata(
  { name, metadataBytes }: SourceFile,
  { memoryBytes = Infinity }: { memoryBytes?: number },
): void {
  const needed = METADATA_GROWTH * metadataBytes
  if (needed <= memoryBytes) return
  throw new NearrankError(
    'MEMORY',
    `Cannot read ${name}: what it says of its row groups and columns takes ${formatBytes(metadataBytes)} in the file and about ${formatBytes(needed)} in memory, where ${formatBytes(memoryBytes)} are left; write it with row groups of 100,000 rows or more, or allow more memory (--max-memory)`,
  )
}

/** A path as messages call it: relative to the data folder, with forward slashes. */
export function nameOf(data: string, path: string): string {
  return relative(data, path).split(sep).join('/')
}
