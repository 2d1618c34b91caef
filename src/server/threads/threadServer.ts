import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { answerClientError, REQUEST_TIMED_OUT } from './clientErrors.ts'
import { Connections } from './connections/connections.ts'
import { SlicedWork } from './slicedWork.ts'
import { route, type RouteTable } from './routeTable.ts'

const REQUEST_TIMEOUT_MS = 30_000 // until the whole request has arrived
const HEADERS_TIMEOUT_MS = 10_000
const CONNECTIONS_CHECK_MS = 250 // those that came within it time out in one go, which nothing can part
const KEEP_ALIVE_MS = 65_000 // longer than load balancers keep theirs: the client should close first
const CONNECTIONS_MAX = 10_000

const STALLED_MS = 15_000 // Node then looks whether anything has moved, so it may take twice this time
const HELD_BYTES_MAX = 32 * 2 ** 20

export interface ThreadServerOptions {
  /** @default 15,000 */
  stalledMs?: number
  /** Of answers that are not sent yet, and of requests that wait behind others. @default 32 MiB */
  heldBytesMax?: number
  /** A connection has been closed because its client does not read. */
  onDropped?: () => void
}

/** The HTTP server of a listening thread. It does not listen yet. */
export function createThreadServer(table: RouteTable, options: ThreadServerOptions = {}): Server {
  const { stalledMs = STALLED_MS, heldBytesMax = HELD_BYTES_MAX, onDropped } = options
  const connections = new Connections({
    heldBytesMax,
    answer: (response) => route(table, response),
    onDropped,
  })
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // `headProblem` sees to these, with a body in the answer.
      requireHostHeader: false,
      joinDuplicateHeaders: true,
    },
    (_request, response) => connections.arrived(response),
  )
  server.on('checkExpectation', (_request, response) => connections.arrived(response))
  server.maxConnections = CONNECTIONS_MAX
  server.timeout = stalledMs
  // Of thousands of connections that time out together, each takes its time to be closed.
  const closing = new SlicedWork()
  server.on('timeout', (socket) => {
    const { bytesRead } = socket
    closing.enter(() => {
      if (socket.bytesRead === bytesRead) connections.timedOut(socket)
    })
  })
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    const answer = () =>
      answerClientError(error, socket as Socket, connections.newest(socket as Socket), table)
    if (error.code === REQUEST_TIMED_OUT) closing.enter(answer)
    else answer()
  })
  return server
}
