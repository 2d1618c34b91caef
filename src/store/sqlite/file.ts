import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { NearrankError } from '../../errors.ts'
import { diskError, isMissing, resolveTarget, syncDirectory } from '../../files.ts'
import { type Side, SIDES } from '../../features/featureSpec.ts'
import type { OpenStoreOptions, StoreLayout } from '../featureStore.ts'
import { agreeOnLayout, newLayout } from '../layout.ts'
import { APPLICATION_ID, checkOwner, FORMAT, FORMAT_WITH_VALUES, readLayout } from './description.ts'
import { isBusy, sqliteError } from './error.ts'
import { checkLastPage, checkNew, type FilesBefore, filesBefore } from './filesBefore.ts'

const LOCK_WAIT_MS = 500 // for a server that is just ending
const LOG_BYTES = 2 ** 26 // of the write-ahead log that stay on disk; a long reader lets it grow beyond

export interface SqliteFile {
  database: DatabaseSync
  target: string // absolute path, symbolic links followed
  layout: StoreLayout
  rows: Record<Side, number> // as the last writer counted them
  close: () => void
}

/**
 * Opens the store in the file `path`, and makes it where there is none; missing folders are made. No other
 * process can open it as a store until it is closed, but any may read it with SQLite's means. What a killed
 * process left in its write-ahead log is taken in.
 * @throws NearrankError INPUT, CONFLICT, DAMAGED, DISK
 */
export async function openSqliteFile(path: string, options: OpenStoreOptions): Promise<SqliteFile> {
  const action = `open the store ${path}`
  const databases: DatabaseSync[] = []
  const open = (file: string) => {
    const database = new DatabaseSync(file, { timeout: LOCK_WAIT_MS })
    databases.push(database)
    return database
  }
  const close = () => {
    for (const database of databases.splice(0)) database.close()
  }
  // Absolute, since SQLite has meanings of its own for `:memory:` and `file:…`.
  const target = await resolveTarget(path)
  const before = await prepare(target, action)
  try {
    const database = open(target)
    // Before anything is written beside a file of others.
    if (checkOwner(database, path)) checkNew(before, action)
    else checkLastPage(database, before, action)
    const inUse = `Cannot ${action}: another process uses it, and only one can; send changes to that server (POST /features), or stop it first`
    databases.push(lockStore(target, inUse))
    const opened = await openDatabase(database, path, options)
    await syncDirectory(dirname(target))
    // SQLite waits by stopping the thread, which has requests to answer. `onceUnlocked` waits instead.
    database.exec('PRAGMA busy_timeout = 0')
    return { database, target, ...opened, close }
  } catch (error) {
    close()
    throw sqliteError(error, action)
  }
}

/**
 * Keeps the store `target` locked until what it returns is closed, or its process ends. It is an empty file
 * beside the store: a lock on the store itself would keep everybody from reading it, backups among them.
 * @throws NearrankError CONFLICT with the message `inUse` if another one has it locked; SQLite's errors
 */
export function lockStore(target: string, inUse: string): DatabaseSync {
  const database = new DatabaseSync(`${target}-lock`, { timeout: LOCK_WAIT_MS })
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE') // a journal would be one more file
    return database
  } catch (error) {
    database.close()
    if (isBusy(error)) throw new NearrankError('CONFLICT', inUse, { cause: error })
    throw error
  }
}

async function prepare(target: string, action: string): Promise<FilesBefore> {
  try {
    const before = await filesBefore(target)
    checkLog(target, before, action)
    const there = await stat(target).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
    if (there === undefined) await mkdir(dirname(target), { recursive: true })
    else if (!there.isFile())
      throw new NearrankError(
        'INPUT',
        `Cannot ${action}: it must be a file, found ${there.isDirectory() ? 'a folder' : 'a device or pipe'}; choose another path`,
      )
    return before
  } catch (error) {
    throw diskError(error, action)
  }
}

/** SQLite would throw away the log of a store whose file is missing or empty. */
function checkLog(target: string, { bytes, logBytes = 0 }: FilesBefore, action: string): void {
  if (bytes > 0 || logBytes === 0) return
  const log = `${target}-wal`
  throw new NearrankError(
    'INPUT',
    `Cannot ${action}: there must be a file that ${log} belongs to, found ${existsSync(target) ? 'an empty one' : 'none'}; put the file back, or delete ${log} if nobody needs the changes in it`,
  )
}

async function openDatabase(
  database: DatabaseSync,
  path: string,
  options: OpenStoreOptions,
): Promise<Pick<SqliteFile, 'layout' | 'rows'>> {
  const made = checkOwner(database, path) ? await newLayout(options) : undefined
  // A commit in WAL mode is on disk only with FULL; NORMAL would sync at checkpoints alone. What is deleted
  // would stay in free pages and in every backup; to overwrite it takes no time that can be measured. Copies
  // that SQLite leaves where it splits pages stay all the same.
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${LOG_BYTES};
    PRAGMA secure_delete = ON;
    BEGIN EXCLUSIVE`)
  if (made) createTables(database, made)
  const { layout: found, rows } = readLayout(database, path)
  const agreed = agreeOnLayout(found, options.layout)
  if (typeof agreed === 'string')
    throw new NearrankError(
      'INPUT',
      `Cannot open the store ${path}: ${agreed}; choose another path, or fill a new store with nearrank load --model`,
    )
  const setNames = database.prepare('UPDATE layout SET names = ? WHERE side = ?')
  for (const side of agreed.unnamed) setNames.run(JSON.stringify(agreed.layout[side].names), side)
  database.exec('COMMIT')
  return { layout: agreed.layout, rows }
}

function createTables(database: DatabaseSync, layout: StoreLayout): void {
  const idOf = (side: Side) => (layout[side].ids === 'string' ? 'TEXT' : 'INTEGER')
  const hasValues = SIDES.some((side) => layout[side].form === 'values')
  database.exec(`
    CREATE TABLE layout (
      side TEXT PRIMARY KEY, features INTEGER NOT NULL, ids TEXT NOT NULL, names TEXT,
      row_count INTEGER NOT NULL DEFAULT 0, filling INTEGER NOT NULL DEFAULT 0${hasValues ? ', form TEXT' : ''}
    ) STRICT;
    CREATE TABLE users (id ${idOf('users')} PRIMARY KEY NOT NULL, features BLOB NOT NULL) STRICT;
    CREATE TABLE restaurants (
      id ${idOf('restaurants')} PRIMARY KEY NOT NULL, features BLOB NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL
    ) STRICT;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${hasValues ? FORMAT_WITH_VALUES : FORMAT}`)
  const insert = database.prepare('INSERT INTO layout (side, features, ids) VALUES (?, ?, ?)')
  for (const side of SIDES) insert.run(side, layout[side].features, layout[side].ids)
  if (!hasValues) return
  const setForm = database.prepare('UPDATE layout SET form = ?, names = ? WHERE side = ?')
  for (const side of SIDES) {
    const { form, names } = layout[side]
    if (form === 'values') setForm.run(form, JSON.stringify(names), side)
  }
}
