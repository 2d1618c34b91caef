import { isAscii, isUtf8 } from 'node:buffer'
import { messageOf, NearrankError } from '../../../errors.ts'
import type { LiveRanker, RankedList } from '../../../live/ranker.ts'
import { type ReadRequest, RequestReader } from '../../../ranking/requestReader.ts'
import type { FeatureId, IdKind } from '../../../ids.ts'
import { Problem } from '../../problems/problems.ts'
import { readId } from '../../readId.ts'
import type { Admission, Visit } from '../admission/admission.ts'
import { NOT_READY } from '../admission/refusals.ts'
import type { ThreadStats } from '../threadStats.ts'
import { AnswerWriter } from './answerWriter.ts'

/** One request, from its head to its answer. */
export interface RankingVisit extends Visit {
  userId: string // as the path has it, decoded
  arrivedMs: number
}

export interface RankingAnswerOptions {
  ranker: () => LiveRanker | undefined // undefined: still starting
  admission: Admission
  stats: ThreadStats
  userIds: IdKind
  unknownUser: 'fail' | 'average'
  candidatesMax: number
}

/**
 * The answer to a request for a ranking, in three stages: read, rank, write. It is written on node:http
 * itself, since the way through a framework takes longer than to rank 1,000 candidates.
 */
export class RankingAnswer {
  readonly #options: RankingAnswerOptions
  readonly #reader = new RequestReader()
  readonly #writer = new AnswerWriter()

  constructor(options: RankingAnswerOptions) {
    this.#options = options
  }

  /** @throws Problem before anything is sent. */
  send({ response, userId, arrivedMs }: RankingVisit, body: Buffer): void {
    const { stats, userIds, admission } = this.#options
    const ranker = this.#options.ranker()
    if (!ranker) throw NOT_READY
    const startedMs = performance.now()
    const wanted = this.#read(body, response.req.headers['content-type'])
    const parsedMs = performance.now()
    const isAverage = this.#setUser(ranker, readId(userId, 'users', userIds), wanted)
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
    if (admission.isDraining()) headers.connection = 'close'
    response.writeHead(200, headers).end(text, writer.encoding)
  }

  #read(body: Buffer, type: string | undefined): ReadRequest {
    if (type === undefined) throw new Problem('BAD_BODY', 'Cannot use the request: it must have a JSON body')
    const wanted = this.#parse(body)
    const { candidatesMax } = this.#options
    const candidates = wanted.candidateRestaurantIds?.length ?? 0
    if (candidates > candidatesMax)
      throw new Problem(
        'TOO_MANY_CANDIDATES',
        `Cannot use the request: candidate_restaurant_ids must hold at most ${candidatesMax} ids, found ${candidates}`,
      )
    return wanted
  }

  #parse(body: Buffer): ReadRequest {
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

  /** Whether the mean user takes the place of the user in the path, who is unknown. */
  #setUser(ranker: LiveRanker, user: FeatureId, wanted: ReadRequest): boolean {
    if (isKnown(ranker, user, wanted)) return false
    if (this.#options.unknownUser !== 'average' || !ranker.setUser(null, wanted.context, wanted))
      throw unknownUser(ranker, user)
    this.#options.stats.countAverageUser()
    return true
  }

  #rank(ranker: LiveRanker, wanted: ReadRequest, userId: string): RankedList {
    const { stats, candidatesMax } = this.#options
    const list = ranker.rank(wanted)
    if (!list)
      throw new Problem(
        'TOO_MANY_CANDIDATES',
        `Cannot use the request: at most ${candidatesMax} restaurants may be within max_dist if candidate_restaurant_ids is left out, found more; use a smaller max_dist`,
      )
    if (list.notFinite > 0) {
      stats.countNotFinite(list.notFinite)
      // None is finite: then the user's features are at fault, and an empty list would be a lie.
      if (list.count === 0)
        throw new Problem(
          'NOT_FINITE',
          `Cannot rank: no score of user ${userId} is a finite number; check its features`,
        )
    }
    return list
  }
}

function unknownUser(ranker: LiveRanker, user: FeatureId): Problem {
  const feature = ranker.unusableFeature(user)
  const reason =
    feature === undefined
      ? `user ${user} has no features`
      : `the served model cannot use what is stored of user ${user}, because of the feature ${feature}; put the user again, or train a model that can`
  return new Problem('UNKNOWN_USER', `Cannot rank: ${reason}`)
}

/** Whether there is such a user, whose features and context are then set. @throws Problem BAD_BODY */
function isKnown(ranker: LiveRanker, user: FeatureId, wanted: ReadRequest): boolean {
  try {
    return ranker.setUser(user, wanted.context, wanted)
  } catch (error) {
    if (error instanceof NearrankError && error.code === 'INPUT') throw new Problem('BAD_BODY', error.message)
    throw error
  }
}

/** Milliseconds to three places; `toFixed` takes five times as long. */
function shortMs(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
