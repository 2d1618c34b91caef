import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'

export interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

export interface TestServer {
  url: string
  seen: Seen[] // every request, in order
  closed: Promise<void>[] // for each request: its connection is gone
}

/** A server on a free port that answers as `answer` does, its request already read; gone after the test file. */
export async function listen(
  answer: (response: ServerResponse, request: Seen, position: number) => unknown,
): Promise<TestServer> {
  const seen: Seen[] = []
  const closed: Promise<void>[] = []
  const listener: RequestListener = async (request, response) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    closed.push(promise)
    response.on('close', resolve)
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
    seen.push(one)
    await answer(response, one, seen.length - 1)
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, closed }
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  sendText(response, status, JSON.stringify(body), headers)
}

export function sendText(response: ServerResponse, status: number, text: string, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
}

export function sendProblem(response: ServerResponse, status: number, code: string, headers = {}): void {
  const problem = {
    type: 'about:blank',
    title: `Title of ${code}`,
    status,
    detail: `Detail of ${code}.`,
    code,
  }
  sendJson(response, status, problem, { 'content-type': 'application/problem+json', ...headers })
}
