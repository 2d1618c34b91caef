import { Connection, type ConnectionOwner } from './connection.ts'
import { IdleQueue } from './idleQueue.ts'
import { Pacer } from './pacer.ts'
import type { PreparedRequest } from './prepareRequests.ts'
import type { Tally } from './tally.ts'
import type { Target } from './target.ts'

const FIRST_CONNECTIONS = 64 // opened before the first request is due; more as they are needed
const SWEEP_MS = 50
const FULL_LOOK_MS = 5 // while all connections are busy: each answer sends the next request anyway

export interface OpenLoopPlan {
  target: Target
  requests: readonly PreparedRequest[]
  rate: number // per second
  warmupCount: number // requests that are sent and not counted
  count: number // requests that are
  timeoutMs: number
  connections: number
}

/**
 * Sends `warmupCount + count` requests, number k due k / rate seconds after the start, whatever has come
 * back. What is due and finds no connection free waits for one, in order. Latency and timeout count from when
 * a request was due.
 */
export class OpenLoop implements ConnectionOwner {
  sentInTime = 0 // counted requests that left before the end of the counted time
  inFlight = 0
  startMs = Number.NaN // when request 0 is due; performance.now()
  refusal = '' // why the last connection that did not come about did not
  readonly #plan: OpenLoopPlan
  readonly #tally: Tally
  readonly #total: number
  readonly #periodMs: number
  readonly #connections = new Set<Connection>()
  readonly #idle = new IdleQueue()
  readonly #pacer = new Pacer(() => this.#sendDue(performance.now()))
  readonly #end = Promise.withResolvers<void>()
  readonly #firstOpen = Promise.withResolvers<void>()
  #opening = 0
  #next = 0 // the first request that has not left
  #left: number // requests that have no result yet
  #sweeper: NodeJS.Timeout | undefined

  constructor(plan: OpenLoopPlan, tally: Tally) {
    this.#plan = plan
    this.#tally = tally
    this.#total = plan.warmupCount + plan.count
    this.#left = this.#total
    this.#periodMs = 1000 / plan.rate
  }

  /** Opens the first connections. Returns how many came about. */
  async open(): Promise<number> {
    this.#sweeper = setInterval(
      () => this.#sweep(performance.now()),
      Math.min(SWEEP_MS, this.#plan.timeoutMs),
    )
    for (let i = Math.min(FIRST_CONNECTIONS, this.#plan.connections); i > 0; i--) this.#connect()
    await this.#firstOpen.promise
    return this.#connections.size
  }

  /** Sends everything. Resolves when each request has its result, or by `stop`. */
  run(): Promise<void> {
    this.startMs = performance.now() + 1
    this.#pacer.start()
    return this.#end.promise
  }

  /** Ends at once: what is in flight gets no result. */
  stop(): void {
    clearInterval(this.#sweeper)
    this.#pacer.stop()
    this.#left = 0
    this.#next = this.#total
    this.#firstOpen.resolve()
    this.#end.resolve()
    for (const connection of this.#connections) connection.close('stopped')
  }

  opened(connection: Connection): void {
    this.#opening--
    this.#idle.add(connection)
    if (this.#opening === 0) this.#firstOpen.resolve()
    this.#sendDue(performance.now())
  }

  answered(connection: Connection, status: number, isReusable: boolean): void {
    const nowMs = performance.now()
    this.inFlight--
    const counted = connection.request - this.#plan.warmupCount
    if (counted >= 0) this.#tally.answered(counted, status, nowMs - connection.dueMs)
    if (isReusable) this.#idle.add(connection)
    this.#finish()
    this.#sendDue(nowMs)
  }

  closed(connection: Connection, kind: string): void {
    this.#connections.delete(connection)
    if (connection.isBusy) {
      this.inFlight--
      this.#fail(connection.request, kind)
    } else if (!connection.isOpen) {
      this.#opening--
      this.refusal = kind
      if (this.#opening === 0) this.#firstOpen.resolve()
      // It was opened for a request that waits; if that has found another one, nothing has failed.
      if (this.#dueCount(performance.now()) > this.#next) this.#fail(this.#next++, kind)
    }
  }

  /** Sends what is due. Returns in how many ms the next one will be. */
  #sendDue(nowMs: number): number {
    const { requests, warmupCount, timeoutMs } = this.#plan
    while (this.#next < this.#total) {
      const dueMs = this.startMs + this.#next * this.#periodMs
      if (!(dueMs <= nowMs)) return dueMs - nowMs // NaN before the start
      if (dueMs + timeoutMs < nowMs) {
        this.#fail(this.#next++, 'timeout before a connection was free')
        continue
      }
      const connection = this.#idle.take(nowMs)
      if (connection === undefined) {
        this.#openMore(nowMs)
        return FULL_LOOK_MS
      }
      const request = this.#next++
      this.inFlight++
      connection.send(requests[request % requests.length], request, dueMs)
      if (request < warmupCount) continue
      this.#tally.sendDelay.record(nowMs - dueMs)
      if (nowMs < this.startMs + this.#total * this.#periodMs) this.sentInTime++
    }
    return Number.POSITIVE_INFINITY
  }

  /** As many connections as requests wait, within the limit. */
  #openMore(nowMs: number): void {
    const waiting = this.#dueCount(nowMs) - this.#next
    while (this.#opening < waiting && this.#connections.size < this.#plan.connections) this.#connect()
  }

  #connect(): void {
    this.#opening++
    this.#connections.add(new Connection(this.#plan.target, this))
  }

  /** How many requests are due up to now. */
  #dueCount(nowMs: number): number {
    const count = Math.floor((nowMs - this.startMs) / this.#periodMs) + 1
    return Number.isNaN(count) ? 0 : Math.min(Math.max(count, 0), this.#total)
  }

  #fail(request: number, kind: string): void {
    if (this.#left === 0) return // stopped
    const counted = request - this.#plan.warmupCount
    if (counted >= 0) this.#tally.fail(counted, kind)
    this.#finish()
  }

  #finish(): void {
    if (--this.#left === 0) this.stop()
  }

  #sweep(nowMs: number): void {
    const { timeoutMs } = this.#plan
    for (const connection of this.#connections) {
      const sinceMs = connection.isBusy ? connection.dueMs : connection.isOpen ? nowMs : connection.openedMs
      if (sinceMs + timeoutMs < nowMs) connection.close('timeout')
    }
    this.#sendDue(nowMs)
  }
}
