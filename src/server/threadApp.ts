import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ApiKeys } from './apiKeys.ts'
import { answerError } from './problemHandlers.ts'
import { PROBLEM_MEDIA_TYPE, Problem, problemBody, problemOf, PROBLEMS } from './problems.ts'
import type { PassedAnswer, PassedRequest, ThreadLog } from './protocol.ts'
import { recommendRoute, type RecommendOptions } from './recommendRoute.ts'

const PATH_ID_CHARS_MAX = 4096
const REQUEST_TIMEOUT_MS = 30_000 // until the whole request has arrived
const HEADERS_TIMEOUT_MS = 10_000
const CONNECTIONS_CHECK_MS = 5_000
const KEEP_ALIVE_MS = 65_000 // longer than load balancers keep theirs: the one that closes should be the client
const CONNECTIONS_MAX = 10_000
const LOADS_MAX = 2 // larger bodies than this that arrive at the same time
const SMALL_BODY_BYTES = 2 ** 20

export interface ThreadAppOptions {
  recommend: RecommendOptions
  /** Lets the main thread answer what is not `/recommend`. */
  pass: (request: PassedRequest) => Promise<PassedAnswer>
  bulkBodyBytesMax: number
  bodyBytesMax: number
  logsRequests: boolean
  log: (line: ThreadLog) => void
}

// A path with steps would be another one to the main thread, which takes them.
const STEPS = /^[^?]*[/\\](?:\.|%2e){1,2}(?:[/\\?]|$)/i

// Given at the start, Fastify never loads compilers of its own. What is ranked is checked where it is ranked, the rest where it is answered.
const SCHEMA_CONTROLLER = {
  compilersFactory: { buildValidator: () => () => () => true, buildSerializer: () => () => JSON.stringify },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

/** The application of a listening thread: ranks by itself and passes every other request on. Built, not listening. */
export function buildThreadApp(options: ThreadAppOptions): FastifyInstance {
  const { recommend, pass, bulkBodyBytesMax, bodyBytesMax, logsRequests, log } = options
  const app: FastifyInstance = fastify({
    logger: false, // a logger of its own for each request took 3 % of its time; errors are told below
    bodyLimit: bodyBytesMax,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
    routerOptions: { maxParamLength: PATH_ID_CHARS_MAX },
    return503OnClosing: false, // what has arrived is answered
    frameworkErrors: answerError,
    clientErrorHandler: answerClientError,
    schemaController: SCHEMA_CONTROLLER,
  })
  app.server.maxConnections = CONNECTIONS_MAX
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
  app.addHook('onError', (request, _reply, error, next) => {
    const { code, status, cause } = problemOf(error)
    const { url: route } = request.routeOptions // the pattern: a path would tell ids
    if (status >= 500 && code !== 'OVERLOADED')
      log({ what: 'failed', method: request.method, route, code, err: errorOf(cause ?? error) })
    next()
  })
  if (logsRequests)
    app.addHook('onResponse', (request, reply, next) => {
      const { url: route } = request.routeOptions
      const { statusCode: status, elapsedTime: ms } = reply
      log({ what: 'request', method: request.method, route, status, ms })
      next()
    })
  app.register(recommendRoute(recommend))
  const loads = { arriving: 0 }
  app.register((scope, _none, done) => {
    // When the answer is there: the drain may have begun since the request did, and a connection kept alive would hold it up.
    scope.addHook('onSend', (_request, reply, payload, next) => {
      if (recommend.isDraining()) void reply.header('connection', 'close')
      next(null, payload)
    })
    scope.addHook('onRequest', (request, reply, next) =>
      checkBeforeBody(recommend.apiKeys, loads, { request, reply, next }),
    )
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body))
    const methods = scope.supportedMethods.filter((method) => method !== 'TRACE')
    const passOn = async (request: PassableRequest, reply: FastifyReply) => {
      const { method, url, headers, body } = request
      if (STEPS.test(url))
        throw new Problem('UNKNOWN_ROUTE', 'Cannot find the path: it must not contain . or .. as a step')
      const answer = await pass({ method, url, headers, body: body instanceof Uint8Array ? body : null })
      return reply.code(answer.status).headers(answer.headers).send(Buffer.from(answer.body.buffer))
    }
    scope.route({ method: 'POST', url: '/features', bodyLimit: bulkBodyBytesMax, handler: passOn })
    scope.route({ method: methods, url: '*', handler: passOn })
    scope.setNotFoundHandler(passOn) // methods that Fastify has no routes for
    done()
  })
  return app
}

/**
 * Before the body of a request that will be passed on is read: nobody without a key fills memory, and only some bulk loads arrive at a time. What the
 * key may do is looked up where the request is answered.
 */
function checkBeforeBody(
  apiKeys: ApiKeys | undefined,
  loads: { arriving: number },
  { request, reply, next }: { request: FastifyRequest; reply: FastifyReply; next: (error?: Error) => void },
): void {
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS'
  if (!hasBody) return next()
  if (apiKeys?.check(request.headers, 'read') === 'unauthenticated')
    return next(
      new Problem(
        'UNAUTHENTICATED',
        'Cannot allow this request: a known key is wanted in the header Authorization: Bearer or X-Api-Key',
      ),
    )
  // A body without a length may be as large as any.
  const bytes = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  if (request.routeOptions.url === '/features' && bytes > SMALL_BODY_BYTES) {
    if (loads.arriving >= LOADS_MAX)
      return next(
        new Problem('OVERLOADED', 'Cannot take the load now: others are arriving; send it again in a second'),
      )
    loads.arriving++
    reply.raw.once('close', () => loads.arriving--)
  }
  next()
}

interface PassableRequest {
  method: string
  url: string
  headers: Record<string, string | string[] | undefined>
  body: unknown
}

/** What is no HTTP, or arrives too slowly, has no request that Fastify could answer; its connection ends. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (socket.writable && error.code !== 'ECONNRESET') {
    const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
    const code = isLate ? 'REQUEST_TIMEOUT' : 'BAD_REQUEST'
    const detail = isLate
      ? 'Cannot wait any longer: the request must arrive faster'
      : 'Cannot read the request: it must be HTTP/1.1 with a head of at most 16 KiB'
    const body = problemBody(code, detail)
    const { status } = PROBLEMS[code]
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
        `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroy(error)
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
