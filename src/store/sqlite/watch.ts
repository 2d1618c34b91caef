import type { StatementSync } from 'node:sqlite'
import { NearrankError } from '../../errors.ts'
import { sqliteReason } from './error.ts'
import type { SqliteFile } from './file.ts'
import { OpenedFiles } from './openedFiles.ts'

const LOOK_MS = 1000
/** What is tried is small: on a disk that is nearly full it fits where the changes do not. */
const CALM_MS = 5000
/** Back and forth, since SQLite writes nothing if a row is set to what it is. */
const TRIAL =
  'BEGIN; UPDATE layout SET filling = filling + 1; UPDATE layout SET filling = filling - 1; COMMIT'
const FILES_LOST =
  'A file of the store was deleted or replaced. Changes are refused, and earlier ones are lost when the server stops: put the file back, or start again with a backup.'

export interface WatchOptions {
  path: string // for messages
  /** Whether the store is being read, so that it cannot be written to. */
  isReading: () => boolean
  /** Another program has written to the store, or had, and it could not be read since. */
  onForeignChange: () => void
  /** Something became wrong. */
  onTrouble: (trouble: string) => void
  /** For how long no change may have failed before writes are said to work again. @default 5,000 */
  calmMs?: number | undefined
}

/** Looks after the files of an open store, once a second and at each write, and knows what is wrong. */
export class SqliteWatch {
  readonly #file: SqliteFile
  readonly #options: WatchOptions
  readonly #files: OpenedFiles
  readonly #readVersion: StatementSync
  readonly #timer: NodeJS.Timeout
  #version: unknown
  #writeError: unknown // of the last write
  #failedMs = 0 // when a change could not be written
  #readError: unknown // of the last full read
  #told: readonly string[] = []

  constructor(file: SqliteFile, options: WatchOptions) {
    this.#file = file
    this.#options = options
    this.#files = new OpenedFiles(file.target)
    this.#readVersion = file.database.prepare('PRAGMA data_version')
    this.#version = this.#currentVersion()
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  /** @throws NearrankError DISK: SQLite would go on writing to a file that nobody finds again. */
  checkFiles(): void {
    const problem = this.#files.problem()
    if (problem !== undefined)
      throw new NearrankError(
        'DISK',
        `Cannot write to the store ${this.#options.path}: ${problem}; put the file back, or stop the server and start it with a backup`,
      )
  }

  /** Tells how a write went. */
  wrote(error?: unknown): void {
    if (isOfFiles(error)) return
    this.#writeError = error
    if (error !== undefined) this.#failedMs = performance.now()
  }

  /** Tells how a full read went. */
  read(error?: unknown): void {
    this.#readError = error
  }

  /** Sentences for whoever asks for the health of the store. */
  troubles(): string[] {
    const troubles: string[] = []
    if (this.#files.problem() !== undefined) troubles.push(FILES_LOST)
    else if (this.#writeError !== undefined)
      troubles.push(`Writes to the store fail: ${sqliteReason(this.#writeError)}.`)
    if (this.#readError !== undefined)
      troubles.push(
        `Another program has changed the store, which cannot be read again: ${sqliteReason(this.#readError)}.`,
      )
    return troubles
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    // A trial would end the transaction of changes that are being written.
    if (this.#options.isReading() || this.#file.database.isTransaction) return
    if (this.#writeError !== undefined) this.#tryToWrite()
    const troubles = this.troubles()
    for (const trouble of troubles) if (!this.#told.includes(trouble)) this.#options.onTrouble(trouble)
    this.#told = troubles
    const version = this.#currentVersion()
    if (version === this.#version && this.#readError === undefined) return
    this.#version = version
    this.#options.onForeignChange()
  }

  /** Whether there is room again, without waiting for a change that comes from outside. */
  #tryToWrite(): void {
    const { database } = this.#file
    try {
      this.checkFiles()
      database.exec(TRIAL)
      if (performance.now() - this.#failedMs > (this.#options.calmMs ?? CALM_MS)) this.#writeError = undefined
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      if (!isOfFiles(error)) this.#writeError = error
    }
  }

  /** Another number after each commit of another program, and only then. */
  #currentVersion(): unknown {
    try {
      return this.#readVersion.get()?.data_version
    } catch {
      return this.#version // unreadable for now; the next look tells
    }
  }
}

/** Whether `checkFiles` threw it: the files themselves tell that, for as long as it is so. */
function isOfFiles(error: unknown): boolean {
  return error instanceof NearrankError
}
