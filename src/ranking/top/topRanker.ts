import { PlaceIndex } from '../../geo/placeIndex.ts'
import { PairScorer } from '../pairScorer.ts'
import { type RankingSource, RankPass } from '../rankPass.ts'
import type { ScoringMemory } from '../scoringMemory.ts'

/** Everything that ranking needs, in memory that threads share: as it is posted to one. */
export interface TopMemory {
  model: ScoringMemory // with the parts of all restaurants
  users: Float32Array // [users, words], encoded rows
  restaurants: Float32Array // [restaurants, words]
  userWords: number
  contextWords: number
  vectors: Float64Array // [restaurants, 3], of `unitVectors`
  cells: Uint32Array // [restaurants], of `cellOf`
  order: Uint32Array // [restaurants]: which place their ids have in order
  places: SharedArrayBuffer // of `buildPlaceIndex`
  top: number // lines of a list at most
  near: { maxDistM: number } | null // null: wherever they are
}

/** Users to rank for. */
export interface UsersBatch {
  users: Uint32Array // rows
  latitude: Float64Array // degrees; NaN if it does not matter
  longitude: Float64Array
  contexts: Float32Array // [users, contextWords], encoded
}

/** Their lists, one after the other. */
export interface TopLists {
  lengths: Uint32Array // [users]
  rows: Uint32Array // of restaurants, best first
  scores: Float32Array
  distancesM: Float32Array // NaN: not known
  notFinite: { user: number; restaurant: number } | null // rows of a pair without a score
}

/** Ranks all restaurants for users, on one thread. */
export class TopRanker {
  readonly #memory: TopMemory
  readonly #scorer: PairScorer
  readonly #places: PlaceIndex
  readonly #source: RankingSource
  readonly #pass = new RankPass()

  constructor(memory: TopMemory, thread: number) {
    const { model, restaurants, vectors, cells, order, places, near } = memory
    const scorer = new PairScorer(model, restaurants, thread)
    this.#memory = memory
    this.#scorer = scorer
    this.#places = new PlaceIndex(places)
    this.#source = {
      vectors,
      cells,
      scoreInto: (logits, rows, count, distancesM) =>
        near ? scorer.scoreInto(logits, rows, count, distancesM) : scorer.scoreInto(logits, rows, count),
      isBefore: (rowA, rowB) => order[rowA] < order[rowB],
    }
  }

  rank({ users, latitude, longitude, contexts }: UsersBatch): TopLists {
    const { top, near, userWords, contextWords, users: features } = this.#memory
    const pass = this.#pass
    const lists: TopLists = {
      lengths: new Uint32Array(users.length),
      rows: new Uint32Array(users.length * top),
      scores: new Float32Array(users.length * top),
      distancesM: new Float32Array(users.length * top),
      notFinite: null,
    }
    let lines = 0
    for (const [i, user] of users.entries()) {
      const where = near
        ? { latitude: latitude[i], longitude: longitude[i], maxDistM: near.maxDistM }
        : { latitude: 0, longitude: 0, maxDistM: Number.POSITIVE_INFINITY }
      const count = this.#takeCandidates(where)
      const context = contexts.subarray(i * contextWords, (i + 1) * contextWords)
      this.#scorer.setUser(features.subarray(user * userWords, (user + 1) * userWords), context)
      const ranked = pass.run(count, { ...where, size: top, sortByDistance: false }, this.#source)
      if (pass.notFinite > 0) lists.notFinite ??= { user, restaurant: pass.notFiniteRow }
      lists.lengths[i] = ranked
      for (let k = 0; k < ranked; k++, lines++) {
        const at = pass.order[k]
        lists.rows[lines] = pass.rows[at]
        lists.scores[lines] = this.#scorer.scoreOf(pass.logits[at])
        lists.distancesM[lines] = near ? pass.distancesM[at] : Number.NaN
      }
    }
    return lists
  }

  #takeCandidates(where: { latitude: number; longitude: number; maxDistM: number }): number {
    const pass = this.#pass
    const { near, order } = this.#memory
    if (!near) {
      pass.reserve(order.length)
      for (let row = 0; row < order.length; row++) pass.candidates[row] = row
      return order.length
    }
    const found = this.#places.near(where.latitude, where.longitude, where.maxDistM)
    pass.reserve(found.length)
    pass.candidates.set(found)
    return found.length
  }
}
