import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { answerClientError } from './clientErrors.ts'
import { route, type RouteTable } from './routeTable.ts'

const REQUEST_TIMEOUT_MS = 30_000 // until the whole request has arrived
const HEADERS_TIMEOUT_MS = 10_000
const CONNECTIONS_CHECK_MS = 5_000
const KEEP_ALIVE_MS = 65_000 // longer than load balancers keep theirs: the client should close first
const CONNECTIONS_MAX = 10_000

/** The HTTP server of a listening thread. It does not listen yet. */
export function createThreadServer(table: RouteTable): Server {
  const newest = new WeakMap<Socket, ServerResponse>() // of each connection; answers before it come first
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      newest.set(request.socket, response)
      route(table, request, response)
    },
  )
  server.maxConnections = CONNECTIONS_MAX
  server.on('clientError', (error, socket) =>
    answerClientError(error, socket as Socket, newest.get(socket as Socket)),
  )
  return server
}
