import type { ServerResponse } from 'node:http'
import type { LastProblems } from '../problems/lastProblems.ts'
import type { Problem } from '../problems/problems.ts'
import type { CrossOrigin } from './admission/crossOrigin.ts'
import { headProblem } from './admission/headProblem.ts'
import type { SiteGuard } from './admission/siteGuard.ts'
import { BAD_ENCODING, BAD_PATH } from './admission/refusals.ts'
import { sendProblem } from './admission/sendProblem.ts'

const RANKING_PATH = '/recommend/'
const LOAD_PATH = /^\/features(?:\?|$)/
const ORIGIN = /^https?:\/\/[^/?#]*/i

/** What a listening thread does with a request: it answers one route itself and passes all others on. */
export interface RouteTable {
  crossOrigin: Pick<CrossOrigin, 'mark' | 'answersPreflight'> | null // null: no other origins are allowed
  guard: Pick<SiteGuard, 'refusal'> | null // null: keys protect the server
  ranking: CountedRoute // POST /recommend/{user_id}, answered here; its text is the user id, decoded
  loads: ThreadRoute // POST /features, passed on; its text is the path with its query
  others: ThreadRoute // everything else, likewise
  problems: Pick<LastProblems, 'note'>
}

export interface ThreadRoute {
  handle(response: ServerResponse, text: string): void
}

export interface CountedRoute extends ThreadRoute {
  /** A request of this route is refused before it is handed over. */
  countRefusal(problem: Problem): void
}

/** Hands a request to its route. */
export function route(table: RouteTable, response: ServerResponse): void {
  const { crossOrigin, guard, ranking, loads, others } = table
  const { method, url = '' } = response.req
  crossOrigin?.mark(response)
  const problem = headProblem(response.req)
  if (problem) return refuse(table, response, problem)
  const path = pathOf(url)
  if (path === undefined) return refuse(table, response, BAD_PATH)
  const userId = method === 'POST' ? rankedUserId(path) : undefined
  const refusal = guard?.refusal(response.req, userId !== undefined)
  if (refusal) return refuse(table, response, refusal)
  if (method !== 'POST')
    return crossOrigin?.answersPreflight(response) ? undefined : others.handle(response, path)
  if (userId === null) return refuse(table, response, BAD_ENCODING)
  if (userId !== undefined) return ranking.handle(response, userId)
  if (LOAD_PATH.test(path)) return loads.handle(response, path)
  return others.handle(response, path)
}

/** Refuses a request that no route has answered, and ends its connection. */
export function refuse({ ranking, problems }: RouteTable, response: ServerResponse, problem: Problem): void {
  const { method, url = '' } = response.req
  const path = method === 'POST' ? pathOf(url) : undefined
  if (path !== undefined && rankedUserId(path) !== undefined) ranking.countRefusal(problem)
  sendProblem(response, problem, { problems, closes: true })
}

/** The user id, decoded, of a ranking's path; null: it cannot be decoded; undefined: the path is another. */
function rankedUserId(path: string): string | null | undefined {
  if (!path.startsWith(RANKING_PATH)) return undefined
  const query = path.indexOf('?')
  const id = path.slice(RANKING_PATH.length, query === -1 ? undefined : query)
  if (id === '' || id.includes('/')) return undefined
  if (!id.includes('%')) return id
  try {
    return decodeURIComponent(id)
  } catch {
    return null
  }
}

/**
 * The path and query of a request's target, which may be an address with its host: every server must take
 * those. undefined: it is neither.
 */
function pathOf(url: string): string | undefined {
  if (url.startsWith('/') || url === '*') return url
  if (!URL.canParse(url)) return undefined
  const path = url.replace(ORIGIN, '') // as it stands: a parsed one has no `..` any more
  return path.startsWith('/') ? path : `/${path}`
}
