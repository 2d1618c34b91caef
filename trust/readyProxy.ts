import { once } from 'node:events'
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

const LOOK_MS = 50

interface Upstream {
  port: number
  isReady: boolean
  agent: Agent
}

/**
 * What stands before replicas: it asks each for its readiness, sends requests in turn to those that are
 * ready, keeps its connections open, and never sends a request twice.
 */
export class ReadyProxy {
  readonly #upstreams = new Map<string, Upstream>()
  readonly #server = createServer((request, response) => this.#pass(request, response))
  readonly #looking = setInterval(() => void this.#lookAtAll(), LOOK_MS)
  #turn = 0

  static async start(): Promise<ReadyProxy> {
    const proxy = new ReadyProxy()
    proxy.#server.keepAliveTimeout = 60_000
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Sets where a replica is found from now on. Resolves when it is ready. */
  async use(name: string, port: number): Promise<void> {
    const upstream = { port, isReady: false, agent: new Agent({ keepAlive: true }) }
    this.#upstreams.set(name, upstream)
    while (!upstream.isReady) await this.#look(upstream)
  }

  close(): void {
    clearInterval(this.#looking)
    this.#server.close()
    this.#server.closeAllConnections()
    for (const { agent } of this.#upstreams.values()) agent.destroy()
  }

  async #lookAtAll(): Promise<void> {
    await Promise.all(Array.from(this.#upstreams.values(), (upstream) => this.#look(upstream)))
  }

  async #look(upstream: Upstream): Promise<void> {
    try {
      const { status } = await fetch(`http://127.0.0.1:${upstream.port}/health/ready`)
      upstream.isReady = status === 200
    } catch {
      upstream.isReady = false
    }
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const ready = [...this.#upstreams.values()].filter(({ isReady }) => isReady)
    if (ready.length === 0) {
      response.writeHead(502).end('no replica is ready')
      return
    }
    const { port, agent } = ready[this.#turn++ % ready.length]
    const { method, url: path, headers } = request
    const passed = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
      const { connection: _, ...own } = answer.headers // of the connection behind, not of this one
      response.writeHead(answer.statusCode ?? 500, own)
      answer.pipe(response)
    })
    passed.on('error', (error) => response.writeHead(502).end(`${error.message} from ${port}`))
    request.pipe(passed)
  }
}
