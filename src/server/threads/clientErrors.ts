import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { LastProblems } from '../problems/lastProblems.ts'
import { PROBLEM_MEDIA_TYPE, type Problem, problemBody } from '../problems/problems.ts'
import { NOT_HTTP, TOO_SLOW } from './admission/refusals.ts'
import { refuse, type RouteTable } from './routeTable.ts'

export const REQUEST_TIMED_OUT = 'ERR_HTTP_REQUEST_TIMEOUT' // Node's code

/**
 * Answers what is not HTTP or arrives too slowly, and ends its connection. `response` belongs to the last
 * request before: its answer comes first, and if that request itself does not arrive, it is refused here.
 */
export function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
  response: ServerResponse | undefined,
  table: RouteTable,
): void {
  const { problems } = table
  const problem = error.code === REQUEST_TIMED_OUT ? TOO_SLOW : NOT_HTTP
  const refuseBare = () => refuseOnSocket(socket, problem, problems)
  if (!socket.writable || error.code === 'ECONNRESET') socket.destroy(error)
  else if (!response || response.writableFinished || response.destroyed) refuseBare()
  else if (response.req.complete) response.once('close', refuseBare)
  else if (response.headersSent) socket.destroy(error)
  else refuse(table, response, problem)
}

/** Answers on the bare socket: there is no request that could be answered. */
function refuseOnSocket(socket: Socket, problem: Problem, problems: Pick<LastProblems, 'note'>): void {
  if (socket.writable) {
    problems.note(problem)
    const { code, message, status } = problem
    const body = problemBody(code, message)
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
        `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroy()
}
