import { unitVectorInto } from '../geo/greatCircle.ts'
import { cellOf } from '../geo/placeCells.ts'
import type { FeatureId } from '../ids.ts'
import type { Side } from '../features/featureSpec.ts'
import { type LiveTables, liveRowOf } from './tables.ts'

/** An encoded row of a user. */
export interface LiveUser {
  id: FeatureId
  features: Float32Array // [words]
}

/** An encoded row of a restaurant, and where it is. */
export interface LiveRestaurant extends LiveUser {
  latitude: number // degrees
  longitude: number
}

const NO_ROW = -1
const LOSSY_FROM = 2 ** 32 // a feature that, alone, makes half of a sum costs it 20 of its 52 bits from here

/** Told of a restaurant's row while it is being changed, before anybody can see it. */
export interface RestaurantFollower {
  updateRow(row: number): void
}

/** The one thread that changes live tables does it through this. */
export class LiveWriter {
  readonly #tables: LiveTables
  readonly #followers: ReadonlySet<RestaurantFollower>
  readonly #onMove: (row: number) => void
  readonly #counts = { users: 0, restaurants: 0 }
  readonly #vector = new Float64Array(3)
  #isLossy = false // the sums have held an outlier that is gone

  /** `onMove`: called after a restaurant came, went or moved. */
  constructor(
    tables: LiveTables,
    options: { followers: ReadonlySet<RestaurantFollower>; onMove: (row: number) => void },
  ) {
    this.#tables = tables
    this.#followers = options.followers
    this.#onMove = options.onMove
    this.#counts.users = tables.sums[0]
    for (let row = 0; row < tables.restaurants.ids.rows; row++)
      if (!Number.isNaN(tables.vectors[3 * row])) this.#counts.restaurants++
  }

  /** How many rows there are. */
  get counts(): Readonly<Record<Side, number>> {
    return this.#counts
  }

  /** Puts a user in whole; false, and nothing changed, where there is no room for a new one. */
  putUser({ id, features }: LiveUser): boolean {
    const { users, sums } = this.#tables
    const row = this.rowFor('users', id)
    if (row < 0) return false
    const start = row * users.width
    users.log.change(row, () => {
      this.#takeFromSums(start)
      users.features.set(features, start)
      this.#addToSums(start)
    })
    this.#counts.users = sums[0]
    return true
  }

  /** Puts a restaurant in whole; false, and nothing changed, where there is no room for a new one. */
  putRestaurant(put: LiveRestaurant): boolean {
    const { restaurants, vectors, cells, degrees } = this.#tables
    const row = this.rowFor('restaurants', put.id)
    if (row < 0) return false
    const vector = this.#vector
    unitVectorInto(vector, 0, put.latitude, put.longitude)
    const before = vectors.subarray(3 * row, 3 * row + 3)
    const hasMoved = vector.some((coordinate, i) => coordinate !== before[i])
    if (Number.isNaN(before[0])) this.#counts.restaurants++
    restaurants.log.change(row, () => {
      restaurants.features.set(put.features, row * restaurants.width)
      for (const follower of this.#followers) follower.updateRow(row)
      before.set(vector)
      cells[row] = cellOf(put.latitude, put.longitude)
      degrees[2 * row] = put.latitude
      degrees[2 * row + 1] = put.longitude
    })
    if (hasMoved) this.#onMove(row)
    return true
  }

  delete(side: Side, id: FeatureId): void {
    const { users, restaurants, vectors, sums } = this.#tables
    const row = liveRowOf(this.#tables[side], id)
    if (row < 0) {
      const { ids, features, width } = this.#tables[side]
      const gone = ids.rowOf(id)
      if (gone >= 0) features[gone * width] = Number.NaN // it may have been marked as unusable
      return
    }
    if (side === 'users') {
      const start = row * users.width
      users.log.change(row, () => {
        this.#takeFromSums(start)
      })
      this.#counts.users = sums[0]
    } else {
      restaurants.log.change(row, () => {
        restaurants.features[row * restaurants.width] = Number.NaN
        vectors.fill(Number.NaN, 3 * row, 3 * row + 3)
      })
      this.#counts.restaurants--
      this.#onMove(row)
    }
  }

  /**
   * Makes the sums exact again, behind a series of changes: a float64 that has held an outlier has lost what
   * is small beside it, for good. 50 ms for a million users where that was so, else nothing.
   */
  settleSums(): void {
    if (!this.#isLossy) return
    this.#isLossy = false
    const { users, sums } = this.#tables
    users.log.change(NO_ROW, () => {
      sums.fill(0)
      for (let row = 0; row < users.ids.rows; row++)
        if (!Number.isNaN(users.features[row * users.width])) this.#addToSums(row * users.width)
    })
  }

  /**
   * The row of an id, a new one as if deleted; −1 where there is no room for it. A reader that finds it at
   * once sees that there is nothing yet.
   */
  rowFor(side: Side, id: FeatureId): number {
    const { ids, features, width, rowsMax } = this.#tables[side]
    const found = ids.rowOf(id)
    if (found >= 0) return found
    if (ids.rows === rowsMax) return -1
    features[ids.rows * width] = Number.NaN
    if (side === 'restaurants') this.#tables.vectors.fill(Number.NaN, 3 * ids.rows, 3 * ids.rows + 3)
    return ids.add(id)
  }

  #addToSums(start: number): void {
    const { users, sums } = this.#tables
    sums[0]++
    for (let f = 0; f < users.numbers; f++) sums[1 + f] += users.features[start + f]
  }

  /** Takes a user out of the sums; NaN marks that it is gone, or not there yet. */
  #takeFromSums(start: number): void {
    const { users, sums } = this.#tables
    if (Number.isNaN(users.features[start])) return
    let isLossy = false
    for (let f = 0; f < users.numbers; f++) {
      const feature = users.features[start + f]
      const size = Math.abs(feature)
      isLossy ||= size > LOSSY_FROM && size > Math.abs(sums[1 + f]) / 2
      sums[1 + f] -= feature
    }
    sums[0]--
    users.features[start] = Number.NaN
    this.#isLossy ||= isLossy
  }
}
