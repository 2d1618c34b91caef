import { LiveExplainer } from '../live/liveExplainer.ts'
import type { LiveState } from '../live/state.ts'
import { withNow } from '../ranking/explain/rawRows.ts'
import type { RecommendRequest } from '../ranking/requestBody.ts'
import type { UnknownContext } from '../ranking/unknownContext.ts'
import type { IdKind } from '../ids.ts'
import { EXPLAINED_LISTS_MAX } from './limits.ts'
import { Problem } from './problems/problems.ts'
import { checkCandidates, checkFinite, rankAll, takeUser } from './rankForRequest.ts'
import { readId } from './readId.ts'
import type { ExplainedList, ExplanationService } from './services.ts'

export interface ExplanationOptions {
  userIds: IdKind
  unknownUser: 'fail' | 'average'
  unknownContext: UnknownContext
  candidatesMax: number
}

/** Explains ranked lists, in the thread that owns the live tables. */
export class Explanations implements ExplanationService {
  readonly candidatesMax: number
  readonly #state: LiveState
  readonly #options: ExplanationOptions
  readonly #explainer: LiveExplainer
  #running = 0

  constructor(state: LiveState, options: ExplanationOptions) {
    this.#state = state
    this.#options = options
    this.candidatesMax = options.candidatesMax
    this.#explainer = new LiveExplainer(state, options)
  }

  async explain(userId: string, request: RecommendRequest): Promise<ExplainedList> {
    if (this.#running >= EXPLAINED_LISTS_MAX)
      throw new Problem(
        'OVERLOADED',
        'Cannot explain now: other lists are being explained; send it again in a second',
      )
    this.#running++
    try {
      return await this.#explain(userId, request)
    } finally {
      this.#running--
    }
  }

  async #explain(userId: string, request: RecommendRequest): Promise<ExplainedList> {
    const { userIds, unknownUser, candidatesMax } = this.#options
    const { served } = this.#state
    if (!served) throw new Problem('NOT_READY', 'Cannot rank yet: features are still being loaded')
    checkCandidates(request, candidatesMax)
    const ranker = this.#explainer.ranker(served)
    const id = readId(userId, 'users', userIds)
    const context = withNow(served.loaded.features.context ?? [], request.context ?? {}, new Date())
    const isAverage = takeUser(ranker, id, { ...request, context }, unknownUser)
    const list = rankAll(ranker, request, candidatesMax)
    checkFinite(list, userId)
    const user = isAverage ? null : id
    const asked = { user, context, where: request }
    return { isAverage, restaurants: await this.#explainer.explain(served, list, asked) }
  }
}
