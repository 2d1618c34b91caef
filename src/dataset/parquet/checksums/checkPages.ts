import { closeSync, openSync, readSync } from 'node:fs'
import { setImmediate as others } from 'node:timers/promises'
import { messageOf, NearrankError } from '../../../errors.ts'
import { columnChunks, type PagesAt } from './columnChunks.ts'
import { BadPage, PageReader } from './pageReader.ts'

/** A file to check: its metadata are its last bytes but 8. */
export interface CheckedFile {
  path: string
  name: string // as messages call it
  size: number
  metadataBytes: number
}

export interface PagesToCheck {
  files: readonly CheckedFile[]
  isRead: (column: string) => boolean // pages of other columns are not checked
  signal: AbortSignal | undefined
  /** What is wrong with a file; the others are checked. Without it, it is thrown. */
  onBadFile?: (name: string, error: NearrankError) => void
}

/**
 * Holds the pages of Parquet files against the checksums (CRC-32) that their writer gave them, if it did:
 * DuckDB reads past them. Files whose first row group has none are left alone. Cost: each byte of the columns
 * is read once more, at some GB/s if it is in the system's cache.
 * @throws NearrankError INPUT naming file, row group, column and page, all from 0; ABORTED.
 */
export async function checkPages({ files, isRead, signal, onBadFile }: PagesToCheck): Promise<void> {
  const reader = new PageReader() // one for all: a new one for each of 12,000 files took 3 s
  for (const file of files) {
    try {
      for (const _ of checkFile(file, reader, isRead)) {
        await others()
        if (signal?.aborted) throw new NearrankError('ABORTED', `Stopped while checking ${file.name}`)
      }
    } catch (error) {
      const readable = unreadable(file.name, error)
      if (!onBadFile || !isInput(readable)) throw readable
      onBadFile(file.name, readable)
    }
    await others()
  }
}

/**
 * Does `work` while the pages of the files that it reads are checked. Its result counts only if they are
 * good; what it stumbles over may be what is damaged, so a bad page is told first.
 */
export async function whilePagesAreChecked<T>(
  { files, isRead, signal }: PagesToCheck,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController()
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const checked = checkPages({ files, isRead, signal: either }).then(
    () => undefined,
    (error: unknown) => {
      stop.abort()
      return error
    },
  )
  let result: T
  try {
    result = await work(either)
  } catch (error) {
    if (!isInput(error)) stop.abort()
    const found = await checked
    throw isInput(found) ? found : error
  }
  const found = await checked
  if (found !== undefined) throw found
  return result
}

function isInput(error: unknown): error is NearrankError {
  return error instanceof NearrankError && error.code === 'INPUT'
}

function* checkFile(
  file: CheckedFile,
  reader: PageReader,
  isRead: (column: string) => boolean,
): Generator<void> {
  const descriptor = openSync(file.path, 'r')
  try {
    const metadata = new Uint8Array(file.metadataBytes)
    const bytes = readSync(descriptor, metadata, 0, metadata.length, file.size - 8 - metadata.length)
    if (bytes < metadata.length) throw damaged(file.name, 'it is shorter than it was')
    reader.turnTo(descriptor)
    for (const columns of readableColumns(file, metadata)) {
      const read = columns.filter(({ column }) => isRead(column))
      const isFirst = columns[0]?.rowGroup === 0
      if (isFirst && !read.some((one) => hasChecksums(reader, one))) return
      for (const one of read) yield* checkColumn(file, reader, one)
    }
  } finally {
    closeSync(descriptor)
  }
}

function* readableColumns({ name }: CheckedFile, metadata: Uint8Array): Generator<PagesAt[]> {
  try {
    yield* columnChunks(metadata)
  } catch (error) {
    throw damaged(name, `its metadata cannot be read (${messageOf(error)})`)
  }
}

/** What is wrong with a page of which nobody knows that it has one is DuckDB's to say. */
function hasChecksums(reader: PageReader, pages: PagesAt): boolean {
  try {
    return reader.hasChecksums(pages)
  } catch {
    return false
  }
}

function* checkColumn({ name }: CheckedFile, reader: PageReader, pages: PagesAt): Generator<void> {
  try {
    yield* reader.check(pages)
  } catch (error) {
    if (!(error instanceof BadPage)) throw error
    throw damaged(name, `${error.message} (column ${pages.column}, row group ${pages.rowGroup}, from 0)`)
  }
  yield
}

function unreadable(name: string, error: unknown): NearrankError {
  if (error instanceof NearrankError) return error
  return new NearrankError('INPUT', `Cannot read ${name}: ${messageOf(error)}`, { cause: error })
}

function damaged(name: string, problem: string): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot read ${name}: ${problem}; the file is damaged. Restore it from a copy, or write it again`,
  )
}
