import type { ServerResponse } from 'node:http'
import type { ApiKeys } from '../../keys/apiKeys.ts'
import { collectBody, isCompressed, mayBeLarge } from './collectBody.ts'
import type { LastProblems } from '../../problems/lastProblems.ts'
import { Problem } from '../../problems/problems.ts'
import type { BodyBytes } from './bodyBytes.ts'
import { COMPRESSED } from './refusals.ts'
import { sendProblem } from './sendProblem.ts'

/** A request on its way through a route, with what the route keeps of it. */
export interface Visit {
  response: ServerResponse
}

/** A route of a listening thread, as admission sees it. */
export interface AdmittingRoute<V extends Visit> {
  readonly bodyBytesMax: number
  /** A refused request whose body is larger loses its connection: to read the body would cost more. */
  readonly skippedBytesMax: number
  /** Why the key of the request is not enough; undefined: it is. */
  keyRefusal(visit: V, keys: ApiKeys): Problem | undefined
  /** Takes the request in, or says why not, before its body is read. */
  enter(visit: V): Problem | undefined
  /** The whole body is there. */
  take(visit: V, body: Buffer): void
  refuse(visit: V, problem: Problem, closes: boolean): void
}

export interface AdmissionOptions {
  isDraining: () => boolean // connections are closed behind their next answer
  held: BodyBytes // by all requests of the thread
  problems: Pick<LastProblems, 'note'>
  apiKeys?: ApiKeys | undefined // absent: everybody may do everything
}

/**
 * The way of a request into a listening thread, the same for every route with a body: key, then room, then
 * body. What can be refused by the head alone is, so that nobody without a key fills memory.
 */
export class Admission {
  readonly isDraining: () => boolean
  readonly held: BodyBytes
  readonly #problems: AdmissionOptions['problems']
  readonly #apiKeys: ApiKeys | undefined

  constructor({ isDraining, held, problems, apiKeys }: AdmissionOptions) {
    this.isDraining = isDraining
    this.held = held
    this.#problems = problems
    this.#apiKeys = apiKeys
  }

  admit<V extends Visit>(visit: V, route: AdmittingRoute<V>): void {
    const request = visit.response.req
    const refusal =
      (this.#apiKeys && route.keyRefusal(visit, this.#apiKeys)) ??
      (isCompressed(request) ? COMPRESSED : route.enter(visit))
    if (refusal) return route.refuse(visit, refusal, mayBeLarge(request, route.skippedBytesMax))
    collectBody(request, { bytesMax: route.bodyBytesMax, held: this.held }, (body) => {
      if (body instanceof Problem) route.refuse(visit, body, true)
      else route.take(visit, body)
    })
  }

  /** Answers with a problem; `closes`, or draining, ends the connection. */
  refuse({ response }: Visit, problem: Problem, closes = false): void {
    sendProblem(response, problem, {
      problems: this.#problems,
      closes: closes || this.isDraining(),
    })
  }
}
