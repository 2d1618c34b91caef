import type { ServerResponse } from 'node:http'
import { PROBLEM_MEDIA_TYPE, Problem, problemBody } from '../problems/problems.ts'

// Of every path of a listening thread; made once, since an error takes its stack.
export const OVERLOADED = new Problem(
  'OVERLOADED',
  'Cannot answer now: too many requests wait; send it again in a second',
)
export const TOO_LARGE = new Problem('BODY_TOO_LARGE', 'Cannot take the body: it is too large')

/** Answers with a problem; `closes`: and ends the connection. A client that has gone is told nothing. */
export function sendProblem(
  response: ServerResponse,
  { code, message, status, headers }: Problem,
  { closes = false }: { closes?: boolean } = {},
): void {
  if (response.headersSent || response.destroyed) return
  const body = problemBody(code, message)
  response.writeHead(status, {
    ...headers,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    ...(closes && { connection: 'close' }),
  })
  response.end(body)
}
