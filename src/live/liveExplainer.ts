import { setImmediate as nextTurn } from 'node:timers/promises'
import { isOwnPlace, type Side } from '../features/featureSpec.ts'
import { type RawRow, valueOf } from '../features/rawRow.ts'
import type { FeatureId } from '../ids.ts'
import { ContextEncoder } from '../ranking/contextEncoder.ts'
import { Explainer } from '../ranking/explain/explainer.ts'
import { vectorValues, withOwn } from '../ranking/explain/rawRows.ts'
import type { ExplainedTables, Explanation } from '../ranking/explain/types.ts'
import type { RankWhere } from '../ranking/rankPass.ts'
import type { ScoringMemory } from '../ranking/scoringMemory.ts'
import { LiveRanker, type LiveRankerOptions, type RankedList } from './ranker.ts'
import type { LiveState, ServedMemory } from './state.ts'
import type { LiveTable } from './tables.ts'

const MAIN_THREAD = 0

/** What a list was ranked for. */
export interface AskedList {
  user: FeatureId | null // null: the mean user
  context: RawRow // all that was told, the time included
  where: RankWhere
}

export interface ExplainedRestaurant {
  id: FeatureId
  score: number // click probability
  distanceM: number
  explanation: Explanation
}

/** What explains the lists of one model. */
interface Opened {
  ranker: LiveRanker
  places: SharedArrayBuffer // that the ranker knows
  explainer: Explainer
  context: ContextEncoder
}

/**
 * Ranks and explains in the thread that owns the live tables, the only one that has the rows as they were
 * written. Until a turn of the event loop nothing changes under it.
 */
export class LiveExplainer {
  readonly #state: LiveState
  readonly #options: LiveRankerOptions
  readonly #opened = new WeakMap<ScoringMemory, Opened>() // keeps no model that is no longer served

  constructor(state: LiveState, options: LiveRankerOptions) {
    this.#state = state
    this.#options = options
  }

  /** What makes the list to be explained, of what is served in this turn. */
  ranker(served: ServedMemory): LiveRanker {
    return this.#openedFor(served).ranker
  }

  /**
   * Explains all of a list that `ranker` has just made. All it needs is taken down at once, the effects are
   * computed in slices between other work.
   */
  async explain(
    served: ServedMemory,
    list: RankedList,
    { user, context, where }: AskedList,
  ): Promise<ExplainedRestaurant[]> {
    const { explainer, ranker, context: encoder } = this.#openedFor(served)
    const { features } = served.loaded
    const own = features.context ?? []
    const told = own
      .filter((feature) => !isOwnPlace(feature))
      .map(({ name }) => [name, valueOf(context, name)])
    const encoded = encoder.encode(Object.fromEntries(told) as RawRow, where)
    const request = { ...where, user: ranker.userRow, context: encoded }
    const rawContext = withOwn(own, context, { place: where })
    const tables = explainedTables(served)
    const baseline = explainer.baseline(request, tables)
    const userValues = user === null ? null : this.#values(served, 'users', user)
    const pairs = Array.from({ length: list.count }, (_, i) => {
      const [row, distanceM] = [list.rows[i], list.distancesM[i]]
      const id = ranker.idAt(row)
      const raw = {
        user: userValues,
        restaurant: this.#values(served, 'restaurants', id),
        context: rawContext,
      }
      const pair = explainer.pair(request, tables, { row, distanceM, raw })
      return { id, score: list.scores[i], distanceM, pair }
    })
    const explained: ExplainedRestaurant[] = []
    for (const { pair, ...restaurant } of pairs) {
      explained.push({ ...restaurant, explanation: explainer.explain(baseline, pair) })
      await nextTurn()
    }
    return explained
  }

  #openedFor({ loaded, memory }: ServedMemory): Opened {
    const { model, places } = memory
    const before = this.#opened.get(model)
    if (before?.places === places) return before
    const ranker = new LiveRanker(memory, MAIN_THREAD, this.#options)
    const opened = {
      explainer: new Explainer(loaded),
      context: new ContextEncoder(loaded.features.context ?? []),
      ...before,
      ranker,
      places,
    }
    this.#opened.set(model, opened)
    return opened
  }

  #values({ loaded }: ServedMemory, side: Side, id: FeatureId): RawRow {
    const row = this.#state.read(side, id)!
    const features = loaded.features[side]
    if (!('values' in row)) return vectorValues(features, row.features)
    return withOwn(features, row.values, { id, ...(row.side === 'restaurants' && { place: row }) })
  }
}

function explainedTables({ tables }: ServedMemory): ExplainedTables {
  const table = ({ features, width, ids }: LiveTable) => ({ rows: features, width, count: ids.rows })
  const { users, restaurants, vectors } = tables
  return { users: table(users), restaurants: table(restaurants), vectors }
}
