import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_MEDIA_TYPE, Problem, problemBody } from '../problems/problems.ts'
import { passOn, type PassOnOptions } from './passOn.ts'
import { RecommendHandler, type RecommendOptions } from './recommendHandler.ts'
import { sendProblem } from './sendProblem.ts'

const REQUEST_TIMEOUT_MS = 30_000 // until the whole request has arrived
const HEADERS_TIMEOUT_MS = 10_000
const CONNECTIONS_CHECK_MS = 5_000
const KEEP_ALIVE_MS = 65_000 // longer than load balancers keep theirs: the one that closes should be the client
const CONNECTIONS_MAX = 10_000
const ROUTE = '/recommend/'
const TOO_SLOW = new Problem('REQUEST_TIMEOUT', 'Cannot wait any longer: the request must arrive faster')
const NO_HTTP = new Problem(
  'BAD_REQUEST',
  'Cannot read the request: it must be HTTP/1.1 with a head of at most 16 KiB and a body of one length',
)
const BAD_PATH = new Problem('BAD_REQUEST', 'Cannot read the path: it is not valid')
const BAD_ENCODING = new Problem('BAD_REQUEST', 'Cannot read the path: its percent-encoding is not valid')

export interface ThreadServerOptions {
  recommend: RecommendOptions
  others: PassOnOptions
  /** A request for a ranking is answered, or its client gone. */
  onRanked?: ((status: number, ms: number) => void) | undefined
}

/** The server of a listening thread: ranks by itself and passes every other request on. Not listening yet. */
export function createThreadServer({ recommend, others, onRanked }: ThreadServerOptions): Server {
  const ranking = new RecommendHandler(recommend)
  const pass = passOn(others)
  const newest = new WeakMap<Socket, ServerResponse>() // of each connection; pipelined ones before it are answered first
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    newest.set(request.socket, response)
    const path = pathOf(request.url ?? '')
    if (path === undefined) return sendProblem(response, BAD_PATH, { closes: true })
    const id = request.method === 'POST' ? recommendedId(path) : undefined
    if (id === undefined) return pass(request, response, path)
    if (id === null) return sendProblem(response, BAD_ENCODING, { closes: true })
    if (onRanked) {
      const startedMs = performance.now()
      response.once('close', () => onRanked(response.statusCode, performance.now() - startedMs))
    }
    ranking.handle(request, response, id)
  }
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    answer,
  )
  server.maxConnections = CONNECTIONS_MAX
  server.on('clientError', (error, socket) =>
    answerClientError(error, socket as Socket, newest.get(socket as Socket)),
  )
  return server
}

/** The user id of a path that asks for a ranking, decoded; null: it cannot be decoded; undefined: another path. */
function recommendedId(path: string): string | null | undefined {
  if (!path.startsWith(ROUTE)) return undefined
  const query = path.indexOf('?')
  const id = path.slice(ROUTE.length, query === -1 ? undefined : query)
  if (id === '' || id.includes('/')) return undefined
  if (!id.includes('%')) return id
  try {
    return decodeURIComponent(id)
  } catch {
    return null
  }
}

/** With its query; also of an address with its host, which every server must take. undefined: it is neither. */
function pathOf(url: string): string | undefined {
  if (url.startsWith('/') || url === '*') return url
  const address = URL.parse(url)
  return address ? address.pathname + address.search : undefined
}

/**
 * What is no HTTP, or arrives too slowly, ends its connection. `response`: of the last request before; what that one is answered comes first, and if
 * it is itself the one that does not arrive, it is answered here.
 */
function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
  response: ServerResponse | undefined,
): void {
  const problem = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? TOO_SLOW : NO_HTTP
  if (!socket.writable || error.code === 'ECONNRESET') socket.destroy(error)
  else if (!response || response.writableFinished || response.destroyed) refuse(socket, problem)
  else if (response.req.complete) response.once('close', () => refuse(socket, problem))
  else if (response.headersSent) socket.destroy(error)
  else sendProblem(response, problem, { closes: true })
}

/** Where there is no request that could be answered. */
function refuse(socket: Socket, { code, message, status }: Problem): void {
  if (socket.writable) {
    const body = problemBody(code, message)
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
        `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroy()
}
