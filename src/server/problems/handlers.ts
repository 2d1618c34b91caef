import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../../errors.ts'
import { PROBLEM_MEDIA_TYPE, Problem, type ProblemCode, problemBody, problemOf } from './problems.ts'

const PATH_CHARS_MAX = 80 // of the path, in a message

const REFUSALS = new Set<ProblemCode>(['OVERLOADED', 'NOT_READY'])

/**
 * Makes `app` answer every error, unknown path and wrong method from the table of problems. Must come before
 * the routes, since it notes their methods for the header Allow.
 */
export function installProblems(app: FastifyInstance): void {
  const methodsOfPattern = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOfPattern.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    methodsOfPattern.set(url, methods)
  })
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]
    const parts = path.split('/')
    const allowed = [...methodsOfPattern.keys()]
      .filter((pattern) => matches(pattern.split('/'), parts))
      .flatMap((pattern) => Array.from(methodsOfPattern.get(pattern) ?? []))
    return answerUnrouted(request, reply, { path, allowed })
  })
}

/** Answers with the problem that `error` is; one that is the server's fault is logged, in one line. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error)
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

function answerUnrouted(
  request: FastifyRequest,
  reply: FastifyReply,
  { path, allowed }: { path: string; allowed: string[] },
): FastifyReply {
  const { method } = request
  const shown = path.length > PATH_CHARS_MAX ? `${path.slice(0, PATH_CHARS_MAX)}…` : path
  if (allowed.length === 0 || allowed.includes(method))
    // the latter: a file that is not in /docs
    return answerError(
      new Problem(
        'UNKNOWN_ROUTE',
        `Cannot ${method} ${shown}: there is no such path; /openapi.json lists all paths`,
      ),
      request,
      reply,
    )
  const allow = [...new Set([...allowed, 'OPTIONS'])].toSorted().join(', ')
  if (method === 'OPTIONS') return reply.code(204).header('allow', allow).send()
  const detail = `Cannot ${method} ${shown}: the path accepts ${allow}`
  return answerError(new Problem('METHOD_NOT_ALLOWED', detail, { headers: { allow } }), request, reply)
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
