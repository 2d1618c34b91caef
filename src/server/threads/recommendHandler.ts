import { isAscii, isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../../errors.ts'
import type { LiveRanker, RankedList } from '../../live/ranker.ts'
import { parseUserId } from '../../ranking/parseUserId.ts'
import { type ReadRequest, RequestReader } from '../../ranking/requestReader.ts'
import type { FeatureId, IdType } from '../../store/featureStore.ts'
import type { Admission } from './admission.ts'
import { AnswerWriter } from './answerWriter.ts'
import type { ApiKeys } from '../keys/apiKeys.ts'
import { collectBody, hasBody, mayBeLarge } from './collectBody.ts'
import { Problem, problemOf } from '../problems/problems.ts'
import { OVERLOADED, sendProblem, TOO_LARGE } from './sendProblem.ts'
import type { Status, ThreadStats } from './stats.ts'

const BODY_BYTES_MIN = 65_536
const CANDIDATE_BYTES = 64 // of JSON, on average at most
const JSON_TYPE = /^application\/json\s*(?:;|$)/i

export interface RecommendOptions {
  ranker: () => LiveRanker | undefined // undefined: still starting
  isDraining: () => boolean // connections are closed behind their next answer
  admission: Admission
  stats: ThreadStats
  userIds: IdType
  unknownUser: 'fail' | 'average'
  candidatesMax: number
  apiKeys?: ApiKeys | undefined
  /** A problem that is the server's own fault. */
  onFailure: (problem: Problem) => void
}

/** One request, from its head to its answer. */
interface Asked {
  response: ServerResponse
  userId: string // as the path has it, decoded
  arrivedMs: number
}

/**
 * Answers `POST /recommend/{user_id}`, the one route that is asked thousands of times a second: on node:http itself, since the way through a framework takes
 * longer than to rank 1,000 candidates.
 */
export class RecommendHandler {
  readonly #options: RecommendOptions
  readonly #bodyBytesMax: number
  readonly #reader = new RequestReader()
  readonly #writer = new AnswerWriter()

  constructor(options: RecommendOptions) {
    this.#options = options
    this.#bodyBytesMax = Math.max(BODY_BYTES_MIN, CANDIDATE_BYTES * options.candidatesMax)
  }

  /** `userId`: from the path, decoded. What can be refused by its head alone is, before its body is read. */
  handle(request: IncomingMessage, response: ServerResponse, userId: string): void {
    const { admission, stats } = this.#options
    const asked = { response, userId, arrivedMs: performance.now() }
    const refusal = this.#refusalOf(request)
    if (refusal) return this.#refuse(asked, refusal, { closes: mayBeLarge(request, this.#bodyBytesMax) })
    collectBody(request, this.#bodyBytesMax, (body) => {
      if (body === null) return this.#refuse(asked, TOO_LARGE, { closes: true })
      if (!admission.admits()) return this.#refuse(asked, OVERLOADED)
      stats.setWaiting(admission.waiting + 1)
      admission.enter(() => {
        stats.setWaiting(admission.waiting)
        if (!response.destroyed) this.#answerOrRefuse(asked, body, request.headers['content-type'])
      })
    })
  }

  #refusalOf(request: IncomingMessage): Problem | undefined {
    const { headers } = request
    const { apiKeys, ranker, admission } = this.#options
    const verdict = apiKeys?.check(headers, 'read') ?? 'granted'
    if (verdict === 'unauthenticated') return UNAUTHENTICATED
    if (verdict === 'forbidden') return FORBIDDEN
    if (!ranker()) return NOT_READY
    if (!admission.admits()) return OVERLOADED
    const type = headers['content-type']
    if (type === undefined ? hasBody(request) : type !== 'application/json' && !JSON_TYPE.test(type))
      return UNSUPPORTED_MEDIA_TYPE
    return undefined
  }

  #answerOrRefuse(asked: Asked, body: Buffer, type: string | undefined): void {
    try {
      this.#answer(asked, body, type)
    } catch (error) {
      const problem = problemOf(error)
      if (problem.status >= 500) this.#options.onFailure(problem)
      this.#refuse(asked, problem)
    }
  }

  #answer({ response, userId, arrivedMs }: Asked, body: Buffer, type: string | undefined): void {
    const { stats, candidatesMax, userIds, isDraining } = this.#options
    const ranker = this.#options.ranker()
    if (!ranker) throw NOT_READY
    const startedMs = performance.now()
    const wanted = this.#read(body, type)
    const candidates = wanted.candidateRestaurantIds?.length ?? 0
    if (candidates > candidatesMax)
      throw new Problem(
        'TOO_MANY_CANDIDATES',
        `Cannot use the request: candidate_restaurant_ids must hold at most ${candidatesMax} ids, found ${candidates}`,
      )
    const parsedMs = performance.now()
    const isAverage = this.#setUser(ranker, parseId(userId, userIds))
    const list = this.#rank(ranker, wanted, userId)
    const rankedMs = performance.now()
    const writer = this.#writer
    const text = writer.write(ranker, list)
    const doneMs = performance.now()
    const parse = parsedMs - startedMs
    const rank = rankedMs - parsedMs
    const write = doneMs - rankedMs
    stats.observeRanking(list.candidates, startedMs - arrivedMs, parse, rank, write)
    stats.count(200, (doneMs - arrivedMs) / 1000)
    const timing = `parse;dur=${shortMs(parse)}, rank;dur=${shortMs(rank)}, write;dur=${shortMs(write)}`
    const headers: Record<string, string | number> = {
      'content-type': 'application/json; charset=utf-8',
      'content-length': writer.bytes,
      'server-timing': timing,
    }
    if (isAverage) headers['nearrank-user'] = 'average'
    if (isDraining()) headers.connection = 'close'
    response.writeHead(200, headers).end(text, writer.encoding)
  }

  #read(body: Buffer, type: string | undefined): ReadRequest {
    if (type === undefined) throw new Problem('BAD_BODY', 'Cannot use the request: it must have a JSON body')
    const isOneByte = isAscii(body)
    if (!isOneByte && !isUtf8(body)) throw new Problem('BAD_JSON', 'Cannot read the body: it must be UTF-8')
    try {
      return this.#reader.read(body, isOneByte ? 'latin1' : 'utf8')
    } catch (error) {
      if (error instanceof SyntaxError)
        throw new Problem('BAD_JSON', `Cannot read the body: ${error.message}`)
      throw new Problem('BAD_BODY', messageOf(error))
    }
  }

  /** Whether the mean user takes the place of the one that is asked for. */
  #setUser(ranker: LiveRanker, user: FeatureId): boolean {
    if (ranker.setUser(user)) return false
    if (this.#options.unknownUser !== 'average' || !ranker.setUser(null))
      throw new Problem('UNKNOWN_USER', `Cannot rank: user ${user} has no features`)
    this.#options.stats.countAverageUser()
    return true
  }

  #rank(ranker: LiveRanker, wanted: ReadRequest, userId: string): RankedList {
    const { stats, candidatesMax } = this.#options
    const list = ranker.rank(wanted)
    if (!list)
      throw new Problem(
        'TOO_MANY_CANDIDATES',
        `Cannot use the request: at most ${candidatesMax} restaurants may be within max_dist where candidate_restaurant_ids is left out, found more; ask for a smaller max_dist`,
      )
    if (list.notFinite > 0) {
      stats.countNotFinite(list.notFinite)
      // All of them: then it is the user's features, and an empty list would be a lie.
      if (list.count === 0)
        throw new Problem(
          'NOT_FINITE',
          `Cannot rank: no score of user ${userId} is a finite number; check its features`,
        )
    }
    return list
  }

  #refuse({ response, arrivedMs }: Asked, problem: Problem, { closes = false } = {}): void {
    const { stats, isDraining } = this.#options
    stats.count(problem.status as Status, (performance.now() - arrivedMs) / 1000)
    sendProblem(response, problem, { closes: closes || isDraining() })
  }
}

// Made once, since under overload most answers are one of them.
const UNAUTHENTICATED = new Problem('UNAUTHENTICATED', 'Cannot answer: an API key is needed')
const FORBIDDEN = new Problem('FORBIDDEN', 'Cannot answer: the API key must have the right to read')
const NOT_READY = new Problem('NOT_READY', 'Cannot rank yet: features are still being loaded')
const UNSUPPORTED_MEDIA_TYPE = new Problem(
  'UNSUPPORTED_MEDIA_TYPE',
  'Cannot read the body: the header Content-Type is missing or not one that this path takes',
)

/** Milliseconds to three places; `toFixed` takes five times as long. */
function shortMs(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function parseId(text: string, ids: IdType): FeatureId {
  try {
    return parseUserId(text, { ids })
  } catch (error) {
    throw new Problem('BAD_ID', messageOf(error))
  }
}
