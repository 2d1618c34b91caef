import type { ServerResponse } from 'node:http'
import { PROBLEM_MEDIA_TYPE, type Problem, problemBody } from '../../problems/problems.ts'

/** Answers with a problem, and with `closes` ends the connection. A client that has gone gets nothing. */
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
