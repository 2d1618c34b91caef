import { type ErrorCode, messageOf, NearrankError } from '../../errors.ts'

// SQLite's primary result codes, https://www.sqlite.org/rescode.html
const PERM = 3
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const NOTADB = 26

const REASONS: Record<number, [ErrorCode, string]> = {
  [PERM]: ['DISK', 'permission is denied; change the permissions or choose another path'],
  [BUSY]: ['CONFLICT', 'another program has locked the file; wait until it has done its work, or end it'],
  [LOCKED]: ['CONFLICT', 'another connection uses it, and only one can; close that one first'],
  [READONLY]: [
    'DISK',
    'the file or its folder cannot be written to; change the permissions or choose another path',
  ],
  [IOERR]: ['DISK', 'the system reported an error in reading or writing; check the disk and its limits'],
  [CORRUPT]: ['DAMAGED', 'the file is damaged; restore a backup, or delete it and fill a new one'],
  [FULL]: ['DISK', 'the disk is full; free some space'],
  [CANTOPEN]: ['DISK', 'the file cannot be opened or created; check that its folder exists and is writable'],
  [NOTADB]: [
    'INPUT',
    'it must be a feature store, found another file (or a store whose beginning is damaged); choose another path',
  ],
}

/**
 * `error` of SQLite's as one to read:
 * `Cannot <action>: <reason>; <what to do> (<SQLite's words>)`. Others pass unchanged.
 */
export function sqliteError(error: unknown, action: string): unknown {
  const found = reasonOf(error)
  if (found === undefined) return error
  const [code, reason] = found
  return new NearrankError(code, `Cannot ${action}: ${reason} (SQLite: ${messageOf(error)})`, {
    cause: error,
  })
}

/** Whether another connection has what this one needs. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === BUSY
}

/** Why an action failed, without any name or path, as a part of a sentence. */
export function sqliteReason(error: unknown): string {
  return reasonOf(error)?.[1] ?? 'something unexpected happened; the log says what'
}

function reasonOf(error: unknown): [ErrorCode, string] | undefined {
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return undefined
  return REASONS[error.errcode & 0xff] ?? ['INTERNAL', 'SQLite refused it']
}
