import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreLayout } from '../featureStore.ts'
import type { RedisAddress } from './address.ts'
import { connectRedis, type RedisConnection } from './connection.ts'
import { redisError, RedisRefusal } from './errors.ts'
import { redisLayout } from './layout.ts'

const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 2000

interface RouteOptions {
  address: RedisAddress
  layout: StoreLayout
  signal: AbortSignal // ends whatever connection there is
  onProblem: (message: string) => void
}

/** How long to wait before another attempt: longer each time, and not as long as everybody else. */
export function retryMs(attempt: number): number {
  return Math.min(RETRY_MIN_MS * 2 ** attempt, RETRY_MAX_MS) * (0.5 + Math.random() / 2)
}

/** The way back to the data of a store. Every connection looks the name of the server up anew. */
export class RedisRoute {
  readonly #options: RouteOptions
  #attempts = 0 // to connect, since the last full read
  #problem = '' // told last
  #refusal: string | undefined

  constructor(options: RouteOptions) {
    this.#options = options
  }

  /**
   * Agrees on the layout again after a reconnection or a flush, lest a later start takes string ids for
   * integers.
   * @throws NearrankError as `redisLayout`
   */
  agree(connection: RedisConnection): Promise<StoreLayout> {
    const { address, layout } = this.#options
    return redisLayout(connection, { address, wanted: { layout } })
  }

  /** A new connection to data of the same layout. @throws NearrankError as `connectRedis`, `redisLayout` */
  async connect(): Promise<RedisConnection> {
    const { address, signal } = this.#options
    const connection = await connectRedis(address, signal)
    try {
      await this.agree(connection)
      return connection
    } catch (error) {
      connection.cut(redisError('reach', error, address))
      throw error
    }
  }

  /** Why the server that was found last cannot be used; undefined: none was, or it can. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** The same, however long it takes; null: the store is being closed. */
  async reconnect(): Promise<RedisConnection | null> {
    const { address, signal } = this.#options
    while (!signal.aborted) {
      try {
        await sleep(retryMs(this.#attempts++), undefined, { signal })
        const connection = await this.connect()
        this.#refusal = undefined
        return connection
      } catch (error) {
        this.#refusal = error instanceof RedisRefusal ? error.reason : undefined
        if (!signal.aborted) this.tell(redisError('reach', error, address).message)
      }
    }
    return null
  }

  /** A full read was made: what goes wrong from now on is told anew. */
  onRead(): void {
    this.#attempts = 0
    this.#problem = ''
  }

  /** One message for each thing that goes wrong, not one for each attempt. */
  tell(problem: string): void {
    if (problem !== this.#problem) this.#options.onProblem(problem)
    this.#problem = problem
  }
}
