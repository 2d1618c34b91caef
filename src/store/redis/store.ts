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
import { FILLING_FIELD, type Look, lookAt } from './look.ts'
import { RedisPipeline } from './pipeline.ts'
import { RedisRoute, retryMs } from './route.ts'
import { countRows } from './scan.ts'
import { Writability } from './writability.ts'
import { writeRows } from './write.ts'

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
 * | | `filling` while a fill is not complete; |
 * | | `token`: random, tells this database from any other |
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
 * with `everysec` up to the last second may be lost. Rows that expire or are evicted are deleted rows. Every
 * second the server is asked whether it takes writes, and whether it is still the same database.
 *
 * @throws NearrankError INPUT for a wrong URL, login or layout, UNAVAILABLE where nobody answers within 5 s.
 */
export async function openRedisStore(url: string, options: OpenStoreOptions): Promise<FeatureStore> {
  const address = parseRedisAddress(url, options.redisTls)
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
  isChecking: boolean // whether the server takes writes, and is the same database
  isSeeking: boolean // another server under the same name
}

class RedisStore implements FeatureStore {
  readonly layout: StoreLayout
  readonly #address: RedisAddress
  readonly #route: RedisRoute
  readonly #closing: AbortController // ends whatever connection there is
  readonly #living: Promise<void>
  readonly #started = Promise.withResolvers<void>()
  readonly #writes = new Set<Promise<void>>()
  #listener: StoreListener | null = null
  #rows: RedisListener | null = null
  #link: Link | null = null
  #better: RedisConnection | undefined // to a server that takes writes, after one that did not
  readonly #writability = new Writability()
  #awaySinceMs: number | undefined = performance.now() // undefined: memory has been complete since
  #trouble: string | undefined // with writes, told last
  #closed: Promise<void> | undefined

  constructor(
    connection: RedisConnection,
    { address, layout, closing }: { address: RedisAddress; layout: StoreLayout; closing: AbortController },
  ) {
    this.layout = layout
    this.#address = address
    this.#closing = closing
    const onProblem = (message: string) => this.#listener?.onProblem(message)
    this.#route = new RedisRoute({ address, layout, signal: closing.signal, onProblem })
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
    const link = this.#linked('write to')
    const { pipeline, connection } = link
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
      this.#writability.onWritten()
    } catch (error) {
      if (connection.isErrorReply(error)) {
        this.#writability.onRefused(error)
        this.#check(link)
      }
      throw this.#writeError(error)
    } finally {
      this.#writes.delete(written)
    }
  }

  async isFilling(): Promise<boolean> {
    const command = ['HEXISTS', metaKey(this.#address), FILLING_FIELD]
    return (await this.#ask('read from', (connection) => connection.send(command))) === 1
  }

  async setFilling(isFilling: boolean): Promise<void> {
    const key = metaKey(this.#address)
    const command = isFilling ? ['HSET', key, FILLING_FIELD, '1'] : ['HDEL', key, FILLING_FIELD]
    await this.#ask('write to', (connection) => connection.send(command))
  }

  status(): StoreStatus {
    const follower = this.#link?.follower
    const sinceMs = follower?.isSynced
      ? follower.behindSinceMs
      : (this.#awaySinceMs ?? follower?.behindSinceMs)
    const refusal = this.#link === null ? this.#route.refusal : undefined
    return {
      kind: 'redis',
      connected: this.#link !== null,
      ...(refusal !== undefined && { refusal }),
      synced: follower?.isSynced ?? false,
      lagMs: sinceMs === undefined ? 0 : performance.now() - sinceMs,
      troubles: [this.#writability.trouble, follower?.trouble].filter((trouble) => trouble !== undefined),
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
      const pipeline = new RedisPipeline(connection)
      const link: Link = { connection, pipeline, follower: null, isChecking: false, isSeeking: false }
      connection.onPing = () => this.#check(link)
      this.#link = link
      this.#follow()
      const reason: NearrankError = await connection.lost
      const { follower } = link
      this.#awaySinceMs ??= Math.min(connection.heardAtMs, follower?.behindSinceMs ?? Infinity)
      this.#link = null
      if (this.#closing.signal.aborted) return
      // For the first time nobody serves from memory yet, and what is wrong stays wrong.
      if (reason.code === 'INPUT') this.#started.reject(reason)
      this.#route.tell(`${reason.message}. The copy in memory stays in use; reconnecting`)
      connection = this.#better ?? (await this.#route.reconnect())
      this.#better = undefined
    }
  }

  /** Looks at the server, unless a look is under way. */
  #check(link: Link): void {
    if (link.isChecking || link.follower === null) return
    link.isChecking = true
    this.#look(link)
      .then((look) => link.follower?.onLook(look))
      .catch(() => undefined) // the connection is lost
      .finally(() => {
        link.isChecking = false
      })
  }

  async #look(link: Link): Promise<Look> {
    const look = await lookAt(link.connection, metaKey(this.#address))
    if (this.#link !== link) return look
    this.#writability.onLook(look.refusal)
    const { trouble, isToBeLeft } = this.#writability
    if (look.refusal && trouble !== this.#trouble)
      this.#listener?.onProblem(redisError('write to', look.refusal, this.#address).message)
    this.#trouble = trouble
    if (isToBeLeft && !link.isSeeking) void this.#seek(link)
    return look
  }

  /**
   * While the server refuses writes: tries where its name leads to. When a name moves to another server
   * after a failover, that ends no connection to the one before.
   */
  async #seek(link: Link): Promise<void> {
    link.isSeeking = true
    const { signal } = this.#closing
    for (let attempt = 0; this.#link === link && this.#writability.isToBeLeft; attempt++) {
      let other: RedisConnection | undefined
      try {
        if (attempt > 0) await sleep(retryMs(attempt), undefined, { signal })
        other = await this.#route.connect()
        const { refusal } = await lookAt(other, metaKey(this.#address))
        const here = await this.#look(link) // it may take writes again by now
        link.follower?.onLook(here)
        if (refusal === undefined && here.refusal !== undefined && this.#link === link) {
          this.#better = other
          link.connection.cut(redisError('write to', here.refusal, this.#address))
        }
      } catch {
        // As long as it fails, the server that is there is the best there is.
      } finally {
        if (other !== this.#better) other?.cut(this.#closedError('keep the connection to'))
      }
    }
    link.isSeeking = false
  }

  #follow(): void {
    const link = this.#link
    if (link === null || this.#rows === null) return
    const { connection, pipeline } = link
    const onFailure = (error: unknown) => connection.cut(redisError('read from', error, this.#address))
    const follower = new RedisFollower(connection, {
      pipeline,
      listener: this.#rows,
      prefix: this.#address.prefix,
      look: async (isOther) => {
        if (isOther) await this.#route.agree(connection)
        return this.#look(link)
      },
      onSynced: () => {
        this.#awaySinceMs = undefined
        this.#started.resolve()
      },
      onFailure,
    })
    link.follower = follower
    follower.start().then(() => this.#route.onRead(), onFailure)
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
}
