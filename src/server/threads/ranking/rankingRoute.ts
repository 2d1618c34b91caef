import type { ServerResponse } from 'node:http'
import type { ApiKeys } from '../../keys/apiKeys.ts'
import { type Problem, problemOf } from '../../problems/problems.ts'
import { rankingBodyBytesMax } from '../../limits.ts'
import type { AdmittingRoute } from '../admission/admission.ts'
import { hasBody } from '../admission/collectBody.ts'
import { NOT_JSON, NOT_READY, OVERLOADED, READ_KEY_NEEDED, READ_RIGHT_NEEDED } from '../admission/refusals.ts'
import type { RequestQueue } from '../admission/requestQueue.ts'
import type { Status } from '../threadStats.ts'
import { RankingAnswer, type RankingAnswerOptions, type RankingVisit } from './rankingAnswer.ts'

const JSON_TYPE = /^application\/json\s*(?:;|$)/i
const UNCOUNTED_BYTES_MAX = 65_536 // of a body that waits: --max-queue bounds how many there are

export interface RankingRouteOptions extends RankingAnswerOptions {
  queue: RequestQueue
  /** A problem that is the server's own fault. */
  onFailure: (problem: Problem) => void
  /** A request is answered, or its client gone. */
  onRanked?: ((status: number, ms: number) => void) | undefined
}

/** `POST /recommend/{user_id}`: who is let in, and when it is the turn of each. */
export class RankingRoute implements AdmittingRoute<RankingVisit> {
  readonly bodyBytesMax: number
  readonly skippedBytesMax: number
  readonly #options: RankingRouteOptions
  readonly #answer: RankingAnswer

  constructor(options: RankingRouteOptions) {
    this.#options = options
    this.bodyBytesMax = rankingBodyBytesMax(options.candidatesMax)
    this.skippedBytesMax = this.bodyBytesMax
    this.#answer = new RankingAnswer(options)
  }

  /** `userId`: from the path, decoded. */
  handle(response: ServerResponse, userId: string): void {
    const { admission, onRanked } = this.#options
    const visit = { response, userId, arrivedMs: performance.now() }
    if (onRanked)
      response.once('close', () => onRanked(response.statusCode, performance.now() - visit.arrivedMs))
    admission.admit(visit, this)
  }

  keyRefusal({ response }: RankingVisit, keys: ApiKeys): Problem | undefined {
    const verdict = keys.check(response.req.headers, 'read')
    if (verdict === 'granted') return undefined
    return verdict === 'forbidden' ? READ_RIGHT_NEEDED : READ_KEY_NEEDED
  }

  enter({ response }: RankingVisit): Problem | undefined {
    const { ranker, queue } = this.#options
    if (!ranker()) return NOT_READY
    if (!queue.admits()) return OVERLOADED
    const type = response.req.headers['content-type']
    if (type === undefined ? hasBody(response.req) : type !== 'application/json' && !JSON_TYPE.test(type))
      return NOT_JSON
    return undefined
  }

  take(visit: RankingVisit, body: Buffer): void {
    const { queue, stats, admission } = this.#options
    const { held } = admission
    if (!queue.admits()) return this.refuse(visit, OVERLOADED)
    const heldBytes = body.length > UNCOUNTED_BYTES_MAX ? body.length : 0
    if (heldBytes > 0 && !held.hold(heldBytes)) return this.refuse(visit, OVERLOADED)
    stats.setWaiting(queue.waiting + 1)
    queue.enter(() => {
      stats.setWaiting(queue.waiting)
      if (heldBytes > 0) held.release(heldBytes)
      if (!visit.response.destroyed) this.#answerOrRefuse(visit, body)
    })
  }

  refuse(visit: RankingVisit, problem: Problem, closes = false): void {
    const { admission, stats } = this.#options
    stats.count(problem.status as Status, (performance.now() - visit.arrivedMs) / 1000)
    admission.refuse(visit, problem, closes)
  }

  /** A request has been refused before it came here. */
  countRefusal({ status }: Problem): void {
    this.#options.stats.count(status as Status, 0)
  }

  #answerOrRefuse(visit: RankingVisit, body: Buffer): void {
    try {
      this.#answer.send(visit, body)
    } catch (error) {
      const problem = problemOf(error)
      if (problem.status >= 500) this.#options.onFailure(problem)
      this.refuse(visit, problem)
    }
  }
}
