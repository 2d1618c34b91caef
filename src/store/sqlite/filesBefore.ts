import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { NearrankError } from '../../errors.ts'
import { isMissing } from '../../files.ts'

/** What there is of a store before SQLite opens it, which makes files beside it. */
export interface FilesBefore {
  bytes: number // of the file; 0: missing or empty
  logBytes: number | undefined // of the write-ahead log; undefined: there is none
  hasIndex: boolean // of the log (-shm)
}

/** @throws the system's error if a file is there and cannot be looked at. */
export async function filesBefore(target: string): Promise<FilesBefore> {
  const bytesOf = async (file: string) => {
    try {
      return (await stat(file)).size
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }
  const [bytes = 0, logBytes, indexBytes] = await Promise.all(
    ['', '-wal', '-shm'].map((suffix) => bytesOf(target + suffix)),
  )
  return { bytes, logBytes, hasIndex: indexBytes !== undefined }
}

/**
 * Refuses a file without tables that nobody has begun to make a store of: that leaves a log beside it.
 * @throws NearrankError INPUT
 */
export function checkNew({ bytes, logBytes }: FilesBefore, action: string): void {
  if (bytes === 0 || logBytes !== undefined) return
  throw new NearrankError(
    'INPUT',
    `Cannot ${action}: it must be a feature store or an empty file, found a file of ${bytes} bytes without tables; choose another path, or delete it if nobody needs it. A plain copy of a store in use lacks what is in the -wal file beside that store: copy it with nearrank backup`,
  )
}

/**
 * SQLite takes what is missing of the last page as zeros.
 * @throws NearrankError DAMAGED
 */
export function checkLastPage(
  database: DatabaseSync,
  { bytes, logBytes = 0 }: FilesBefore,
  action: string,
): void {
  const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.page_size)
  if (logBytes > 0 || bytes % pageBytes === 0) return // a log may hold the page
  throw new NearrankError(
    'DAMAGED',
    `Cannot ${action}: the file must end with a whole page of ${pageBytes} bytes, found ${bytes % pageBytes} bytes of it; restore a backup, or fill a new store`,
  )
}
