import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HeldBytes, type Holder } from './heldBytes.ts'

const WAITING_MAX = 16 // of a connection; nothing is read while so many wait, but one read may bring more
const WAITING_REQUEST_BYTES = 4096 // of memory: the two objects of Node's, and headers

export interface ConnectionsOptions {
  heldBytesMax: number // of answers that are not sent yet and of requests that wait, in the whole thread
  /** Answers a request whose turn it is. */
  answer: (response: ServerResponse) => void
  /** A connection has been closed because its client does not read. */
  onDropped?: (() => void) | undefined
}

/**
 * The connections of a listening thread. Of each, one request is answered at a time: the next one has its
 * turn when the answer before it has left this process, and nothing is read while many wait. So a client that
 * does not read holds one answer, and few requests more than came in one read.
 */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #held: HeldBytes
  readonly #connections = new WeakMap<Socket, Connection>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#held = new HeldBytes(options.heldBytesMax)
  }

  /** A request has come; its response is answered now, or in its turn. */
  arrived(response: ServerResponse): void {
    const { socket } = response.req
    let connection = this.#connections.get(socket)
    if (!connection) {
      connection = new Connection(socket, this.#held, this.#options)
      this.#connections.set(socket, connection)
    }
    connection.arrived(response)
  }

  /** The response to the last request that has come, if there was one. */
  newest(socket: Socket): ServerResponse | undefined {
    return this.#connections.get(socket)?.newest
  }

  /** Nothing has moved for a while. If that is the client's doing, the connection is closed. */
  timedOut(socket: Socket): void {
    const connection = this.#connections.get(socket)
    if (connection?.isBusy) return
    if (connection && socket.writableLength > 0) connection.drop()
    else socket.destroy()
  }
}

class Connection implements Holder {
  heldBytes = 0
  newest: ServerResponse | undefined
  #current: ServerResponse | undefined
  #waiting: ServerResponse[] = []
  readonly #socket: Socket
  readonly #held: HeldBytes
  readonly #options: ConnectionsOptions

  constructor(socket: Socket, held: HeldBytes, options: ConnectionsOptions) {
    this.#socket = socket
    this.#held = held
    this.#options = options
    // Node starts reading again for reasons of its own, such as the body of a request.
    socket.on('resume', () => {
      if (this.#isFull) socket.pause()
    })
    socket.once('close', () => {
      this.#waiting = []
      held.set(this, 0)
    })
  }

  /** A request is being answered, and its answer is not known yet. */
  get isBusy(): boolean {
    return this.#current !== undefined && !this.#current.writableEnded
  }

  arrived(response: ServerResponse): void {
    this.newest = response
    if (!this.#current) return this.#take(response)
    this.#waiting.push(response)
    if (this.#isFull) this.#socket.pause()
    this.#count()
  }

  drop(): void {
    this.#options.onDropped?.()
    this.#waiting = []
    // Reset: the kernel would go on to keep what its buffers hold. A socket that is being shut down cannot
    // be: libuv refuses, and the handle would never be closed.
    if (this.#socket.writableEnded) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  #take(response: ServerResponse): void {
    this.#current = response
    response.on('prefinish', this.#goOn).on('close', this.#goOn)
    if (!response.writableEnded) this.#options.answer(response)
  }

  get #isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX
  }

  /** An answer has been handed to the socket, or has left. */
  readonly #goOn = (): void => {
    if (this.#socket.destroyed) return
    if (this.#current?.writableEnded && this.#socket.writableLength === 0) this.#next(this.#current)
    this.#count()
  }

  #next(answered: ServerResponse): void {
    if (!answered.shouldKeepAlive) return void (this.#waiting = []) // the connection ends behind this answer
    this.#current = undefined
    const next = this.#waiting.shift()
    if (!next) return
    if (this.#waiting.length === 0 && this.#socket.isPaused()) this.#socket.resume()
    this.#take(next)
  }

  #count(): void {
    const unsent = this.#current?.writableEnded ? this.#socket.writableLength : 0
    this.#held.set(this, unsent + WAITING_REQUEST_BYTES * this.#waiting.length)
  }
}
