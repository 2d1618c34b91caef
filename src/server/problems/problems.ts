import { NearrankError, type ErrorCode } from '../../errors.ts'

interface ProblemKind {
  status: number
  title: string
  headers?: Record<string, string>
}

// The whole of what can go wrong over HTTP. A client tells problems apart by `code`, people read `detail`.
const TABLE = {
  BAD_REQUEST: { status: 400, title: 'The request is not valid HTTP for this server' },
  BAD_JSON: { status: 400, title: 'The body is not JSON' },
  BAD_BODY: { status: 400, title: 'The body does not match its schema' },
  BAD_QUERY: { status: 400, title: 'The query of the path is not valid' },
  BAD_ID: { status: 400, title: 'The id in the path is not valid' },
  TOO_MANY_CANDIDATES: { status: 400, title: 'Too many candidates' },
  UNAUTHENTICATED: {
    status: 401,
    title: 'A valid API key is required',
    headers: { 'www-authenticate': 'Bearer' },
  },
  FORBIDDEN: { status: 403, title: 'The API key lacks the required right' },
  CROSS_SITE: { status: 403, title: 'The request comes from a page of another site' },
  UNKNOWN_USER: { status: 404, title: 'There is no such user' },
  UNKNOWN_RESTAURANT: { status: 404, title: 'There is no such restaurant' },
  UNKNOWN_ROUTE: { status: 404, title: 'There is no such path' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The path does not accept this method' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request took too long to arrive' },
  RELOAD_RUNNING: { status: 409, title: 'Another change of the model is running' },
  NO_PREVIOUS_MODEL: { status: 409, title: 'There is no previous model' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The content type is not supported' },
  EXPECTATION_FAILED: { status: 417, title: 'The expectation of the request cannot be met' },
  UNKNOWN_HOST: { status: 421, title: 'The server is not known by this host' },
  MODEL_REJECTED: { status: 422, title: 'The new model cannot be served; the old one stays' },
  NOT_FINITE: { status: 500, title: 'A score was not finite' },
  INTERNAL: { status: 500, title: 'Internal error' },
  OVERLOADED: { status: 503, title: 'Too many requests at once', headers: { 'retry-after': '1' } },
  NOT_READY: { status: 503, title: 'The server is still starting', headers: { 'retry-after': '1' } },
  STORE_UNAVAILABLE: {
    status: 503,
    title: 'The feature store cannot be written to at the moment',
    headers: { 'retry-after': '1' },
  },
  STORE_FULL: { status: 507, title: 'There is no room for more rows' },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof TABLE

/** Every problem the API answers with: code → status, title and the headers that always go with it. */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = TABLE

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

interface ProblemOptions extends ErrorOptions {
  headers?: Record<string, string> // besides those of the table
}

/** An error that a client is told: `detail` leaves the server, `cause` goes to the log only. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options)
    this.name = 'Problem'
    this.code = code
    this.status = PROBLEMS[code].status
    this.headers = { ...PROBLEMS[code].headers, ...options.headers }
  }
}

/** The JSON body of a problem (RFC 9457). */
export function problemBody(code: ProblemCode, detail: string): string {
  const { status, title } = PROBLEMS[code]
  const type = `urn:nearrank:problem:${code.toLowerCase().replaceAll('_', '-')}`
  return JSON.stringify({ type, title, status, detail, code })
}

// Details that stand for messages which may tell of paths and addresses inside.
const STORE_DETAIL =
  'Cannot write to the feature store now: nothing, or only a part, was written; send it again in a moment'
const INTERNAL_DETAIL = 'Cannot answer this request: an internal error, which the server has logged'

const OF_NEARRANK: Partial<Record<ErrorCode, { code: ProblemCode; detail?: string }>> = {
  INPUT: { code: 'BAD_BODY' },
  CONFLICT: { code: 'STORE_UNAVAILABLE', detail: STORE_DETAIL }, // those of the model have codes of their own
  MEMORY: { code: 'STORE_FULL', detail: 'Cannot keep more rows in memory: delete some, or give more memory' },
  DISK: { code: 'STORE_UNAVAILABLE', detail: STORE_DETAIL },
  UNAVAILABLE: { code: 'STORE_UNAVAILABLE', detail: STORE_DETAIL },
  NOT_FINITE: { code: 'NOT_FINITE', detail: 'Cannot answer this request: a score was not finite' },
}

const OF_FASTIFY: Record<string, { code: ProblemCode; detail?: string }> = {
  FST_ERR_BAD_URL: { code: 'BAD_REQUEST', detail: 'Cannot read the path: its percent-encoding is not valid' },
  FST_ERR_INVALID_URL: { code: 'BAD_REQUEST', detail: 'Cannot read the path: it is not valid' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'BAD_ID', detail: 'Cannot use the id: it is too long' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'BAD_REQUEST',
    detail: 'Cannot read the body: its size does not match the Content-Length',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'BODY_TOO_LARGE', detail: 'Cannot accept the body: it is too large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    detail: 'Cannot read the body: the header Content-Type is missing or not one that this path accepts',
  },
  FST_ERR_NOT_FOUND: {
    code: 'UNKNOWN_ROUTE',
    detail: 'There is no such path; /openapi.json lists all paths',
  },
}

/**
 * The problem that a client gets for anything thrown: INTERNAL, with a `cause` for the log, if it is unknown.
 */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const known = knownProblem(error)
  if (known === undefined) return new Problem('INTERNAL', INTERNAL_DETAIL, { cause: error })
  return new Problem(known.code, known.detail ?? (error as Error).message, { cause: error })
}

function knownProblem(error: unknown): { code: ProblemCode; detail?: string } | undefined {
  if (error instanceof NearrankError) return OF_NEARRANK[error.code]
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string' && Object.hasOwn(OF_FASTIFY, error.code))
    return OF_FASTIFY[error.code]
  // Others of Fastify's and its plugins' that blame the client: an aborted upload, an impossible range, …
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  return status >= 400 && status < 500
    ? { code: 'BAD_REQUEST', detail: 'Cannot read the request' }
    : undefined
}
