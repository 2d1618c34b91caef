import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_MEDIA_TYPE, Problem, problemBody, PROBLEMS } from './problems.ts'
import { passOn, type PassOnOptions } from './passOn.ts'
import { RecommendHandler, type RecommendOptions } from './recommendHandler.ts'
import { sendProblem } from './sendProblem.ts'

const REQUEST_TIMEOUT_MS = 30_000 // until the whole request has arrived
const HEADERS_TIMEOUT_MS = 10_000
const CONNECTIONS_CHECK_MS = 5_000
const KEEP_ALIVE_MS = 65_000 // longer than load balancers keep theirs: the one that closes should be the client
const CONNECTIONS_MAX = 10_000
const ROUTE = '/recommend/'
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
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const path = pathOf(request.url ?? '')
    if (path === undefined) return sendProblem(response, BAD_PATH, { closes: true })
    const id = request.method === 'POST' ? recommendedId(path) : undefined
    if (id === undefined) return pass(request, response)
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
  server.on('clientError', answerClientError)
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

/** What is no HTTP, or arrives too slowly, has no request that could be answered; its connection ends. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (socket.writable && error.code !== 'ECONNRESET') {
    const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
    const code = isLate ? 'REQUEST_TIMEOUT' : 'BAD_REQUEST'
    const detail = isLate
      ? 'Cannot wait any longer: the request must arrive faster'
      : 'Cannot read the request: it must be HTTP/1.1 with a head of at most 16 KiB'
    const body = problemBody(code, detail)
    const { status } = PROBLEMS[code]
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
        `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroy(error)
}
