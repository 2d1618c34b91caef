import type { FeatureSpec, Side } from '../features/featureSpec.ts'
import type { RawRow } from '../features/rawRow.ts'
import { ValuesEncoder } from '../features/valuesEncoder.ts'
import type { PairScorer } from '../ranking/pairScorer.ts'
import type { FeatureRow, StoreLayout } from '../store/featureStore.ts'
import {
  createLiveMemory,
  growLiveMemory,
  type LiveMemory,
  type LiveTables,
  liveShape,
  markUnusable,
  openLiveTables,
  reshapeLiveMemory,
} from './tables.ts'
import { LiveWriter } from './writer.ts'

/** What a model takes of each side. */
export type SideFeatures = Readonly<Record<Side, readonly FeatureSpec[]>>

export interface LiveSetOptions {
  layout: StoreLayout
  features: SideFeatures
  /** Called after a restaurant of `set` came, went or moved. */
  onMove: (row: number, set: LiveSet) => void
}

/** What became of a row: there may be no room for it, or a value that the features cannot be made of. */
export type Put = 'done' | 'full' | { problem: string }

/** Tables of rows that are encoded for one list of features, with their one writer. */
export class LiveSet {
  readonly memory: LiveMemory
  readonly tables: LiveTables
  readonly writer: LiveWriter
  readonly features: SideFeatures
  readonly scorers = new Set<PairScorer>() // told of every restaurant that changes
  readonly #options: LiveSetOptions
  readonly #encoders: Record<Side, ValuesEncoder>

  static create(options: LiveSetOptions, rowsMax: Record<Side, number>): LiveSet {
    return new LiveSet(createLiveMemory(shapesOf(options), rowsMax), options)
  }

  private constructor(memory: LiveMemory, options: LiveSetOptions) {
    const { features } = options
    this.memory = memory
    this.tables = openLiveTables(memory)
    this.features = features
    this.#options = options
    this.#encoders = {
      users: new ValuesEncoder(features.users),
      restaurants: new ValuesEncoder(features.restaurants),
    }
    this.writer = new LiveWriter(this.tables, {
      followers: this.scorers,
      onMove: (row) => options.onMove(row, this),
    })
  }

  /** The same rows in memory with twice the room on one side. */
  grown(side: Side): LiveSet {
    const { users, restaurants } = this.tables
    const rowsMax = { users: users.rowsMax, restaurants: restaurants.rowsMax }
    rowsMax[side] *= 2
    return new LiveSet(growLiveMemory(this.memory, rowsMax), this.#options)
  }

  /**
   * The same ids under the same row numbers in tables for other features. Vectors are there already, rows of
   * values are yet to be put.
   */
  reshaped(features: SideFeatures): LiveSet {
    const { layout } = this.#options
    const options = { ...this.#options, features }
    const memory = reshapeLiveMemory(this.memory, shapesOf(options))
    const to = openLiveTables(memory)
    const { users, restaurants, sums, vectors, cells } = this.tables
    if (layout.users.form !== 'values') {
      to.users.features.set(users.features.subarray(0, users.ids.rows * users.width))
      to.sums.set(sums)
    }
    if (layout.restaurants.form !== 'values') {
      const { rows } = restaurants.ids
      to.restaurants.features.set(restaurants.features.subarray(0, rows * restaurants.width))
      to.vectors.set(vectors.subarray(0, 3 * rows))
      to.cells.set(cells.subarray(0, rows))
    }
    return new LiveSet(memory, options)
  }

  /** Whether these tables do for a model that takes `features`. */
  isFor(features: SideFeatures): boolean {
    // What a vector means is a matter of the store, whatever the model.
    const isSame = (side: Side) =>
      this.#options.layout[side].form !== 'values' ||
      JSON.stringify(features[side]) === JSON.stringify(this.features[side])
    return isSame('users') && isSame('restaurants')
  }

  /** What is wrong with a row of values for these features, as a part of a sentence; undefined: nothing. */
  problem(side: Side, values: RawRow): string | undefined {
    const encoded = this.#encoders[side].encode(values, 0)
    return typeof encoded === 'string' ? encoded : undefined
  }

  /** Puts a row in whole. One that cannot be encoded is as if deleted, but has a number and its place. */
  put(row: FeatureRow): Put {
    const place = row.side === 'restaurants' ? ([row.latitude, row.longitude] as const) : undefined
    const features =
      'values' in row ? this.#encoders[row.side].encode(row.values, row.id, place) : row.features
    if (typeof features === 'string') return this.#leaveOut(row, features)
    const { id } = row
    const isDone =
      row.side === 'users'
        ? this.writer.putUser({ id, features })
        : this.writer.putRestaurant({ id, features, latitude: row.latitude, longitude: row.longitude })
    return isDone ? 'done' : 'full'
  }

  #leaveOut(row: FeatureRow, problem: string): Put {
    const number = this.writer.rowFor(row.side, row.id)
    if (number < 0) return 'full'
    this.writer.delete(row.side, row.id)
    markUnusable(this.tables[row.side], number, this.#encoders[row.side].failed)
    if (row.side === 'restaurants') this.tables.degrees.set([row.latitude, row.longitude], 2 * number)
    return { problem }
  }
}

function shapesOf({ layout, features }: LiveSetOptions) {
  return {
    users: liveShape(layout.users.ids, features.users),
    restaurants: liveShape(layout.restaurants.ids, features.restaurants),
  }
}
