import { PlaceIndex } from '../geo/placeIndex.ts'
import type { FeatureId } from '../ids.ts'
import { type LiveMemory, type LiveTables, liveRowOf, openLiveTables, unusableFeatureOf } from './tables.ts'
import { ContextEncoder, type RequestContext } from '../ranking/contextEncoder.ts'
import { PairScorer } from '../ranking/pairScorer.ts'
import type { UnknownContext } from '../ranking/unknownContext.ts'
import { type RankingSource, RankPass, type RankWhere } from '../ranking/rankPass.ts'
import type { ScoringMemory } from '../ranking/scoringMemory.ts'

const NO_CONTEXT: RequestContext = {}
const TOO_MANY = -1

/** Everything that ranking needs, as it is posted to a thread. */
export interface RankerMemory {
  live: LiveMemory
  model: ScoringMemory
  places: SharedArrayBuffer // of buildPlaceIndex
  userFeatures: readonly string[] // names, as the model takes them
  moved: SharedArrayBuffer // i32: how many, then the rows that `places` has not, or elsewhere
}

export interface LiveRankerOptions {
  // how many restaurants may be within reach where a request names none; the index counts some a little
  // farther, too; @default no bound
  candidatesMax?: number
  unknownContext?: UnknownContext // @default fail
}

/** A ranked list: `count` rows, best first. Valid until the next call. */
export interface RankedList {
  count: number
  rows: Uint32Array
  scores: Float64Array // click probabilities
  distancesM: Float64Array
  candidates: number // known ones
  notFinite: number // left out, since their scores are no finite numbers
}

export type LiveRequest = RankWhere & {
  candidateRestaurantIds: readonly FeatureId[] | Int32Array | Float64Array | null // null: all within reach
}

/**
 * Ranks from live tables, in one of the threads that share them. A
 * request sees every row as it was at one moment.
 */
export class LiveRanker {
  readonly #tables: LiveTables
  readonly #userFeatures: readonly string[]
  readonly #candidatesMax: number
  readonly #scorer: PairScorer
  readonly #places: PlaceIndex
  readonly #moved: Int32Array
  readonly #source: RankingSource
  readonly #pass = new RankPass()
  readonly #features: Float32Array // of the user
  readonly #context: ContextEncoder
  readonly #list: RankedList

  /** `thread`: 0 … model.threads − 1, each taken once. */
  constructor(memory: RankerMemory, thread: number, options: LiveRankerOptions = {}) {
    this.#candidatesMax = options.candidatesMax ?? Number.POSITIVE_INFINITY
    const tables = openLiveTables(memory.live)
    const scorer = new PairScorer(memory.model, tables.restaurants.features, thread)
    this.#tables = tables
    this.#userFeatures = memory.userFeatures
    this.#scorer = scorer
    this.#places = new PlaceIndex(memory.places)
    this.#moved = new Int32Array(memory.moved)
    this.#source = {
      vectors: tables.vectors,
      cells: tables.cells,
      scoreInto: (logits, rows, count, distancesM) => scorer.scoreInto(logits, rows, count, distancesM),
      isBefore: (rowA, rowB) => tables.restaurants.ids.isBefore(rowA, rowB),
    }
    this.#features = new Float32Array(tables.users.width)
    this.#context = new ContextEncoder(memory.model.context, options.unknownContext)
    const none = new Float64Array(0)
    this.#list = {
      count: 0,
      rows: new Uint32Array(0),
      scores: none,
      distancesM: none,
      candidates: 0,
      notFinite: 0,
    }
  }

  /**
   * Takes a user's features; false: there is no such user. null: the
   * mean of all users; false where there are none. `context`: what the request tells of itself; `place`:
   * where the user is, degrees.
   * @throws NearrankError INPUT as `ContextEncoder.encode`.
   */
  setUser(
    id: FeatureId | null,
    context: RequestContext = NO_CONTEXT,
    place?: { latitude: number; longitude: number },
  ): boolean {
    const row = this.#context.encode(context, place)
    const found = id === null ? this.#readMean() : this.#readUser(id)
    if (found) this.#scorer.setUser(this.#features, row)
    return found
  }

  /** The feature because of which the model cannot use a stored user; undefined: there is no such user. */
  unusableFeature(id: FeatureId): string | undefined {
    const { users } = this.#tables
    let feature = -1
    users.log.readWhole(
      () => true,
      () => {
        feature = unusableFeatureOf(users, id)
      },
    )
    return this.#userFeatures[feature]
  }

  /**
   * Ranks for the user of `setUser`; undefined: more than `candidatesMax` are
   * within reach. Restaurants whose score is not finite are left out.
   */
  rank(request: LiveRequest): RankedList | undefined {
    const pass = this.#pass
    let ranked = 0
    let candidates = 0
    this.#tables.restaurants.log.readWhole(
      (row) => pass.candidates.subarray(0, Math.max(0, candidates)).includes(row),
      () => {
        candidates = this.#takeCandidates(request)
        ranked = candidates === TOO_MANY ? 0 : pass.run(candidates, request, this.#source)
      },
    )
    if (candidates === TOO_MANY) return undefined
    const list = this.#list
    if (list.rows.length < ranked) {
      list.rows = new Uint32Array(pass.rows.length)
      list.scores = new Float64Array(pass.rows.length)
      list.distancesM = new Float64Array(pass.rows.length)
    }
    list.count = ranked
    list.candidates = candidates
    list.notFinite = pass.notFinite
    for (let i = 0; i < ranked; i++) {
      const at = pass.order[i]
      list.rows[i] = pass.rows[at]
      list.scores[i] = this.#scorer.scoreOf(pass.logits[at])
      list.distancesM[i] = pass.distancesM[at]
    }
    return list
  }

  /** The encoded row of the user of `setUser`; valid until the next call. */
  get userRow(): Float32Array {
    return this.#features
  }

  /** The id of a row of a ranked list. */
  idAt(row: number): FeatureId {
    return this.#tables.restaurants.ids.idAt(row)
  }

  /** Fills the pass with the rows of the candidates that are known; returns how many. */
  #takeCandidates(request: LiveRequest): number {
    const pass = this.#pass
    const { candidateRestaurantIds } = request
    if (candidateRestaurantIds === null) {
      const near = this.#places.near(request.latitude, request.longitude, request.maxDistM)
      if (near.length > this.#candidatesMax) return TOO_MANY
      const moved = this.#moved.subarray(1, 1 + Atomics.load(this.#moved, 0))
      pass.reserve(near.length + moved.length)
      pass.candidates.set(near)
      pass.candidates.set(moved, near.length)
      return near.length + moved.length
    }
    pass.reserve(candidateRestaurantIds.length)
    return this.#tables.restaurants.ids.rowsInto(pass.candidates, candidateRestaurantIds)
  }

  #readUser(id: FeatureId): boolean {
    const { users } = this.#tables
    let row = -1
    users.log.readWhole(
      (changed) => changed === row || row < 0,
      () => {
        row = liveRowOf(users, id)
        if (row < 0) return
        const start = row * users.width
        for (let f = 0; f < users.width; f++) this.#features[f] = users.features[start + f]
      },
    )
    return row >= 0
  }

  #readMean(): boolean {
    const { users, sums } = this.#tables
    let count = 0
    users.log.readWhole(
      () => true,
      () => {
        count = sums[0]
        this.#features.fill(0, users.numbers) // all codes: missing
        for (let f = 0; f < users.numbers; f++) this.#features[f] = sums[1 + f] / count
      },
    )
    return count > 0
  }
}
