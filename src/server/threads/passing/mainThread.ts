import type { ServerResponse } from 'node:http'
import { problemOf } from '../../problems/problems.ts'
import { PASSED_MAX } from '../../limits.ts'
import type { Admission } from '../admission/admission.ts'
import { DOT_STEPS, OVERLOADED } from '../admission/refusals.ts'
import type { PassedAnswer, PassedRequest } from '../protocol.ts'

// The main thread would resolve such steps and take a backslash for a slash, and so the path for another one,
// to which a proxy in front may have rules of its own.
const STEPS = /^[^?]*(?:\\|\/(?:\.|%2e){1,2}(?:[/?]|$))/i

export interface MainThreadOptions {
  admission: Admission
  /** Lets the main thread answer. */
  pass: (request: PassedRequest) => Promise<PassedAnswer>
}

/** The main thread as a listening thread sees it: requests are passed on to it, and its answers back. */
export class MainThread {
  readonly #admission: Admission
  readonly #pass: (request: PassedRequest) => Promise<PassedAnswer>
  #passed = 0

  constructor({ admission, pass }: MainThreadOptions) {
    this.#admission = admission
    this.#pass = pass
  }

  /** Never rejects. */
  async answer(response: ServerResponse, url: string, body: Buffer | null): Promise<void> {
    const { method = 'GET', headers } = response.req
    try {
      const answer = await this.#ask({ method, url, headers, body })
      if (response.destroyed) return
      const isWhole = method !== 'HEAD' && answer.status !== 204 && answer.status !== 304
      const { vary, ...others } = answer.headers
      if (vary !== undefined) response.appendHeader('vary', vary) // the allowed origins may have set one
      response.writeHead(answer.status, {
        ...others,
        ...(isWhole && { 'content-length': answer.body.length }),
        // Only now: a drain may have begun since the request came, and would wait for the connection.
        ...(this.#admission.isDraining() && { connection: 'close' }),
      })
      response.end(isWhole ? answer.body : undefined)
    } catch (error) {
      this.#admission.refuse({ response }, problemOf(error))
    }
  }

  async #ask(request: PassedRequest): Promise<PassedAnswer> {
    if (STEPS.test(request.url)) throw DOT_STEPS
    const bytes = request.body?.length ?? 0 // passed on, it is empty
    const { held } = this.#admission
    if (this.#passed >= PASSED_MAX || !held.hold(bytes)) throw OVERLOADED
    this.#passed++
    try {
      return await this.#pass(request)
    } finally {
      this.#passed--
      held.release(bytes)
    }
  }
}
