import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { NearrankError } from '../../errors.ts'
import {
  diskError,
  isSameFile,
  resolveTarget,
  siblingPath,
  staleSiblings,
  syncDirectory,
  syncFile,
} from '../../files.ts'
import { type Side, SIDES } from '../../features/featureSpec.ts'
import { checkWhole } from './checkWhole.ts'
import { sqliteError } from './error.ts'
import { lockStore } from './file.ts'
import { openForReading } from './openForReading.ts'

// What SQLite would play into a file of that name when it opens it: changes of the file that was there.
const LEFT_SUFFIXES = ['-wal', '-shm', '-journal']
const BESIDE_SUFFIXES = [...LEFT_SUFFIXES, '-lock']
const STEP_PAGES = 2048 // between two looks at progress and signal; 8 MiB

export interface BackupProgress {
  bytesDone: number
  bytesTotal: number
}

export interface BackupOptions {
  overwrite?: boolean // replaces an earlier file, @default false
  signal?: AbortSignal
  onProgress?: (progress: BackupProgress) => void
}

export interface Backup {
  rows: Record<Side, number>
  bytes: number
}

/**
 * Copies the store in the file `path` into a new file `out` as it is at one moment, while a server writes to
 * it or not. The copy is a store by itself: it is checked, synced, and gets its name once it is whole.
 * @throws NearrankError INPUT, CONFLICT, DAMAGED, DISK, ABORTED
 */
export async function backUpSqlite(path: string, out: string, options: BackupOptions = {}): Promise<Backup> {
  const action = `back up the store ${path} to ${out}`
  const target = await resolveTarget(out)
  const place = { target, out, action, overwrite: options.overwrite === true }
  await checkApart(path, place)
  await checkFree(place)
  const source = await openForReading(path, action)
  try {
    await whileUnused(place, async () => {}) // again before the rename, but copying may take long
    await mkdir(dirname(target), { recursive: true })
    for (const leftover of await staleSiblings(target)) await rm(leftover, { recursive: true, force: true })
    // A folder, since SQLite writes files of its own beside a file.
    const folder = siblingPath(target, 'new')
    try {
      await mkdir(folder)
      const file = join(folder, 'copy.db')
      await copyInto(file, source.database, { ...options, action })
      const rows = check(file, action)
      await syncFile(file)
      const { size: bytes } = await stat(file)
      await checkFree(place)
      options.signal?.throwIfAborted()
      await whileUnused(place, () => rename(file, target))
      await syncDirectory(dirname(target))
      return { rows, bytes }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  } catch (error) {
    if (options.signal?.aborted)
      throw new NearrankError('ABORTED', `The backup of ${path} was stopped. ${out} was not written.`)
    const readable = sqliteError(error, action)
    throw readable === error ? diskError(error, action) : readable
  } finally {
    source.close()
  }
}

/** Where the copy goes: `target` is the absolute path of `out`. */
interface Place {
  target: string
  out: string
  action: string
  overwrite: boolean
}

/** Refuses the store in the file `path` as a place, and the files beside it or beside another one. */
async function checkApart(path: string, { target, out, action }: Place): Promise<void> {
  const store = await resolveTarget(path)
  const isAt = async (file: string) => file === target || (await isSameFile(file, target))
  if (await isAt(store))
    throw new NearrankError('INPUT', `Cannot ${action}: this is the store itself; choose another file`)
  for (const suffix of BESIDE_SUFFIXES) {
    const ofAnother = target.endsWith(suffix) && existsSync(target.slice(0, -suffix.length))
    if (ofAnother || (await isAt(store + suffix)))
      throw new NearrankError(
        'INPUT',
        `Cannot ${action}: ${out} must not be a file that SQLite keeps beside a store (FILE${suffix}); choose another name`,
      )
  }
}

async function checkFree({ target, out, action, overwrite }: Place): Promise<void> {
  const there = await stat(target).catch(() => undefined)
  if (there === undefined || (there.isFile() && overwrite)) return
  throw new NearrankError(
    'INPUT',
    there.isFile()
      ? `Cannot ${action}: ${out} is there already; choose another file, or replace it with --overwrite`
      : `Cannot ${action}: ${out} must be a file, found ${there.isDirectory() ? 'a folder' : 'a device or pipe'}; choose another name`,
  )
}

/**
 * Does `work` while no server can open what was a store at the place.
 * @throws NearrankError CONFLICT if one has it open, INPUT if files of an earlier store are left there
 */
async function whileUnused({ target, out, action }: Place, work: () => Promise<void>): Promise<void> {
  const inUse = `Cannot ${action}: ${out} must not be in use, found another process that has it open; stop that one first, or choose another file`
  // A file to lock would be made where there is none, and stay.
  const lock = existsSync(`${target}-lock`) ? lockStore(target, inUse) : undefined
  try {
    const left = LEFT_SUFFIXES.filter((suffix) => existsSync(target + suffix))
    if (left.length > 0)
      throw new NearrankError(
        'INPUT',
        `Cannot ${action}: changes of an earlier store would get into the copy, found ${left.map((suffix) => out + suffix).join(' and ')}; make sure that nothing uses them and delete them, or choose another file`,
      )
    await work()
  } finally {
    lock?.close()
  }
}

/** The transaction that `database` is in keeps the pages as they are until the last one is copied. */
async function copyInto(
  file: string,
  database: DatabaseSync,
  { signal, onProgress, action }: BackupOptions & { action: string },
): Promise<void> {
  const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.page_size)
  const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count)
  onProgress?.({ bytesDone: 0, bytesTotal: pages * pageBytes })
  await backup(database, file, {
    rate: STEP_PAGES,
    progress: ({ totalPages, remainingPages }) => {
      signal?.throwIfAborted()
      onProgress?.({
        bytesDone: (totalPages - remainingPages) * pageBytes,
        bytesTotal: totalPages * pageBytes,
      })
    },
  }).catch((error: unknown) => {
    throw sqliteError(error, action)
  })
  signal?.throwIfAborted()
}

/** Makes the copy one file that needs no other, and reads it through. */
function check(file: string, action: string): Record<Side, number> {
  const copy = new DatabaseSync(file)
  try {
    copy.exec('PRAGMA journal_mode = DELETE')
    checkWhole(copy, action)
    const count = (side: Side) => Number(copy.prepare(`SELECT count(*) AS count FROM ${side}`).get()?.count)
    const [users, restaurants] = SIDES.map(count)
    return { users, restaurants }
  } finally {
    copy.close()
  }
}
