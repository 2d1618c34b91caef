import type { RedisConnection } from './connection.ts'
import type { RedisListener } from './listener.ts'
import type { Look } from './look.ts'
import { type RedisPipeline, ROUND_COMMANDS_MAX } from './pipeline.ts'
import { keyPrefix, type RowKey } from './rows.ts'
import { scanPages } from './scan.ts'

interface FollowerOptions {
  pipeline: RedisPipeline // of the connection
  listener: RedisListener
  prefix: string
  /** Looks at the database that is about to be read whole; `isOther`: it may be another one than before. */
  look: (isOther: boolean) => Promise<Look>
  onSynced: () => void // a full read is complete
  onFailure: (error: unknown) => void // following has ended, after `start` had resolved
}

type Meta = Exclude<Look['meta'], Error>

const NOTHING = () => []
const PAGES_MAX = 2 // that are being read while the next is looked for

/**
 * Keeps a listener at the server's state for as long as one connection lives.
 *
 * Why nothing is missed and nothing goes back in time: the server tells, on this same connection (RESP3,
 * CLIENT TRACKING in broadcast mode), the key of every change that somebody else makes, after the replies to
 * all commands that it executed before the change. A key is read again whenever it is named, also while it is
 * being read: that read is executed after the change. Replies are handed on in the order of execution
 * (RedisPipeline). So the last thing the listener hears of a key is a read that came after the key's last
 * change. Changes made on this connection are not told by the server (NOLOOP); who makes them reads them back
 * behind the write. A full read begins after tracking was switched on: what the scan passes by is named in a
 * message. A database that takes the place of this one without a message is seen by looks (`lookAt`).
 */
export class RedisFollower {
  isSynced = false
  readonly #connection: RedisConnection
  readonly #pipeline: RedisPipeline
  readonly #listener: RedisListener
  readonly #prefix: string
  readonly #look: (isOther: boolean) => Promise<Look>
  readonly #onSynced: () => void
  readonly #onFailure: (error: unknown) => void
  readonly #changed = new Map<string, number>() // keys to be read, since when (performance.now())
  // One iterator goes on and on: a new one would have to skip all that was deleted before it.
  #oldest = this.#changed.entries()
  readonly #readingSinceMs: number[] = [] // of the rounds that are reading changed keys, in their order
  #isAsking = false
  #isSyncing = false
  #isFlushed = false
  #isWithheld = false // the full read was not whole: until one is, memory keeps what it held before
  #meta: Meta | undefined // seen last
  #flushedSinceMs: number | undefined

  constructor(
    connection: RedisConnection,
    { pipeline, listener, prefix, look, onSynced, onFailure }: FollowerOptions,
  ) {
    this.#connection = connection
    this.#pipeline = pipeline
    this.#listener = listener
    this.#prefix = prefix
    this.#look = look
    this.#onSynced = onSynced
    this.#onFailure = onFailure
  }

  /**
   * Since when a change is known and not yet told, in
   * `performance.now()`'s milliseconds; undefined: all is told.
   */
  get behindSinceMs(): number | undefined {
    if (this.#flushedSinceMs !== undefined) return this.#flushedSinceMs
    if (this.#readingSinceMs.length > 0) return this.#readingSinceMs[0]
    const [sinceMs] = this.#changed.values()
    return sinceMs
  }

  /** For an operator: why memory keeps what the store does not hold; undefined: it does not. */
  get trouble(): string | undefined {
    if (!this.#isWithheld) return undefined
    return (
      this.#listener.loss ?? 'The store is being filled: the rows in memory stay in use until it is complete.'
    )
  }

  /** Takes in a look at the server: whether everything must be read again. */
  onLook({ isTouched, meta }: Look): void {
    const before = this.#meta
    if (before === undefined || meta instanceof Error) return
    // The only thing that changes in meta, beside another database, is that a fill begins or ends.
    const isOther = meta.token !== before.token || (isTouched && meta.isFilling === before.isFilling)
    this.#meta = meta
    if (isOther) this.#onFlush()
    else if (this.#isWithheld && !this.#isSyncing && !meta.isFilling && this.#listener.mayBeWhole)
      this.#sync().catch(this.#onFailure)
  }

  /**
   * Reads everything and follows what changes from then on. Resolves after the first full read; rejects
   * when it could not be done.
   */
  async start(): Promise<void> {
    // The package has switched on the mode that names only keys which were
    // read; the mode cannot be changed while on.
    await this.#connection.send(['CLIENT', 'TRACKING', 'OFF'])
    const [users, restaurants] = [keyPrefix(this.#prefix, 'users'), keyPrefix(this.#prefix, 'restaurants')]
    const words = ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'NOLOOP', 'PREFIX', users, 'PREFIX', restaurants]
    await this.#connection.send(words)
    // Not before: whatever came until now, the scan is yet to see.
    this.#connection.onInvalidate = (key) => (key === null ? this.#onFlush() : this.#onChange(String(key)))
    await this.#sync()
  }

  #onChange(key: string): void {
    if (!this.#changed.has(key)) this.#changed.set(key, performance.now())
    this.#readChanged()
  }

  /** The whole database was emptied at once, or loaded anew. */
  #onFlush(): void {
    this.isSynced = false
    this.#isFlushed = true
    this.#flushedSinceMs ??= performance.now()
    if (!this.#isSyncing) this.#sync().catch(this.#onFailure)
  }

  /**
   * One round of changed keys waits for its turn at a time: a key that meanwhile changes often is read once.
   */
  #readChanged(): void {
    if (this.#isAsking || this.#changed.size === 0) return
    this.#isAsking = true
    let rows: RowKey[] = []
    const take = () => {
      this.#isAsking = false
      const some = this.#takeChanged()
      this.#readingSinceMs.push(some[0][1])
      rows = this.#listener.rowKeys(some.map(([key]) => key))
      this.#readChanged()
      return rows.map((row) => this.#listener.readCommand(row))
    }
    const deliver = (replies: readonly unknown[]) => {
      this.#listener.changes(rows, replies)
      this.#readingSinceMs.shift()
    }
    this.#pipeline.round(take, deliver).catch(this.#onFailure)
  }

  /** The oldest changed keys, at least one. */
  #takeChanged(): [key: string, sinceMs: number][] {
    const some: [string, number][] = []
    while (some.length < ROUND_COMMANDS_MAX) {
      const next = this.#oldest.next()
      if (next.done) {
        this.#oldest = this.#changed.entries()
        if (some.length > 0 || this.#changed.size === 0) break
      } else {
        some.push(next.value)
        this.#changed.delete(next.value[0])
      }
    }
    return some
  }

  async #sync(): Promise<void> {
    this.#isSyncing = true
    let isDone = false
    while (!isDone) {
      const isFlushed = this.#isFlushed
      this.#isFlushed = false
      const { meta } = await this.#look(isFlushed)
      if (meta instanceof Error) throw meta
      this.#meta = meta
      // Start and end take their turn like replies: a row that was read
      // before a flush is told before the start.
      await this.#pipeline.round(NOTHING, () => this.#listener.syncStart())
      await this.#scan()
      isDone = await this.#pipeline.round(NOTHING, () => {
        if (this.#isFlushed) return false
        this.#isSyncing = false
        this.#isWithheld = !this.#listener.syncEnd(meta.isFilling)
        if (this.#isWithheld) return true
        this.#flushedSinceMs = undefined
        this.isSynced = true
        this.#onSynced()
        return true
      })
    }
  }

  async #scan(): Promise<void> {
    const reads: Promise<void>[] = []
    for await (const keys of scanPages(this.#connection, this.#prefix)) {
      const read = this.#read(this.#listener.rowKeys(keys))
      read.catch(() => undefined) // it may fail before anybody waits for it
      reads.push(read)
      if (reads.length > PAGES_MAX) await reads.shift()
      if (this.#isFlushed) break
    }
    await Promise.all(reads)
  }

  async #read(rows: readonly RowKey[]): Promise<void> {
    const rounds: Promise<void>[] = []
    for (let at = 0; at < rows.length; at += ROUND_COMMANDS_MAX) {
      const some = rows.slice(at, at + ROUND_COMMANDS_MAX)
      rounds.push(
        this.#pipeline.round(
          () => some.map((row) => this.#listener.readCommand(row)),
          (replies) => this.#listener.batch(some, replies),
        ),
      )
    }
    await Promise.all(rounds)
  }
}
