import { keepWithin } from '../geo/greatCircle.ts'
import { keepInReach } from '../geo/placeCells.ts'
import { RowSet } from './rowSet.ts'
import { type IsBefore, topKInto } from './topK.ts'

/** What a pass needs to know of the restaurants. */
export interface RankingSource {
  vectors: Float64Array // [restaurants, 3], of geo's unitVectors; NaN: nowhere
  cells: Uint32Array // [restaurants], of geo's cellOf
  /** Writes the logits of the first `count` rows. */
  scoreInto: (logits: Float64Array, rows: Uint32Array, count: number, distancesM: Float64Array) => void
  isBefore: IsBefore // of restaurants with equal scores or distances
}

/** Where and how to rank; checked. */
export interface RankWhere {
  latitude: number // of the user, degrees
  longitude: number
  size: number // how many to return at most
  maxDistM: number // great-circle metres; farther ones are left out
  sortByDistance: boolean // true: nearest first; false: highest score first
}

/** A pass after another over the same scratch, so that a request allocates next to nothing. */
export class RankPass {
  candidates = new Uint32Array(1024) // rows; one that stands twice counts once
  rows = new Uint32Array(1024) // after a pass: the candidates within reach, in no order
  logits = new Float64Array(1024)
  distancesM = new Float64Array(1024)
  order = new Uint32Array(1024) // positions of the best, best first
  notFinite = 0 // restaurants of the last pass that have no finite score
  notFiniteRow = 0 // one of them
  #keys = new Float64Array(1024)
  readonly #seen = new RowSet()

  /** Makes room for `count` candidates. */
  reserve(count: number): void {
    if (count <= this.rows.length) return
    const length = Math.max(count, 2 * this.rows.length)
    this.candidates = new Uint32Array(length)
    this.rows = new Uint32Array(length)
    this.logits = new Float64Array(length)
    this.distancesM = new Float64Array(length)
    this.order = new Uint32Array(length)
    this.#keys = new Float64Array(length)
  }

  /**
   * Ranks the first `count` of `candidates`: those within reach, best first; with `sortByDistance` nearest
   * first. Scores only what is within reach. Returns how many positions stand in `order`. Restaurants whose
   * score is no finite number are left out and counted in `notFinite`.
   */
  run(count: number, where: RankWhere, source: RankingSource): number {
    const { rows, logits, distancesM, order, candidates } = this
    const { vectors, cells } = source
    const maybe = keepInReach(rows, candidates, count, cells, where)
    const near = this.#keepDistinct(keepWithin(rows, distancesM, rows, maybe, vectors, where))
    source.scoreInto(logits, rows, near, distancesM)
    const finite = this.#keepFinite(near)
    const keys = where.sortByDistance ? distancesM : this.#keys
    return topKInto(order, keys, rows, finite, where.size, source.isBefore)
  }

  #keepFinite(count: number): number {
    const { rows, logits, distancesM } = this
    let kept = 0
    for (let i = 0; i < count; i++) {
      const logit = logits[i]
      if (!Number.isFinite(logit)) {
        this.notFiniteRow = rows[i]
        continue
      }
      rows[kept] = rows[i]
      distancesM[kept] = distancesM[i]
      logits[kept] = logit
      this.#keys[kept++] = -logit
    }
    this.notFinite = count - kept
    return kept
  }

  /** Leaves each of the first `count` rows once. Done last, since most candidates are out of reach. */
  #keepDistinct(count: number): number {
    const { rows, distancesM } = this
    const seen = this.#seen
    seen.clear(count)
    let kept = 0
    for (let i = 0; i < count; i++) {
      const row = rows[i]
      if (!seen.add(row)) continue
      rows[kept] = row
      distancesM[kept++] = distancesM[i]
    }
    return kept
  }
}
