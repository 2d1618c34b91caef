import { isAscii, isUtf8 } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import { messageOf } from '../../../errors.ts'
import type { LiveRanker, RankedList } from '../../../live/ranker.ts'
import { type ReadRequest, RequestReader } from '../../../ranking/requestReader.ts'
import type { FeatureId, IdKind } from '../../../ids.ts'
import { Problem } from '../../problems/problems.ts'
import { checkCandidates, checkFinite, rankAll, takeUser } from '../../rankForRequest.ts'
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
  /** Has a request answered by who can explain its list. */
  explain: (response: ServerResponse, userId: string, body: Buffer) => void
}

/**
 * The answer to a request for a ranking, in three stages: read, rank, write. It is written on node:http
 * itself, since the way through a framework takes longer than to rank 1,000 candidates. A list that is to be
 * explained is not ranked here: that takes the rows as they were written, which the main thread has.
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
    if (wanted.explain) return this.#options.explain(response, userId, body)
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
    checkCandidates(wanted, this.#options.candidatesMax)
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
    const { unknownUser, stats } = this.#options
    const isAverage = takeUser(ranker, user, wanted, unknownUser)
    if (isAverage) stats.countAverageUser()
    return isAverage
  }

  #rank(ranker: LiveRanker, wanted: ReadRequest, userId: string): RankedList {
    const { stats, candidatesMax } = this.#options
    const list = rankAll(ranker, wanted, candidatesMax)
    if (list.notFinite > 0) stats.countNotFinite(list.notFinite)
    checkFinite(list, userId)
    return list
  }
}

/** Milliseconds to three places; `toFixed` takes five times as long. */
function shortMs(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
