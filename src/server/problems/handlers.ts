import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../../errors.ts'
import type { LastProblems } from './lastProblems.ts'
import { PROBLEM_MEDIA_TYPE, Problem, type ProblemCode, problemBody, problemOf } from './problems.ts'

const PATH_CHARS_MAX = 80 // of the path, in a message

const REFUSALS = new Set<ProblemCode>(['OVERLOADED', 'NOT_READY'])

/** Answers with the problem that `error` is. */
export type AnswerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply

/** Notes each problem in `problems`; one that is the server's fault is logged as well, in one line. */
export function errorAnswer(problems: Pick<LastProblems, 'note'>): AnswerError {
  return (error, request, reply) => {
    const problem = problemOf(error)
    problems.note(problem)
    if (problem.status >= 500) {
      const { url: route } = request.routeOptions // the pattern: a path would tell ids
      const told = { method: request.method, route, code: problem.code }
      // A refusal is what the server is meant to do, and while the store is away every write fails: one line
      // each, without a stack.
      if (REFUSALS.has(problem.code)) request.log.info(told, 'request refused')
      else if (problem.code === 'STORE_UNAVAILABLE')
        request.log.warn({ ...told, cause: messageOf(problem.cause ?? problem) }, 'request failed')
      else request.log.error({ ...told, err: problem.cause ?? problem }, 'request failed')
    }
    return reply
      .code(problem.status)
      .headers(problem.headers)
      .type(PROBLEM_MEDIA_TYPE)
      .send(problemBody(problem.code, problem.message))
  }
}

/**
 * Makes `app` answer every error, unknown path and wrong method from the table of problems. Must come before
 * the routes, since it notes their methods for the header Allow.
 */
export function installProblems(app: FastifyInstance, answerError: AnswerError): void {
  const methodsOfPattern = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOfPattern.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    methodsOfPattern.set(url, methods)
  })
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]
    const parts = path.split('/')
    const allowed = [...methodsOfPattern.keys()]
      .filter((pattern) => matches(pattern.split('/'), parts))
      .flatMap((pattern) => Array.from(methodsOfPattern.get(pattern) ?? []))
    const problem = unrouted(request.method, path, allowed)
    if (problem) return answerError(problem, request, reply)
    return reply.code(204).header('allow', allowHeader(allowed)).send()
  })
}

/** Why there is no such path or method; undefined: it asks for the methods of a path. */
function unrouted(method: string, path: string, allowed: string[]): Problem | undefined {
  const shown = path.length > PATH_CHARS_MAX ? `${path.slice(0, PATH_CHARS_MAX)}…` : path
  if (allowed.length === 0 || allowed.includes(method))
    // the latter: a file that is not in /docs
    return new Problem(
      'UNKNOWN_ROUTE',
      `Cannot ${method} ${shown}: there is no such path; /openapi.json lists all paths`,
    )
  if (method === 'OPTIONS') return undefined
  const allow = allowHeader(allowed)
  const detail = `Cannot ${method} ${shown}: the path accepts ${allow}`
  return new Problem('METHOD_NOT_ALLOWED', detail, { headers: { allow } })
}

function allowHeader(allowed: string[]): string {
  return [...new Set([...allowed, 'OPTIONS'])].toSorted().join(', ')
}

/**
 * Whether a path fits a route's pattern, both split at slashes: `:name` is any one part, `*` all the rest.
 */
function matches(pattern: string[], path: string[]): boolean {
  if (pattern.at(-1) !== '*' && pattern.length !== path.length) return false
  return pattern.every(
    (part, i) => part === '*' || (part.startsWith(':') ? path[i] !== undefined : part === path[i]),
  )
}
