import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { errnoOf } from '../files.ts'
import { ResponseReader } from './responseReader.ts'
import type { Target } from './target.ts'

const READ_BYTES = 16 * 1024

/** Who owns connections, and hears what becomes of them. */
export interface ConnectionOwner {
  opened(connection: Connection): void
  /** The response is whole. `isReusable`: another request may follow; otherwise `closed` comes next. */
  answered(connection: Connection, status: number, isReusable: boolean): void
  /**
   * Comes once. A request in flight (`isBusy`) has failed by `kind`; without `isOpen` the connection never
   * came about.
   */
  closed(connection: Connection, kind: string): void
}

/** One connection, one request in flight at most. */
export class Connection {
  isOpen = false
  isBusy = false
  isClosed = false
  dueMs = Number.NaN // of the request in flight
  request = -1 // its number
  nextIdle: Connection | undefined // of the queue it is in
  idleUntilMs = Number.POSITIVE_INFINITY // the server keeps an idle connection until then
  readonly openedMs = performance.now()
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #reader = new ResponseReader()

  constructor(target: Target, owner: ConnectionOwner) {
    this.#owner = owner
    this.#socket = target.isTls ? this.#openTls(target) : this.#open(target)
    this.#socket
      .on(target.isTls ? 'secureConnect' : 'connect', () => {
        this.isOpen = true
        owner.opened(this)
      })
      .on('error', (error) => this.close(errnoOf(error) || error.message.slice(0, 100)))
      .on('end', () => this.#ended())
      .on('close', () => this.#ended())
  }

  /** Sends one request; its answer, or its failure, goes to the owner. Only when open and not busy. */
  send(bytes: Buffer, request: number, dueMs: number): void {
    this.isBusy = true
    this.request = request
    this.dueMs = dueMs
    this.#reader.reset()
    this.#socket.write(bytes)
  }

  close(kind: string): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#socket.destroy()
    this.#owner.closed(this, kind)
  }

  #open({ host, port }: Target): Socket {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    // Each read lands in the same memory, and no stream machinery stands between.
    const callback = (bytes: number) => {
      this.#read(buffer.subarray(0, bytes))
      return true
    }
    return connect({ host, port, noDelay: true, onread: { buffer, callback } })
  }

  #openTls({ host, port, servername }: Target): Socket {
    const socket = connectTls({ host, port, servername, ALPNProtocols: ['http/1.1'] })
    return socket.setNoDelay(true).on('data', (bytes: Buffer) => this.#read(bytes))
  }

  #read(bytes: Buffer): void {
    if (this.isClosed) return
    // Without a request: a server's farewell to an idle connection.
    if (!this.isBusy) return this.close('closed while idle')
    const state = this.#reader.read(bytes)
    if (state === 'done') this.#answered()
    else if (state === 'broken') this.close(this.#reader.problem)
  }

  #ended(): void {
    if (this.isBusy && this.#reader.end() === 'done') this.#answered()
    this.close(this.isBusy ? this.#reader.problem : 'closed while idle')
  }

  #answered(): void {
    const { head } = this.#reader
    if (head === undefined) return
    this.isBusy = false
    this.idleUntilMs = performance.now() + head.keepAliveMs - 1000 // a margin as wide as Node's own agent has
    this.#owner.answered(this, head.status, head.keepsAlive)
    if (!head.keepsAlive) this.close('closed by the server')
  }
}
