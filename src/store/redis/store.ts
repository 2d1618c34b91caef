import { setTimeout as sleep } from 'node:timers/promises'
import { NearrankError } from '../../errors.ts'
import { checkChanges } from '../checkChanges.ts'
import type { Side } from '../../features/featureSpec.ts'
import type {
  Change,
  FeatureStore,
  OpenStoreOptions,
  StoreLayout,
  StoreListener,
  StoreStatus,
} from '../featureStore.ts'
import { parseRedisAddress, type RedisAddress } from './address.ts'
import { connectRedis, type RedisConnection } from './connection.ts'
import { redisError } from './errors.ts'
import { RedisFollower } from './follower.ts'
import { metaKey, redisLayout } from './layout.ts'
import { RedisListener } from './listener.ts'
import { RedisPipeline } from './pipeline.ts'
import { countRows } from './scan.ts'
import { writeRows } from './write.ts'

const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 2000
const FILLING = 'filling' // a field of meta

/**
 * Features in Redis 6 or newer, or Valkey, for any number of servers and writers.
 *
 * | key | hash with the fields |
 * | --- | --- |
 * | `nearrank:user:<id>` | `features`: little-endian float32, one after the other |
 * | `nearrank:restaurant:<id>` | `features`; `latitude`, `longitude`: degrees as decimal text |
 * | `nearrank:meta` | `format` (1; 2 if a side holds values), and for `users` and `restaurants`: |
 * | | `users.features`: how many; `users.ids`: `integer`, `unsigned` or `string`; |
 * | | `users.names`: of the features, a JSON list, may be absent; |
 * | | `users.form`: `values`, or absent; |
 * | | `filling` while a fill is not complete |
 *
 * Of a side whose form is `values`, a row has in place of `features` one field for each feature, called as
 * the feature, see `valueFields.ts`; one that is absent or empty is missing.
 *
 * Integer ids are plain decimal (`42`), others stand as they are. `?prefix=shop:` at the end of the URL puts
 * other words instead of `nearrank:`. Anybody may write, a row with one HSET of all its fields (so that
 * nobody reads half a row) or one DEL; where `meta` is missing it is made. Every command names one key, and
 * `{…}` in the prefix keeps all of them in one slot; but keys are looked for and watched on the one server
 * that the URL names, so a cluster of several nodes is refused.
 *
 * A write is as durable as the server makes it: `appendonly yes` with `appendfsync always` survives a crash,
 * with `everysec` up to the last second may be lost. Rows that expire or are evicted are deleted rows. SWAPDB
 * is not noticed before the next connection.
 *
 * @throws NearrankError INPUT for a wrong URL, login or layout, UNAVAILABLE where nobody answers within 5 s.
 */
export async function openRedisStore(url: string, options: OpenStoreOptions): Promise<FeatureStore> {
  const address = parseRedisAddress(url)
  const closing = new AbortController()
  const connection = await connectRedis(address, closing.signal)
  try {
    const agreed = await redisLayout(connection, { address, wanted: options })
    return new RedisStore(connection, { address, layout: agreed, closing })
  } catch (error) {
    closing.abort()
    throw error
  }
}

/** What belongs to the connection there is now. */
interface Link {
  connection: RedisConnection
  pipeline: RedisPipeline
  follower: RedisFollower | null // null: the store is not started
}

class RedisStore implements FeatureStore {
  readonly layout: StoreLayout
  readonly #address: RedisAddress
  readonly #closing: AbortController // ends whatever connection there is
  readonly #living: Promise<void>
  readonly #started = Promise.withResolvers<void>()
  readonly #writes = new Set<Promise<void>>()
  #listener: StoreListener | null = null
  #rows: RedisListener | null = null
  #link: Link | null = null
  #awaySinceMs: number | undefined = performance.now() // undefined: memory has been complete since
  #attempts = 0 // to connect, since the last full read
  #problem = '' // told last
  #closed: Promise<void> | undefined

  constructor(
    connection: RedisConnection,
    { address, layout, closing }: { address: RedisAddress; layout: StoreLayout; closing: AbortController },
  ) {
    this.layout = layout
    this.#address = address
    this.#closing = closing
    this.#started.promise.catch(() => undefined) // start may never be called
    this.#living = this.#live(connection)
  }

  async count(): Promise<Record<Side, number>> {
    return this.#ask('count the rows of', (connection) => countRows(connection, this.#address.prefix))
  }

  start(listener: StoreListener): Promise<void> {
    if (this.#closed !== undefined || this.#listener !== null)
      return Promise.reject(
        new NearrankError(
          'CONFLICT',
          `Cannot start the Redis store: it must be open and not started yet, found ${this.#closed ? 'closed' : 'started'}; open another one`,
        ),
      )
    this.#listener = listener
    this.#rows = new RedisListener(this.#address.prefix, this.layout, listener)
    this.#follow()
    return this.#started.promise
  }

  async write(changes: readonly Change[]): Promise<void> {
    checkChanges(changes, this.layout)
    const { pipeline, connection } = this.#linked('write to')
    const written = writeRows(pipeline, {
      changes,
      prefix: this.#address.prefix,
      layout: this.layout,
      listener: () => this.#rows,
      // A full read follows.
      onUnread: (error) => connection.cut(redisError('read back from', error, this.#address)),
    })
    this.#writes.add(written)
    try {
      await written
    } catch (error) {
      throw this.#writeError(error)
    } finally {
      this.#writes.delete(written)
    }
  }

  async isFilling(): Promise<boolean> {
    const command = ['HEXISTS', metaKey(this.#address), FILLING]
    return (await this.#ask('read from', (connection) => connection.send(command))) === 1
  }

  async setFilling(isFilling: boolean): Promise<void> {
    const key = metaKey(this.#address)
    const command = isFilling ? ['HSET', key, FILLING, '1'] : ['HDEL', key, FILLING]
    await this.#ask('write to', (connection) => connection.send(command))
  }

  status(): StoreStatus {
    const follower = this.#link?.follower
    const sinceMs = follower?.isSynced
      ? follower.behindSinceMs
      : (this.#awaySinceMs ?? follower?.behindSinceMs)
    return {
      kind: 'redis',
      connected: this.#link !== null,
      synced: follower?.isSynced ?? false,
      lagMs: sinceMs === undefined ? 0 : performance.now() - sinceMs,
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#writes)
    this.#closing.abort()
    await this.#living
    this.#started.reject(this.#closedError('start'))
  }

  /** Sees to it that there is a connection, one after the other, until the store is closed. */
  async #live(first: RedisConnection): Promise<void> {
    for (let connection: RedisConnection | null = first; connection !== null; ) {
      this.#link = { connection, pipeline: new RedisPipeline(connection), follower: null }
      this.#follow()
      const reason: NearrankError = await connection.lost
      const { follower } = this.#link
      this.#awaySinceMs ??= Math.min(connection.heardAtMs, follower?.behindSinceMs ?? Infinity)
      this.#link = null
      if (this.#closing.signal.aborted) return
      // For the first time nobody serves from memory yet, and what is wrong stays wrong.
      if (reason.code === 'INPUT') this.#started.reject(reason)
      this.#tell(`${reason.message}. The copy in memory stays in use; reconnecting`)
      connection = await this.#reconnect()
    }
  }

  /** A new connection to data of the same layout, however long it takes; null: the store is being closed. */
  async #reconnect(): Promise<RedisConnection | null> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const delayMs = Math.min(RETRY_MIN_MS * 2 ** this.#attempts++, RETRY_MAX_MS)
      let connection: RedisConnection | undefined
      try {
        await sleep(delayMs * (0.5 + Math.random() / 2), undefined, { signal })
        connection = await connectRedis(this.#address, signal)
        await redisLayout(connection, this.#agreed())
        return connection
      } catch (error) {
        const reason = redisError('reach', error, this.#address)
        connection?.cut(reason)
        if (!signal.aborted) this.#tell(reason.message)
      }
    }
    return null
  }

  /**
   * What the data must be again after a reconnection or a flush, lest a
   * later start takes string ids for integers.
   */
  #agreed() {
    return { address: this.#address, wanted: { layout: this.layout } }
  }

  #follow(): void {
    if (this.#link === null || this.#rows === null) return
    const { connection, pipeline } = this.#link
    const onFailure = (error: unknown) => connection.cut(redisError('read from', error, this.#address))
    const follower = new RedisFollower(connection, {
      pipeline,
      listener: this.#rows,
      prefix: this.#address.prefix,
      onFlushed: () => redisLayout(connection, this.#agreed()),
      onFailure,
    })
    this.#link.follower = follower
    follower.start().then(() => this.#onSynced(), onFailure)
  }

  #onSynced(): void {
    this.#awaySinceMs = undefined
    this.#attempts = 0
    this.#problem = ''
    this.#started.resolve()
  }

  async #ask<T>(action: string, ask: (connection: RedisConnection) => Promise<T>): Promise<T> {
    const { connection } = this.#linked(action)
    try {
      return await ask(connection)
    } catch (error) {
      throw redisError(action, error, this.#address)
    }
  }

  #writeError(failure: unknown): NearrankError {
    const { code, message } = redisError('write to', failure, this.#address)
    // INPUT would say that it was the rows' fault.
    return new NearrankError(
      code === 'INPUT' ? 'UNAVAILABLE' : code,
      `${message}. Rows of this write may or may not have been written; write them again`,
    )
  }

  /** The present connection. @throws NearrankError CONFLICT when closed, UNAVAILABLE when there is none. */
  #linked(action: string): Link {
    if (this.#closed !== undefined) throw this.#closedError(action)
    if (this.#link !== null) return this.#link
    throw new NearrankError(
      'UNAVAILABLE',
      `Cannot ${action} the Redis server at ${this.#address.shown}: the connection is lost and not yet restored; try again in a moment`,
    )
  }

  #closedError(action: string): NearrankError {
    return new NearrankError(
      'CONFLICT',
      `Cannot ${action} the Redis server at ${this.#address.shown}: the store must be open, found closed; open it again`,
    )
  }

  /** One message for each thing that goes wrong, not one for each attempt. */
  #tell(problem: string): void {
    if (problem !== this.#problem) this.#listener?.onProblem(problem)
    this.#problem = problem
  }
}
