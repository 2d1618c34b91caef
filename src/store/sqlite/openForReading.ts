import { stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { NearrankError } from '../../errors.ts'
import { diskError, isMissing, resolveTarget } from '../../files.ts'
import type { StoreLayout } from '../featureStore.ts'
import { checkOwner, readLayout } from './description.ts'
import { sqliteError } from './error.ts'
import { checkLastPage, filesBefore } from './filesBefore.ts'

const LOCK_WAIT_MS = 5000

export interface ReadableFile {
  database: DatabaseSync // in a transaction: all that is read is of one moment
  target: string // absolute path, symbolic links followed
  layout: StoreLayout
  close: () => void
}

/**
 * Opens the store in the file `path` to read what is in it now, while a server goes on writing or not.
 * @throws NearrankError INPUT: it is no store, or an empty one; CONFLICT: it is being filled; DAMAGED, DISK
 */
export async function openForReading(path: string, action: string): Promise<ReadableFile> {
  let close = () => {}
  try {
    const target = await resolveTarget(path)
    const there = await stat(target).catch((error: unknown) => {
      if (!isMissing(error)) throw error
      throw new NearrankError('INPUT', `Cannot ${action}: there is no file ${path}; check the path`)
    })
    if (!there.isFile())
      throw new NearrankError('INPUT', `Cannot ${action}: ${path} must be a file; choose another path`)
    const before = await filesBefore(target)
    const database = new DatabaseSync(target, { readOnly: true, timeout: LOCK_WAIT_MS })
    close = () => {
      database.close()
      if (before.logBytes === undefined && !before.hasIndex) removeLog(target)
    }
    database.exec('BEGIN')
    if (checkOwner(database, path))
      throw new NearrankError(
        'INPUT',
        there.size === 0
          ? `Cannot ${action}: ${path} must be a feature store, found an empty file; choose another path`
          : `Cannot ${action}: ${path} must be a feature store, found a file without tables; if it is a copy of a store in use, its rows were in the -wal file beside that store: copy the store with nearrank backup`,
      )
    checkLastPage(database, before, action)
    const { layout, isFilling } = readLayout(database, path)
    if (isFilling)
      throw new NearrankError(
        'CONFLICT',
        `Cannot ${action}: ${path} must be complete, found a store that is only partly filled; wait until it is, or run nearrank load again`,
      )
    return { database, target, layout, close }
  } catch (error) {
    close()
    const readable = sqliteError(error, action)
    throw readable === error ? diskError(error, action) : readable
  }
}

/**
 * Removes the empty log that a reader makes and cannot remove. SQLite does it when a connection that may
 * write is closed, unless somebody else has the store open.
 */
function removeLog(target: string): void {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(target, { timeout: 0 })
    database.prepare('PRAGMA schema_version').get() // or it would not look for the log
  } catch {
    // Of another user, locked, or gone: the log is empty, and does no harm.
  } finally {
    database?.close()
  }
}
