import type { ServerResponse } from 'node:http'
import type { LastProblems } from '../../problems/lastProblems.ts'
import { PROBLEM_MEDIA_TYPE, type Problem, problemBody } from '../../problems/problems.ts'

export interface SendOptions {
  problems: Pick<LastProblems, 'note'>
  closes?: boolean // ends the connection, @default false
}

/** Answers with a problem, and notes it. A client that has gone gets nothing. */
export function sendProblem(
  response: ServerResponse,
  problem: Problem,
  { problems, closes = false }: SendOptions,
): void {
  if (response.headersSent || response.destroyed) return
  problems.note(problem)
  const { code, message, status, headers } = problem
  const body = problemBody(code, message)
  response.writeHead(status, {
    ...headers,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    ...(closes && { connection: 'close' }),
  })
  response.end(body)
}
