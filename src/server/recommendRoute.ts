import type { FastifyPluginCallback, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { messageOf, NearrankError } from '../errors.ts'
import type { LiveRanker } from '../ranking/liveRanker.ts'
import { parseUserId } from '../ranking/parseUserId.ts'
import { parseRecommendRequest, type RecommendRequest } from '../ranking/requestBody.ts'
import type { FeatureId, IdType } from '../store/featureStore.ts'
import type { Admission } from './admission.ts'
import type { ApiKeys } from './apiKeys.ts'
import {
  PROBLEM_MEDIA_TYPE,
  Problem,
  type ProblemCode,
  problemBody,
  problemOf,
  PROBLEMS,
} from './problems.ts'
import type { Status, ThreadStats } from './threadStats.ts'
import { AnswerWriter } from './answerWriter.ts'

const BODY_BYTES_MIN = 65_536
const CANDIDATE_BYTES = 64 // of JSON, on average at most

export interface RecommendOptions {
  ranker: () => LiveRanker | undefined // undefined: still starting
  isDraining: () => boolean // connections are closed behind their next answer
  admission: Admission
  stats: ThreadStats
  userIds: IdType
  unknownUser: 'fail' | 'average'
  candidatesMax: number
  apiKeys?: ApiKeys | undefined
  schema?: FastifySchema // for the documentation
}

interface Arrived {
  arrivedMs: number
  startedMs: number
  parsedMs: number
}

declare module 'fastify' {
  interface FastifyRequest {
    arrived: Arrived | null
  }
}

/** `POST /recommend/{user_id}`: the one route that is asked thousands of times a second. */
export function recommendRoute(options: RecommendOptions): FastifyPluginCallback {
  return (app, _none, done) => {
    const bodyLimit = Math.max(BODY_BYTES_MIN, CANDIDATE_BYTES * options.candidatesMax)
    app.decorateRequest('arrived', null)
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit }, (request, body, parsed) =>
      takeTurn(options, request, body as string, parsed),
    )
    app.post<{ Params: { user_id: string } }>(
      '/recommend/:user_id',
      {
        ...(options.schema && { schema: options.schema }),
        config: { right: 'read' },
        bodyLimit,
        validatorCompiler: () => () => true, // the handler checks the body, and says better what is wrong with it
        onRequest: (request, reply, next) => admit(options, request, reply, next),
        errorHandler: (error, request, reply) => {
          const { code, message } = problemOf(error)
          answerProblem(options, request, reply, code, message)
        },
      },
      (request, reply) => answer(options, request, reply),
    )
    done()
  }
}

function admit(
  options: RecommendOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  next: () => void,
): void {
  const { apiKeys, admission, ranker } = options
  const now = performance.now()
  request.arrived = { arrivedMs: now, startedMs: now, parsedMs: now }
  const verdict = apiKeys?.check(request.headers, 'read') ?? 'granted'
  if (verdict === 'unauthenticated')
    answerProblem(options, request, reply, 'UNAUTHENTICATED', 'Cannot answer: an API key is needed')
  else if (verdict === 'forbidden')
    answerProblem(
      options,
      request,
      reply,
      'FORBIDDEN',
      'Cannot answer: the API key must have the right to read',
    )
  else if (!ranker())
    answerProblem(options, request, reply, 'NOT_READY', 'Cannot rank yet: features are still being loaded')
  else if (admission.isFull) turnAway(options, reply)
  else next()
}

/**
 * The body is complete: it waits for its turn, or is turned away where too many wait. A problem takes the place of the body: Fastify closes the
 * connection of a parser that fails.
 */
function takeTurn(
  { admission, stats }: RecommendOptions,
  request: FastifyRequest,
  body: string,
  parsed: (error: Error | null, body?: unknown) => void,
): void {
  if (admission.isFull) return parsed(null, new Problem('OVERLOADED', OVERLOADED_DETAIL))
  stats.setWaiting(admission.waiting + 1)
  admission.enter(() => {
    stats.setWaiting(admission.waiting)
    const { arrived } = request
    if (arrived) arrived.startedMs = performance.now()
    let json: unknown
    try {
      json = JSON.parse(body)
    } catch (error) {
      json = new Problem('BAD_JSON', `Cannot read the body: ${messageOf(error)}`)
    }
    parsed(null, json)
  })
}

const OVERLOADED_DETAIL = 'Cannot answer now: too many requests wait; send it again in a second'
const OVERLOADED_BODY = problemBody('OVERLOADED', OVERLOADED_DETAIL)

function turnAway({ stats, isDraining }: RecommendOptions, reply: FastifyReply): void {
  stats.count(503, 0)
  if (isDraining()) void reply.header('connection', 'close')
  void reply
    .code(503)
    .header('retry-after', '1')
    .header('content-type', PROBLEM_MEDIA_TYPE)
    .send(OVERLOADED_BODY)
}

function answer(
  options: RecommendOptions,
  request: FastifyRequest<{ Params: { user_id: string } }>,
  reply: FastifyReply,
): void {
  const { stats, candidatesMax, unknownUser } = options
  const ranker = options.ranker()
  const { arrived } = request
  if (!ranker || !arrived)
    throw new NearrankError('INTERNAL', 'a request was admitted before the server was ready')
  const wanted = parseBody(request.body)
  const candidates = wanted.candidateRestaurantIds?.length ?? 0
  if (candidates > candidatesMax)
    throw new Problem(
      'TOO_MANY_CANDIDATES',
      `Cannot use the request: candidate_restaurant_ids must hold at most ${candidatesMax} ids, found ${candidates}`,
    )
  arrived.parsedMs = performance.now()
  const user = parseId(request.params.user_id, options.userIds)
  let isAverage = false
  if (!ranker.setUser(user)) {
    isAverage = unknownUser === 'average' && ranker.setUser(null)
    if (!isAverage) throw new Problem('UNKNOWN_USER', `Cannot rank: user ${user} has no features`)
    stats.countAverageUser()
  }
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
        `Cannot rank: no score of user ${user} is a finite number; check its features`,
      )
  }
  const rankedMs = performance.now()
  const body = WRITER.write(ranker, list)
  const doneMs = performance.now()
  const { arrivedMs, startedMs, parsedMs } = arrived
  const parse = parsedMs - startedMs
  const rank = rankedMs - parsedMs
  const write = doneMs - rankedMs
  stats.observeRanking(list.candidates, startedMs - arrivedMs, parse, rank, write)
  stats.count(200, (doneMs - arrivedMs) / 1000)
  if (isAverage) void reply.header('nearrank-user', 'average')
  if (options.isDraining()) void reply.header('connection', 'close')
  void reply
    .header('content-type', 'application/json; charset=utf-8')
    .header(
      'server-timing',
      `parse;dur=${shortMs(parse)}, rank;dur=${shortMs(rank)}, write;dur=${shortMs(write)}`,
    )
    .send(body)
}

const WRITER = new AnswerWriter()

/** Milliseconds to three places; `toFixed` takes five times as long. */
function shortMs(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function parseBody(body: unknown): RecommendRequest {
  if (body instanceof Problem) throw body
  try {
    return parseRecommendRequest(body)
  } catch (error) {
    throw new Problem('BAD_BODY', messageOf(error))
  }
}

function parseId(text: string, ids: IdType): FeatureId {
  try {
    return parseUserId(text, { ids })
  } catch (error) {
    throw new Problem('BAD_ID', messageOf(error))
  }
}

function answerProblem(
  { stats, isDraining }: RecommendOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  detail: string,
): void {
  const kind = PROBLEMS[code]
  if (isDraining()) void reply.header('connection', 'close')
  stats.count(kind.status as Status, (performance.now() - (request.arrived?.arrivedMs ?? 0)) / 1000)
  void reply
    .code(kind.status)
    .headers(kind.headers ?? {})
    .header('content-type', PROBLEM_MEDIA_TYPE)
    .send(problemBody(code, detail))
}
