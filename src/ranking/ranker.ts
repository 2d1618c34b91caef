import { NearrankError } from '../errors.ts'
import { unitVectors } from '../geo/greatCircle.ts'
import { cellOf } from '../geo/placeCells.ts'
import type { FeatureId } from '../ids.ts'
import { sideRow } from '../model/network.ts'
import type { Explanation } from './explain/types.ts'
import { PairScorer } from './pairScorer.ts'
import { type RankingSource, RankPass, type RankWhere } from './rankPass.ts'
import { createScoringMemory, type ScoringMemoryOptions } from './scoringMemory.ts'

export const DEFAULT_SIZE = 20
export const DEFAULT_MAX_DIST_M = 5000

/** What to rank for whom. */
export interface RankRequest {
  candidateRows: Uint32Array | readonly number[] // restaurants by row; twice the same counts once
  latitude: number // of the user, degrees
  longitude: number
  size?: number // how many to return at most, @default 20
  maxDistM?: number // great-circle metres; farther ones are left out, @default 5000
  sortByDistance?: boolean // true: nearest first; false: highest score first, @default false
  context?: Float32Array // the encoded row of the request's own features, if the network takes any
}

/** One line of the answer, as the API gives it. */
export interface RankedRestaurant {
  id: FeatureId
  score: number // click probability
  displacement: number // great-circle metres
  explanation?: Explanation // of `recommend`, if the request asks for it
}

export interface RankerOptions
  extends Pick<ScoringMemoryOptions, 'network' | 'features' | 'weights' | 'scores' | 'precomputeBytesMax'> {
  restaurantFeatures: Float32Array // [restaurants, words], encoded rows: of plain numbers as they are
  latitude: Float64Array // [restaurants], degrees
  longitude: Float64Array // [restaurants], degrees
  idOf?: (row: number) => FeatureId // of a restaurant, @default the row itself
}

/** Ranks restaurants near a user by click probability. Holds everything in memory; a request does no I/O. */
export class Ranker {
  readonly #scorer: PairScorer
  readonly #source: RankingSource
  readonly #idOf: (row: number) => FeatureId
  readonly #pass = new RankPass()

  /**
   * Computes each restaurant's part of the network: 51 MB for 100,000 restaurants and 128 units.
   * @throws NearrankError INPUT where the tables differ in length,
   * DAMAGED where the weights do not fit the network.
   */
  constructor(options: RankerOptions) {
    const { network, restaurantFeatures, latitude, longitude, idOf = (row: number) => row } = options
    const rows = restaurantFeatures.length / sideRow(network, 'restaurants').words
    if (latitude.length !== rows || longitude.length !== rows)
      throw new NearrankError(
        'INPUT',
        'Cannot rank: features, latitude and longitude must be of the same number of restaurants, found ' +
          `${rows}, ${latitude.length} and ${longitude.length}`,
      )
    const scorer = new PairScorer(
      createScoringMemory({ ...options, restaurantsMax: rows }),
      restaurantFeatures,
    )
    scorer.updateRows(0, rows)
    this.#scorer = scorer
    this.#idOf = idOf
    this.#source = {
      vectors: unitVectors(latitude, longitude),
      cells: Uint32Array.from(latitude, (degrees, row) => cellOf(degrees, longitude[row])),
      scoreInto: (logits, candidates, count, distancesM) =>
        scorer.scoreInto(logits, candidates, count, distancesM),
      isBefore: (rowA, rowB) => idOf(rowA) < idOf(rowB),
    }
  }

  /**
   * The ranked list for one user: `userFeatures`: the encoded row of the user. Equal scores (or distances)
   * are ordered by id.
   * @throws NearrankError INPUT for a request out of its bounds, NOT_FINITE for a score that is no number.
   */
  rank(userFeatures: Float32Array, request: RankRequest): { restaurants: RankedRestaurant[] } {
    const pass = this.#pass
    const where = checkedWhere(request)
    const { candidateRows } = request
    checkRows(candidateRows, this.#source.vectors.length / 3)
    pass.reserve(candidateRows.length)
    pass.candidates.set(candidateRows)
    this.#scorer.setUser(userFeatures, request.context)
    const ranked = pass.run(candidateRows.length, where, this.#source)
    if (pass.notFinite > 0) throw scoreNotFinite(this.#idOf(pass.notFiniteRow))
    return {
      restaurants: Array.from(pass.order.subarray(0, ranked), (at) => ({
        id: this.#idOf(pass.rows[at]),
        score: this.#scorer.scoreOf(pass.logits[at]),
        displacement: pass.distancesM[at],
      })),
    }
  }
}

function checkRows(candidates: Uint32Array | readonly number[], rowsEnd: number): void {
  for (const row of candidates)
    if (!Number.isInteger(row) || row < 0 || row >= rowsEnd)
      throw wrong('candidateRows', `rows of restaurants, 0 … ${rowsEnd - 1}`, row)
}

function checkedWhere(request: RankRequest): RankWhere {
  const { latitude, longitude, sortByDistance = false } = request
  const { size = DEFAULT_SIZE, maxDistM = DEFAULT_MAX_DIST_M } = request
  if (!(Math.abs(latitude) <= 90)) throw wrong('latitude', 'degrees from −90 to 90', latitude)
  if (!(Math.abs(longitude) <= 180)) throw wrong('longitude', 'degrees from −180 to 180', longitude)
  if (!Number.isInteger(size) || size < 1) throw wrong('size', 'an integer from 1', size)
  if (!(maxDistM >= 0)) throw wrong('maxDistM', 'metres, 0 or more', maxDistM)
  return { latitude, longitude, size, maxDistM, sortByDistance }
}

function wrong(what: string, wanted: string, found: number): NearrankError {
  return new NearrankError('INPUT', `Cannot rank: ${what} must be ${wanted}, found ${found}`)
}

function scoreNotFinite(id: FeatureId): NearrankError {
  return new NearrankError(
    'NOT_FINITE',
    `Cannot rank: every score must be a finite number, that of restaurant ${id} is not; ` +
      'check the features of that restaurant and of the user',
  )
}
