import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { RankingRequest } from '../../src/dataset/requests.ts'
import { type PreparedRequest, prepareRequests } from '../../src/loadtest/prepareRequests.ts'

/** An HTTP server on a free port that does not describe itself, closed after the test. Returns its URL. */
export async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/openapi.json') response.writeHead(404).end()
    else listener(request, response)
  })
  return listenAndClose(context, server)
}

/** The same for a server that writes its own bytes: `onBytes` is called for whatever comes. */
export async function serveRaw(context: TestContext, onBytes: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createNetServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('data', () => onBytes(socket))
  })
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function listenAndClose(context: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  request.setEncoding('utf8')
  for await (const text of request) body += text as string
  return body
}

export function requestFor(userId: RankingRequest['userId']): RankingRequest {
  return {
    userId,
    latitude: 13.8,
    longitude: 100.5,
    candidateRestaurantIds: [1, 2, 3],
    size: 100,
    maxDist: 6000,
    sortDist: false,
  }
}

/** Requests of users 0 … count − 1. */
export function prepared(url: string, count = 7): PreparedRequest[] {
  return prepareRequests(
    url,
    Array.from({ length: count }, (_, user) => requestFor(user)),
  )
}
