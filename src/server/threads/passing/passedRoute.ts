import type { ServerResponse } from 'node:http'
import type { ApiKeys, Right } from '../../keys/apiKeys.ts'
import { keyRefusal, UNKNOWN_KEY } from '../../keys/authorize.ts'
import type { Problem } from '../../problems/problems.ts'
import { type BodyLimits, LOADS_MAX, SMALL_LOAD_BYTES_MAX } from '../../limits.ts'
import type { Admission, AdmittingRoute, Visit } from '../admission/admission.ts'
import { hasBody, mayBeLarge } from '../admission/collectBody.ts'
import { LOADS_ARRIVING } from '../admission/refusals.ts'
import type { MainThread } from './mainThread.ts'

const BODILESS = new Set(['GET', 'HEAD', 'TRACE']) // a body that comes with them is not read

/** The rights for routes that take a body, as the routes themselves ask for them. */
const RIGHTS_FOR_BODIES: readonly (readonly [route: RegExp, right: Right])[] = [
  [/^POST \/features(?:\?|$)/, 'write'],
  [/^(?:PUT|DELETE) \/(?:users|restaurants)\//, 'write'],
  [/^POST \/admin\/(?:reload|rollback)(?:\?|$)/, 'admin'],
]

interface PassedVisit extends Visit {
  url: string
}

export interface PassedRouteOptions {
  admission: Admission
  mainThread: MainThread
  limits: BodyLimits
}

/**
 * Whatever the main thread answers. It looks up what the key may do, too, but only once the body has arrived:
 * a key without the right must not take the room for that.
 */
export class PassedRoute implements AdmittingRoute<PassedVisit> {
  readonly bodyBytesMax: number
  readonly skippedBytesMax: number
  readonly #admission: Admission
  readonly #mainThread: MainThread

  constructor({ admission, mainThread, limits }: PassedRouteOptions, bodyBytesMax = limits.rowBodyBytesMax) {
    this.#admission = admission
    this.#mainThread = mainThread
    this.bodyBytesMax = bodyBytesMax
    this.skippedBytesMax = limits.rowBodyBytesMax
  }

  handle(response: ServerResponse, url: string): void {
    const { method = 'GET' } = response.req
    if (BODILESS.has(method) || !hasBody(response.req)) void this.#mainThread.answer(response, url, null)
    else this.#admission.admit({ response, url }, this)
  }

  keyRefusal({ response, url }: PassedVisit, keys: ApiKeys): Problem | undefined {
    const { method, headers } = response.req
    const right = RIGHTS_FOR_BODIES.find(([route]) => route.test(`${method} ${url}`))?.[1]
    if (right !== undefined) return keyRefusal(headers, keys, right)
    return keys.check(headers, 'read') === 'unauthenticated' ? UNKNOWN_KEY : undefined
  }

  enter(_visit: PassedVisit): Problem | undefined {
    return undefined
  }

  take({ response, url }: PassedVisit, body: Buffer): void {
    void this.#mainThread.answer(response, url, body.length > 0 ? body : null)
  }

  refuse(visit: PassedVisit, problem: Problem, closes: boolean): void {
    this.#admission.refuse(visit, problem, closes)
  }
}

/** `POST /features`: the bodies are large, so that only some may arrive at a time. */
export class LoadRoute extends PassedRoute {
  #arriving = 0

  constructor(options: PassedRouteOptions) {
    super(options, options.limits.bulkBodyBytesMax)
  }

  override enter({ response }: PassedVisit): Problem | undefined {
    if (!mayBeLarge(response.req, SMALL_LOAD_BYTES_MAX)) return undefined
    if (this.#arriving >= LOADS_MAX) return LOADS_ARRIVING
    this.#arriving++
    response.once('close', () => this.#arriving--)
    return undefined
  }
}
