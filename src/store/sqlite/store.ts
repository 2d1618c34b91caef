import { setImmediate as nextTurn } from 'node:timers/promises'
import { NearrankError } from '../../errors.ts'
import { checkChanges } from '../checkChanges.ts'
import { type Side, SIDES } from '../../features/featureSpec.ts'
import type {
  Change,
  FeatureStore,
  OpenStoreOptions,
  StoreLayout,
  StoreListener,
  StoreStatus,
} from '../featureStore.ts'
import { sqliteError } from './error.ts'
import { openSqliteFile, type SqliteFile } from './file.ts'
import { onceUnlocked } from './onceUnlocked.ts'
import { readPieces } from './read.ts'
import { SqliteWatch, type WatchOptions } from './watch.ts'
import { SLICE_ROWS, SqliteWriter } from './writer.ts'

const PROBLEMS_TOLD_MAX = 20
// After which no further write joins a transaction.
const GROUP_ROWS = 16_384

interface PendingWrite {
  changes: readonly Change[]
  resolve: () => void
  reject: (error: unknown) => void
}

export interface OpenSqliteOptions extends OpenStoreOptions, Pick<WatchOptions, 'calmMs'> {}

/** Opens the store in the file `path`; see `openSqliteFile`. Nobody else can open it until it is closed. */
export async function openSqliteStore(path: string, options: OpenSqliteOptions): Promise<FeatureStore> {
  return new SqliteStore(path, await openSqliteFile(path, options), options)
}

/**
 * Features in one SQLite file of this process. Writes that come while another is being
 * synced share the next transaction, so that many small ones cost few syncs.
 */
class SqliteStore implements FeatureStore {
  readonly layout: StoreLayout
  readonly #path: string
  readonly #file: SqliteFile
  readonly #writer: SqliteWriter
  readonly #watch: SqliteWatch
  #listener: StoreListener | undefined
  #isSynced = false
  #reading: Promise<void> | undefined // a full read, during which nothing is written
  readonly #pending: PendingWrite[] = []
  #flushing: Promise<void> | undefined
  #committing: Promise<void> | undefined // the last transaction of changes, over or not
  #closing: Promise<void> | undefined

  constructor(path: string, file: SqliteFile, { calmMs }: OpenSqliteOptions) {
    this.#path = path
    this.#file = file
    this.layout = file.layout
    this.#writer = new SqliteWriter(file)
    this.#watch = new SqliteWatch(file, {
      path,
      isReading: () => this.#reading !== undefined,
      onForeignChange: () => this.#readAgain(),
      onTrouble: (trouble) => this.#listener?.onProblem(trouble),
      calmMs,
    })
  }

  async count(): Promise<Record<Side, number>> {
    return { ...this.#file.rows }
  }

  async start(listener: StoreListener): Promise<void> {
    this.#checkOpen('start')
    if (this.#listener) throw new NearrankError('INTERNAL', 'a store was started twice')
    this.#listener = listener
    await this.#flushing
    this.#checkOpen('start')
    this.#reading = this.#readAll(listener)
    try {
      await this.#reading
    } catch (error) {
      throw sqliteError(error, `read the store ${this.#path}`)
    } finally {
      this.#reading = undefined
      this.#scheduleFlush()
    }
  }

  async write(changes: readonly Change[]): Promise<void> {
    this.#checkOpen('write to')
    checkChanges(changes, this.layout)
    if (changes.length === 0) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#pending.push({ changes, resolve, reject })
    this.#scheduleFlush()
    await promise
  }

  async isFilling(): Promise<boolean> {
    this.#checkOpen('read')
    try {
      return this.#file.database.prepare('SELECT 1 FROM layout WHERE filling <> 0').get() !== undefined
    } catch (error) {
      throw sqliteError(error, `read the store ${this.#path}`)
    }
  }

  async setFilling(isFilling: boolean): Promise<void> {
    await this.#reading?.catch(() => {})
    try {
      // Not by a statement's `run`, which tells the last rowid: a large id is no number.
      await onceUnlocked(async () => {
        await this.#committing?.catch(() => {})
        this.#checkOpen('write to')
        this.#watch.checkFiles()
        this.#file.database.exec(`UPDATE layout SET filling = ${Number(isFilling)}`)
      })
    } catch (error) {
      throw sqliteError(error, `write to the store ${this.#path}`)
    }
  }

  status(): StoreStatus {
    const troubles = this.#closing ? [] : this.#watch.troubles()
    const told = troubles.length > 0 && { troubles }
    return { kind: 'sqlite', connected: !this.#closing, synced: this.#isSynced, lagMs: 0, ...told }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#watch.close()
    await this.#reading?.catch(() => {}) // it stops early, and `start` says so
    this.#reading = undefined
    this.#scheduleFlush()
    await this.#flushing
    this.#file.close()
  }

  /** Another program has written to the file, and nobody tells what. */
  #readAgain(): void {
    const listener = this.#listener
    if (!listener || this.#closing || this.#reading) return
    // Told once, however often it is tried.
    if (this.#isSynced) listener.onProblem('Another program has changed the store. It is read again.')
    this.#isSynced = false
    // A write may be waiting until it is let into the file, and none must come during a full read.
    this.#reading = (this.#flushing ?? Promise.resolve())
      .then(() => this.#readAll(listener))
      .then(
        () => this.#watch.read(),
        (error: unknown) => this.#watch.read(error),
      )
      .finally(() => {
        this.#reading = undefined
        this.#scheduleFlush()
      })
  }

  async #readAll(listener: StoreListener): Promise<void> {
    listener.onSyncStart()
    let badRows = 0
    const onBadRow = (problem: string) => {
      if (++badRows <= PROBLEMS_TOLD_MAX) listener.onProblem(`A row of the store is left out: ${problem}`)
    }
    for (const side of SIDES) {
      let rows = 0
      for (const piece of readPieces(this.#file.database, { side, layout: this.layout, onBadRow })) {
        rows += piece.rows
        if (piece.batch.ids.length > 0) listener.onBatch(piece.batch)
        await nextTurn()
        this.#checkOpen('read')
      }
      this.#file.rows[side] = rows
    }
    if (badRows > PROBLEMS_TOLD_MAX)
      listener.onProblem(`${badRows - PROBLEMS_TOLD_MAX} more rows of the store are left out.`)
    listener.onSyncEnd()
    this.#isSynced = true
  }

  #scheduleFlush(): void {
    if (this.#pending.length === 0 || this.#flushing || this.#reading) return
    this.#flushing = this.#flush()
  }

  /** Transactions of what has come until then, as long as more comes. Never rejects. */
  async #flush(): Promise<void> {
    await nextTurn()
    while (this.#pending.length > 0 && !this.#reading) {
      const writes = this.#nextGroup()
      try {
        this.#committing = onceUnlocked(() => {
          this.#watch.checkFiles()
          return this.#writer.commit(writes.map(({ changes }) => changes))
        })
        await this.#committing
        await this.#tell(writes.flatMap(({ changes }) => changes))
        this.#watch.wrote()
        for (const { resolve } of writes) resolve()
      } catch (error) {
        this.#watch.wrote(error)
        const readable = sqliteError(error, `write to the store ${this.#path}`)
        for (const { reject } of writes) reject(readable)
      }
      await nextTurn()
    }
    this.#flushing = undefined
  }

  /** In slices between other work, as they were written. */
  async #tell(changes: readonly Change[]): Promise<void> {
    for (let start = 0; start < changes.length; start += SLICE_ROWS) {
      if (start > 0) await nextTurn()
      this.#listener?.onChanges(changes.slice(start, start + SLICE_ROWS))
    }
  }

  #nextGroup(): PendingWrite[] {
    let count = 0
    for (let rows = 0; rows < GROUP_ROWS && count < this.#pending.length; count++)
      rows += this.#pending[count].changes.length
    return this.#pending.splice(0, count)
  }

  #checkOpen(action: string): void {
    if (this.#closing)
      throw new NearrankError(
        'CONFLICT',
        `Cannot ${action} the store ${this.#path}: it must be open, found closed; open it again`,
      )
  }
}
