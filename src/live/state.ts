import { setImmediate as nextTurn } from 'node:timers/promises'
import { NearrankError } from '../errors.ts'
import type { RankerMemory } from './ranker.ts'
import {
  createLiveMemory,
  growLiveMemory,
  type LiveMemory,
  type LiveTables,
  liveRowOf,
  openLiveTables,
} from './tables.ts'
import { LiveWriter } from './writer.ts'
import { PairScorer } from '../ranking/pairScorer.ts'
import { createScoringMemory, type ScoringMemory } from '../ranking/scoringMemory.ts'
import type { Network, StateDict } from '../model/network.ts'
import type { FeatureId } from '../ids.ts'
import { type FeaturesOf, type Side, SIDES } from '../features/featureSpec.ts'
import type { Change, DeletedRow, FeatureBatch, StoreLayout, StoreListener } from '../store/featureStore.ts'
import { LivePlaces } from './places.ts'

const ROWS_MIN = 65_536
const SPARE = 2 // room for twice the rows that are there; what is not used takes no memory
const SLICE_ROWS = 4096 // scored in about a millisecond

export interface LoadedModel {
  network: Network
  features?: FeaturesOf // absent: plain numbers alone
  weights: StateDict
}

interface LiveModel {
  loaded: LoadedModel
  memory: ScoringMemory
  scorer: PairScorer
}

export interface LiveStateOptions {
  layout: StoreLayout
  rows: Record<Side, number> // that are expected
  threads: number // that rank; this one, thread 0, included
  ranksForMeanUser: boolean // it must be exact
  /** Hands memory to the threads that rank; resolves when none of them uses the one before any more. */
  publish: (memory: RankerMemory) => Promise<void>
  onProblem: (message: string) => void
  /** What the store told cannot be kept: memory would be behind it from now on. */
  onFailure: (error: Error) => void
  /** A full read of the store is complete. */
  onSynced: (rows: Readonly<Record<Side, number>>) => void
}

/**
 * All that is served, kept in step with the store: the one writer of
 * the memory that the ranking threads share.
 */
export class LiveState implements StoreListener {
  readonly #options: LiveStateOptions
  readonly #scorers = new Set<PairScorer>() // of the model that is served, and of one that is being prepared
  #live: LiveMemory
  #tables: LiveTables
  #writer: LiveWriter
  #places: LivePlaces
  #model: LiveModel | undefined
  // Rows that the full read has told of; undefined: none is running.
  #seen: Record<Side, Uint8Array> | undefined
  #published: Promise<void> = Promise.resolve()
  #isStale = false // what is published lacks something: a larger table, a new index

  constructor(options: LiveStateOptions) {
    this.#options = options
    const rowsMax = (rows: number) => Math.max(ROWS_MIN, SPARE * rows)
    this.#live = createLiveMemory(options.layout, {
      users: rowsMax(options.rows.users),
      restaurants: rowsMax(options.rows.restaurants),
    })
    this.#tables = openLiveTables(this.#live)
    this.#writer = this.#newWriter()
    this.#places = new LivePlaces(this.#tables)
  }

  get counts(): Readonly<Record<Side, number>> {
    return this.#writer.counts
  }

  /** The row as it is ranked with now. */
  read(side: Side, id: FeatureId): Exclude<Change, DeletedRow> | undefined {
    const { degrees } = this.#tables
    const table = this.#tables[side]
    const row = liveRowOf(table, id)
    if (row < 0) return undefined
    const features = table.features.slice(row * table.width, (row + 1) * table.width)
    if (side === 'users') return { side, id: table.ids.idAt(row), features }
    const [latitude, longitude] = degrees.subarray(2 * row, 2 * row + 2)
    return { side, id: table.ids.idAt(row), features, latitude, longitude }
  }

  /** Up to `count` ids of a side, spread over all of them. */
  sampleIds(side: Side, count: number): FeatureId[] {
    const { ids } = this.#tables[side]
    const found: FeatureId[] = []
    for (let i = 0; i < count; i++) {
      const row = Math.floor((i * ids.rows) / count)
      if (row < ids.rows) found.push(ids.idAt(row))
    }
    return found.filter((id) => this.read(side, id) !== undefined)
  }

  /** Resolves when every thread sees all that has been told so far. */
  settled(): Promise<void> {
    return this.#published
  }

  onSyncStart(): void {
    const { users, restaurants } = this.#tables
    this.#seen = { users: new Uint8Array(users.rowsMax), restaurants: new Uint8Array(restaurants.rowsMax) }
  }

  onBatch({ side, ids, features, latitude, longitude }: FeatureBatch): void {
    const { width } = this.#tables[side]
    for (const [i, id] of ids.entries()) {
      const row = features.subarray(i * width, (i + 1) * width)
      if (side === 'users') this.#put({ side, id, features: row })
      else
        this.#put({
          side,
          id,
          features: row,
          latitude: latitude?.[i] ?? Number.NaN,
          longitude: longitude?.[i] ?? Number.NaN,
        })
    }
  }

  onSyncEnd(): void {
    for (const side of SIDES) {
      const { ids } = this.#tables[side]
      for (let row = 0; row < ids.rows; row++)
        if (this.#seen?.[side][row] !== 1) this.#writer.delete(side, ids.idAt(row))
    }
    this.#seen = undefined
    if (this.#options.ranksForMeanUser) this.#writer.settleSums()
    this.#rebuildPlaces()
    this.#options.onSynced(this.counts)
  }

  onChanges(changes: readonly Change[]): void {
    this.#follow(() => {
      for (const change of changes)
        if ('deleted' in change) this.#delete(change)
        else this.#put(change)
      if (this.#options.ranksForMeanUser) this.#writer.settleSums()
    })
  }

  onProblem(message: string): void {
    this.#options.onProblem(message)
  }

  /**
   * Serves another model: computes every restaurant's part in slices, lets `check` try it, and hands it
   * over if that does not throw. What the store tells meanwhile counts for both models.
   */
  async setModel(
    loaded: LoadedModel,
    check: (tables: LiveTables, scorer: PairScorer) => void,
  ): Promise<void> {
    const { restaurants } = this.#tables
    const model = this.#modelFor(loaded, this.#tables)
    const { scorer } = model
    this.#scorers.add(scorer)
    try {
      for (let row = 0; row < restaurants.ids.rows; row += SLICE_ROWS) {
        scorer.updateRows(row, Math.min(row + SLICE_ROWS, restaurants.ids.rows))
        await nextTurn()
      }
      // The tables may have grown under it.
      if (restaurants !== this.#tables.restaurants) return await this.setModel(loaded, check)
      check(this.#tables, scorer)
    } finally {
      this.#scorers.delete(scorer)
    }
    const before = this.#model
    this.#model = model
    this.#scorers.add(scorer)
    await this.#publish()
    if (before) this.#scorers.delete(before.scorer)
  }

  #memoryWith(model: ScoringMemory): RankerMemory {
    return { live: this.#live, model, places: this.#places.index, moved: this.#places.moved }
  }

  #newWriter(): LiveWriter {
    return new LiveWriter(this.#tables, {
      followers: this.#scorers,
      onMove: (row) => this.#onMove(row),
    })
  }

  #put(row: Exclude<Change, DeletedRow>): void {
    const put = () => (row.side === 'users' ? this.#writer.putUser(row) : this.#writer.putRestaurant(row))
    while (!put()) this.#grow(row.side)
    this.#see(row)
  }

  #delete(row: DeletedRow): void {
    this.#writer.delete(row.side, row.id)
    this.#see(row)
  }

  #see({ side, id }: Change): void {
    if (!this.#seen) return
    const row = this.#tables[side].ids.rowOf(id)
    if (row >= 0) this.#seen[side][row] = 1
  }

  /**
   * Another memory with twice the room on one side; whoever ranks goes
   * on with the old one until it is handed over.
   */
  #grow(side: Side): void {
    const { users, restaurants } = this.#tables
    const rowsMax = { users: users.rowsMax, restaurants: restaurants.rowsMax }
    rowsMax[side] *= 2
    // All that may fail comes first.
    const live = growLiveMemory(this.#live, rowsMax)
    const tables = openLiveTables(live)
    const model = this.#model && this.#modelFor(this.#model.loaded, tables)
    model?.scorer.updateRows(0, tables.restaurants.ids.rows)
    this.#live = live
    this.#tables = tables
    this.#writer = this.#newWriter()
    this.#model = model
    this.#scorers.clear() // the others have no room for the new rows
    if (model) this.#scorers.add(model.scorer)
    if (this.#seen) {
      const seen = new Uint8Array(rowsMax[side])
      seen.set(this.#seen[side])
      this.#seen[side] = seen
    }
    this.#publishSoon()
  }

  #modelFor(loaded: LoadedModel, tables: LiveTables): LiveModel {
    const { restaurants } = tables
    const { threads } = this.#options
    const memory = createScoringMemory({ ...loaded, restaurantsMax: restaurants.rowsMax, threads })
    return { loaded, memory, scorer: new PairScorer(memory, restaurants.features) }
  }

  /** Takes in what the store tells; where that fails, the server must not go on as if nothing were. */
  #follow(take: () => void): void {
    try {
      take()
    } catch (error) {
      this.#options.onFailure(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  #onMove(row: number): void {
    // The first full read: its end builds the index, and nobody ranks before.
    if (this.#seen && !this.#model) return
    if (this.#places.note(row) === 'full') this.#rebuildPlaces()
  }

  #rebuildPlaces(): void {
    this.#places = new LivePlaces(this.#tables)
    this.#publishSoon()
  }

  /** Publishes once for all that happens in this turn of the event loop. */
  #publishSoon(): void {
    if (this.#isStale || !this.#model) return
    this.#isStale = true
    this.#published = this.#published
      .then(() => nextTurn())
      .then(() => this.#publish())
      .catch((error: unknown) => {
        throw new NearrankError('INTERNAL', 'the listening threads did not take over new memory', {
          cause: error,
        })
      })
    this.#published.catch((error: unknown) => this.#options.onProblem(String(error)))
  }

  async #publish(): Promise<void> {
    if (!this.#model) return
    this.#isStale = false
    await this.#options.publish(this.#memoryWith(this.#model.memory))
  }
}
