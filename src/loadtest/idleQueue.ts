import type { Connection } from './connection.ts'

/**
 * Connections without a request, the longest idle first: so each takes its turn, and with it each of the
 * server's workers that share its port.
 */
export class IdleQueue {
  #first: Connection | undefined
  #last: Connection | undefined

  add(connection: Connection): void {
    connection.nextIdle = undefined
    if (this.#last === undefined) this.#first = connection
    else this.#last.nextIdle = connection
    this.#last = connection
  }

  /** The next one that is still open. Those that the server is about to close are closed. */
  take(nowMs: number): Connection | undefined {
    for (;;) {
      const connection = this.#first
      if (connection === undefined) return undefined
      this.#first = connection.nextIdle
      if (this.#first === undefined) this.#last = undefined
      if (connection.isClosed) continue
      if (connection.idleUntilMs >= nowMs) return connection
      connection.close('idle for too long')
    }
  }
}
