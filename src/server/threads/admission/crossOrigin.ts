import type { ServerResponse } from 'node:http'
import { ANY_ORIGIN } from '../../corsOrigins.ts'

const METHODS = 'GET, HEAD, POST, PUT, DELETE'
const TAKEN_HEADERS = 'authorization, content-type, if-none-match, x-api-key'
const SHOWN_HEADERS = 'allow, etag, nearrank-user, retry-after, server-timing'
const PREFLIGHT_SECONDS = '600' // for which a browser remembers the answer

/** Lets pages of other origins call the server from a browser (CORS). */
export class CrossOrigin {
  readonly #origins: ReadonlySet<string>

  /** `origins`: as `checkCorsOrigins` takes them. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
  }

  /** Marks an answer, whatever it will be, as one that a page of an allowed origin may read. */
  mark(response: ServerResponse): void {
    const { origin } = response.req.headers
    const isAny = this.#origins.has(ANY_ORIGIN)
    // Even without an origin: a cache must not give this answer to a page.
    if (!isAny) response.setHeader('vary', 'origin')
    if (origin === undefined || (!isAny && !this.#origins.has(origin))) return
    response.setHeader('access-control-allow-origin', isAny ? ANY_ORIGIN : origin)
    response.setHeader('access-control-expose-headers', SHOWN_HEADERS)
  }

  /**
   * Answers what a browser asks before it sends a request that only programs can send; false: it is something
   * else, or from elsewhere. It has no key, and the answer tells nothing of the path. After `mark`.
   */
  answersPreflight(response: ServerResponse): boolean {
    const { method, headers } = response.req
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false
    if (!response.hasHeader('access-control-allow-origin')) return false
    response.writeHead(204, {
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': TAKEN_HEADERS,
      'access-control-max-age': PREFLIGHT_SECONDS,
    })
    response.end()
    return true
  }
}
