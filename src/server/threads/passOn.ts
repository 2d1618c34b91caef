import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiKeys } from '../keys/apiKeys.ts'
import { collectBody, hasBody, mayBeLarge } from './collectBody.ts'
import { Problem, problemOf } from '../problems/problems.ts'
import type { PassedAnswer, PassedRequest } from './protocol.ts'
import { OVERLOADED, sendProblem, TOO_LARGE } from './sendProblem.ts'

const LOADS_MAX = 2 // larger bodies than this that arrive at the same time
const PASSED_MAX = 256 // that the main thread has not answered: pipelining costs a client nothing
const SMALL_BODY_BYTES = 2 ** 20
const BULK_PATH = /^\/features(?:\?|$)/
const BODILESS = new Set(['GET', 'HEAD', 'TRACE']) // what comes with them all the same is not read
// A path with steps would be another one to the main thread, which takes them.
const STEPS = /^[^?]*[/\\](?:\.|%2e){1,2}(?:[/\\?]|$)/i

export interface PassOnOptions {
  /** Lets the main thread answer. */
  pass: (request: PassedRequest) => Promise<PassedAnswer>
  isDraining: () => boolean
  apiKeys?: ApiKeys | undefined
  bulkBodyBytesMax: number // of POST /features
  bodyBytesMax: number // of all others
}

/**
 * Passes requests on to the main thread, and its answers back. Before a body is read: nobody without a key fills memory, and only some bulk loads arrive at a
 * time. What the key may do is looked up where the request is answered.
 */
export function passOn(
  options: PassOnOptions,
): (request: IncomingMessage, response: ServerResponse, path: string) => void {
  const { pass, isDraining, apiKeys, bulkBodyBytesMax, bodyBytesMax } = options
  let loadsArriving = 0
  let passed = 0

  /** Why a request with a body is refused by its head alone. */
  const refusalOf = (request: IncomingMessage, isLoad: boolean): Problem | undefined => {
    if (apiKeys?.check(request.headers, 'read') === 'unauthenticated')
      return new Problem(
        'UNAUTHENTICATED',
        'Cannot allow this request: a known key is wanted in the header Authorization: Bearer or X-Api-Key',
      )
    if (isLoad && loadsArriving >= LOADS_MAX)
      return new Problem(
        'OVERLOADED',
        'Cannot take the load now: others are arriving; send it again in a second',
      )
    return undefined
  }

  const ask = async (request: PassedRequest): Promise<PassedAnswer> => {
    if (STEPS.test(request.url))
      throw new Problem('UNKNOWN_ROUTE', 'Cannot find the path: it must not contain . or .. as a step')
    if (passed >= PASSED_MAX) throw OVERLOADED
    passed++
    try {
      return await pass(request)
    } finally {
      passed--
    }
  }

  const forward = async (
    request: IncomingMessage,
    response: ServerResponse,
    { url, body }: { url: string; body: Buffer | null },
  ) => {
    const { method = 'GET', headers } = request
    try {
      const answer = await ask({ method, url, headers, body })
      if (response.destroyed) return
      const isWhole = method !== 'HEAD' && answer.status !== 204 && answer.status !== 304
      response.writeHead(answer.status, {
        ...answer.headers,
        ...(isWhole && { 'content-length': answer.body.length }),
        // When the answer is there: the drain may have begun since the request did, and a connection kept alive would hold it up.
        ...(isDraining() && { connection: 'close' }),
      })
      response.end(isWhole ? answer.body : undefined)
    } catch (error) {
      sendProblem(response, problemOf(error), { closes: isDraining() })
    }
  }

  return (request, response, url) => {
    const { method = 'GET' } = request
    if (BODILESS.has(method) || !hasBody(request)) return void forward(request, response, { url, body: null })
    const isBulk = method === 'POST' && BULK_PATH.test(url)
    const isLoad = isBulk && mayBeLarge(request, SMALL_BODY_BYTES)
    const bytesMax = isBulk ? bulkBodyBytesMax : bodyBytesMax
    const refusal = refusalOf(request, isLoad)
    if (refusal)
      return sendProblem(response, refusal, { closes: isDraining() || mayBeLarge(request, bodyBytesMax) })
    if (isLoad) {
      loadsArriving++
      response.once('close', () => loadsArriving--)
    }
    collectBody(request, bytesMax, (body) => {
      if (body) void forward(request, response, { url, body: body.length > 0 ? body : null })
      else sendProblem(response, TOO_LARGE, { closes: true })
    })
  }
}
