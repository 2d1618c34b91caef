import type { RedisCommand, RedisConnection } from './connection.ts'

/** How many commands a round may hold. */
export const ROUND_COMMANDS_MAX = 250
const ROUNDS_MAX = 4 // so at most 1,000 commands are in flight; one round at a time was half as fast

/**
 * Commands in rounds on one connection, whose replies are handed on strictly in the order in which the
 * commands were sent. That is the order in which the server executed them, so what is told of a key never
 * goes back in time.
 */
export class RedisPipeline {
  readonly #connection: RedisConnection
  readonly #waiting: (() => void)[] = []
  #roundsFree = ROUNDS_MAX
  #delivered: Promise<unknown> = Promise.resolve()

  constructor(connection: RedisConnection) {
    this.#connection = connection
  }

  /**
   * Sends `commands()` when it is this round's turn, and calls `deliver` with their replies after all earlier
   * rounds' (an error reply takes the position of its reply; texts are Buffers). Resolves with what
   * `deliver` returns; rejects when the connection is lost, and then `deliver` is not called.
   */
  async round<T>(
    commands: () => readonly RedisCommand[],
    deliver: (replies: readonly unknown[]) => T,
  ): Promise<T> {
    if (this.#roundsFree > 0) this.#roundsFree--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await Promise.resolve() // changes of one push that come after the first one still go into the round
    const replies = Promise.allSettled(commands().map((command) => this.#connection.send(command, true)))
    const delivery = this.#delivered.then(async () =>
      deliver((await replies).map((reply) => this.#valueOf(reply))),
    )
    this.#delivered = delivery.catch(() => undefined)
    try {
      return await delivery
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#roundsFree++
      else next()
    }
  }

  #valueOf(reply: PromiseSettledResult<unknown>): unknown {
    if (reply.status === 'fulfilled') return reply.value
    if (this.#connection.isErrorReply(reply.reason)) return reply.reason
    throw reply.reason
  }
}
