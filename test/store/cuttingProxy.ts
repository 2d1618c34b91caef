import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that fails the way networks do. */
export class CuttingProxy {
  /** Cut the connection when so many more bytes have come back from the server; in the middle of a reply, most probably. */
  cutAfterBytes = Infinity
  /** Swallow everything both ways, keep the connections open. */
  isBlackHole = false
  /** End every new connection at once. */
  isRefusing = false
  /** Pass the server's bytes on in pieces of at most this size. */
  pieceBytes = Infinity
  connections = 0 // so far, refused ones as well
  readonly #server = createServer((client) => this.#onClient(client))
  readonly #sockets = new Set<Socket>()
  /** Where new connections lead; those that are there stay, as if a name had moved. */
  targetPort: number

  private constructor(targetPort: number) {
    this.targetPort = targetPort
  }

  static async start(targetPort: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(targetPort)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cutAll()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #onClient(client: Socket): void {
    this.connections++
    if (this.isRefusing) {
      client.on('error', () => undefined).destroy()
      return
    }
    const server = connect(this.targetPort, '127.0.0.1')
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => undefined)
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
    client.on('data', (bytes) => {
      if (!this.isBlackHole) server.write(bytes)
    })
    server.on('data', (bytes: Buffer) => {
      if (this.isBlackHole) return
      const passed = bytes.subarray(0, this.cutAfterBytes)
      for (let at = 0; at < passed.length; at += this.pieceBytes)
        client.write(passed.subarray(at, at + this.pieceBytes))
      this.cutAfterBytes -= passed.length
      if (this.cutAfterBytes > 0) return
      this.cutAfterBytes = Infinity
      client.end(() => client.destroy())
      server.destroy()
    })
  }
}
