import { unitVectorInto } from '../geo/greatCircle.ts'
import { cellOf } from '../geo/placeCells.ts'
import type { FeatureId, RestaurantRow, Side, UserRow } from '../store/featureStore.ts'
import { type LiveTables, liveRowOf } from './liveTables.ts'

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
  putUser({ id, features }: Pick<UserRow, 'id' | 'features'>): boolean {
    const { users, sums } = this.#tables
    const row = this.#rowFor('users', id)
    if (row < 0) return false
    const start = row * users.width
    users.log.change(row, () => {
      this.#addToSums(start, -1)
      users.features.set(features, start)
      this.#addToSums(start, 1)
    })
    this.#counts.users = sums[0]
    return true
  }

  /** Puts a restaurant in whole; false, and nothing changed, where there is no room for a new one. */
  putRestaurant(put: Omit<RestaurantRow, 'side'>): boolean {
    const { restaurants, vectors, cells, degrees } = this.#tables
    const row = this.#rowFor('restaurants', put.id)
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
    if (row < 0) return
    if (side === 'users') {
      const start = row * users.width
      users.log.change(row, () => {
        this.#addToSums(start, -1)
        users.features[start] = Number.NaN
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

  /** The row of an id, a new one as if deleted. A reader that finds it at once sees that there is nothing yet. */
  #rowFor(side: Side, id: FeatureId): number {
    const { ids, features, width, rowsMax } = this.#tables[side]
    const found = ids.rowOf(id)
    if (found >= 0) return found
    if (ids.rows === rowsMax) return -1
    features[ids.rows * width] = Number.NaN
    if (side === 'restaurants') this.#tables.vectors.fill(Number.NaN, 3 * ids.rows, 3 * ids.rows + 3)
    return ids.add(id)
  }

  #addToSums(start: number, sign: 1 | -1): void {
    const { users, sums } = this.#tables
    if (Number.isNaN(users.features[start])) return
    sums[0] += sign
    for (let f = 0; f < users.width; f++) sums[1 + f] += sign * users.features[start + f]
  }
}
