import { setImmediate as nextTurn } from 'node:timers/promises'
import { NearrankError } from '../errors.ts'
import { encodeRows } from './encodeRows.ts'
import type { RankerMemory } from './ranker.ts'
import { type LiveTables, liveRowOf, randomIds } from './tables.ts'
import { PairScorer } from '../ranking/pairScorer.ts'
import { createScoringMemory, type ScoringMemory } from '../ranking/scoringMemory.ts'
import type { Network, StateDict } from '../model/network.ts'
import type { Scores } from '../model/scoreOf.ts'
import type { FeatureId } from '../ids.ts'
import { shown } from '../shown.ts'
import { type FeaturesOf, namesOf, type Side, SIDES, SINGULAR } from '../features/featureSpec.ts'
import type { RawRow } from '../features/rawRow.ts'
import type { Change, FeatureBatch, FeatureRow, StoreLayout, StoreListener } from '../store/featureStore.ts'
import { ProblemWindow } from '../store/problemWindow.ts'
import { LiveSet } from './liveSet.ts'
import { LivePlaces } from './places.ts'
import { RawRows } from './rawRows.ts'

const ROWS_MIN = 16_384
const SPARE = 2 // room for twice the rows that are there; what is not used takes no memory
const SLICE_ROWS = 4096 // scored in about a millisecond

export interface LoadedModel {
  features: FeaturesOf
  network: Network
  weights: StateDict
  scores?: Scores
}

/** A model and the memory that its rankings are made from. */
export interface ServedMemory {
  loaded: LoadedModel
  memory: RankerMemory
  tables: LiveTables
}

interface LiveModel {
  loaded: LoadedModel
  memory: ScoringMemory
  scorer: PairScorer
}

export interface LiveStateOptions {
  layout: StoreLayout
  features: FeaturesOf // of the first model
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
  // Of sides that hold values.
  readonly #raw: Record<Side, RawRows> = { users: new RawRows(), restaurants: new RawRows() }
  readonly #problems: ProblemWindow
  #set: LiveSet
  #next: LiveSet | undefined // being made for a model with other features; told of all changes, too
  #places: LivePlaces
  #model: LiveModel | undefined
  // Rows that the full read has told of; undefined: none is running.
  #seen: Record<Side, Uint8Array> | undefined
  #published: Promise<void> = Promise.resolve()
  #isStale = false // what is published lacks something: a larger table, a new index

  constructor(options: LiveStateOptions) {
    this.#options = options
    this.#problems = new ProblemWindow('rows', options.onProblem)
    const { layout, features, rows } = options
    const rowsMax = (side: Side) => Math.max(ROWS_MIN, SPARE * rows[side])
    this.#set = LiveSet.create(
      { layout, features, onMove: (row, set) => this.#onMove(row, set) },
      { users: rowsMax('users'), restaurants: rowsMax('restaurants') },
    )
    this.#places = new LivePlaces(this.#set.tables)
  }

  get counts(): Readonly<Record<Side, number>> {
    return this.#set.writer.counts
  }

  /** What the model takes that is served, or is the first to be. */
  get features(): FeaturesOf {
    return this.#model?.loaded.features ?? this.#options.features
  }

  /** What is ranked with now; undefined: no model is served yet. */
  get served(): ServedMemory | undefined {
    if (!this.#model) return undefined
    const { loaded, memory } = this.#model
    return { loaded, memory: this.#memoryWith(memory), tables: this.#set.tables }
  }

  /** The row as it is ranked with now, or would be if the model could use its values. */
  read(side: Side, id: FeatureId): FeatureRow | undefined {
    const { degrees } = this.#set.tables
    const { ids, features, width } = this.#set.tables[side]
    const row = ids.rowOf(id)
    const values = this.#raw[side].get(row)
    if (!values && liveRowOf(this.#set.tables[side], id) < 0) return undefined
    const own = values ? { values } : { features: features.slice(row * width, (row + 1) * width) }
    if (side === 'users') return { side, id: ids.idAt(row), ...own }
    const [latitude, longitude] = degrees.subarray(2 * row, 2 * row + 2)
    return { side, id: ids.idAt(row), ...own, latitude, longitude }
  }

  /** So many random rows that can be ranked with, or all there are. Looks at each row if few are left. */
  sample(side: Side, count: number): FeatureRow[] {
    const ids = randomIds(this.#set.tables[side], count)
    return ids.flatMap((id) => this.read(side, id) ?? [])
  }

  /** What is wrong with a row of values for the served model, as a part of a sentence; undefined: nothing. */
  problem(side: Side, values: RawRow): string | undefined {
    return this.#set.problem(side, values)
  }

  /** Resolves when every thread sees all that has been told so far. */
  settled(): Promise<void> {
    return this.#published
  }

  onSyncStart(): void {
    const { users, restaurants } = this.#set.tables
    this.#seen = { users: new Uint8Array(users.rowsMax), restaurants: new Uint8Array(restaurants.rowsMax) }
  }

  onBatch(batch: FeatureBatch): void {
    const { side, ids, latitude, longitude } = batch
    const { features: width } = this.#options.layout[side]
    for (const [i, id] of ids.entries()) {
      const own =
        'values' in batch
          ? { values: batch.values[i] }
          : { features: batch.features.subarray(i * width, (i + 1) * width) }
      if (side === 'users') this.#put({ side, id, ...own })
      else
        this.#put({
          side,
          id,
          ...own,
          latitude: latitude?.[i] ?? Number.NaN,
          longitude: longitude?.[i] ?? Number.NaN,
        })
      this.#see({ side, id })
    }
  }

  onSyncEnd(): void {
    for (const side of SIDES) {
      const { ids } = this.#set.tables[side]
      for (let row = 0; row < ids.rows; row++)
        if (this.#seen?.[side][row] !== 1) this.#remove(side, ids.idAt(row))
    }
    this.#seen = undefined
    this.#settleSums()
    this.#rebuildPlaces()
    this.#problems.end()
    this.#options.onSynced(this.counts)
  }

  onChanges(changes: readonly Change[]): void {
    this.#follow(() => {
      for (const change of changes) {
        if ('deleted' in change) this.#remove(change.side, change.id)
        else this.#put(change)
        this.#see(change)
      }
      this.#settleSums()
    })
  }

  onProblem(message: string): void {
    this.#options.onProblem(message)
  }

  /**
   * Serves another model: encodes the rows anew if it takes other features, computes every restaurant's part,
   * both in slices, lets `check` try it, and hands it over if that does not throw. What the store tells
   * meanwhile counts for both models.
   * @throws NearrankError INPUT where no row of a side can be encoded for it.
   */
  async setModel(
    loaded: LoadedModel,
    check: (tables: LiveTables, scorer: PairScorer) => void,
  ): Promise<void> {
    const base = this.#set
    const isGrown = () => base !== this.#set
    const isReshaped = !base.isFor(loaded.features)
    const set = isReshaped ? base.reshaped(loaded.features) : base
    const model = this.#modelFor(loaded, set.tables)
    const { scorer } = model
    set.scorers.add(scorer)
    let notes: string[] = []
    try {
      if (isReshaped) {
        this.#next = set
        const { layout } = this.#options
        notes = await encodeRows(set, { from: base, raw: this.#raw, layout, isWanted: () => !isGrown() })
      }
      const { ids } = set.tables.restaurants
      for (let row = 0; row < ids.rows && !isGrown(); row += SLICE_ROWS) {
        scorer.updateRows(row, Math.min(row + SLICE_ROWS, ids.rows))
        await nextTurn()
      }
      // The tables may have grown under it.
      if (isGrown()) return await this.setModel(loaded, check)
      check(set.tables, scorer)
    } finally {
      set.scorers.delete(scorer)
      if (this.#next === set) this.#next = undefined
    }
    const before = this.#model
    this.#model = model
    set.scorers.add(scorer)
    if (isReshaped) {
      this.#set = set
      for (const note of notes) this.#options.onProblem(note)
      // Writes wait for it, too: threads that rank with the model before do not see these tables.
      this.#rebuildPlaces()
      await this.#published
    } else await this.#publish()
    if (before) set.scorers.delete(before.scorer)
  }

  #memoryWith(model: ScoringMemory): RankerMemory {
    const { memory: live, features } = this.#set
    const { index: places, moved } = this.#places
    return { live, model, places, moved, userFeatures: namesOf(features.users) }
  }

  #put(row: FeatureRow): void {
    const { side, id } = row
    let put = this.#set.put(row)
    while (put === 'full') {
      this.#grow(side)
      put = this.#set.put(row)
    }
    this.#next?.put(row) // it has as much room
    if ('values' in row) this.#raw[side].set(this.#set.tables[side].ids.rowOf(id), row.values)
    if (typeof put === 'object')
      this.#problems.tell(
        `Cannot use ${SINGULAR[side]} ${shown(id)} of the store: ${put.problem}; write it again`,
      )
  }

  #remove(side: Side, id: FeatureId): void {
    this.#set.writer.delete(side, id)
    this.#next?.writer.delete(side, id)
    const row = this.#set.tables[side].ids.rowOf(id)
    if (row >= 0) this.#raw[side].delete(row)
  }

  #see({ side, id }: Pick<Change, 'side' | 'id'>): void {
    if (!this.#seen) return
    const row = this.#set.tables[side].ids.rowOf(id)
    if (row >= 0) this.#seen[side][row] = 1
  }

  /**
   * Another memory with twice the room on one side; whoever ranks goes
   * on with the old one until it is handed over.
   */
  #grow(side: Side): void {
    // All that may fail comes first.
    const set = this.#set.grown(side)
    const model = this.#model && this.#modelFor(this.#model.loaded, set.tables)
    model?.scorer.updateRows(0, set.tables.restaurants.ids.rows)
    this.#set = set
    this.#next = undefined // it has no room for the new rows; whoever makes it begins again
    this.#model = model
    if (model) set.scorers.add(model.scorer)
    if (this.#seen) {
      const seen = new Uint8Array(set.tables[side].rowsMax)
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

  #settleSums(): void {
    if (!this.#options.ranksForMeanUser) return
    this.#set.writer.settleSums()
    this.#next?.writer.settleSums()
  }

  #onMove(row: number, set: LiveSet): void {
    if (set !== this.#set) return
    // The first full read: its end builds the index, and nobody ranks before.
    if (this.#seen && !this.#model) return
    if (this.#places.note(row) === 'full') this.#rebuildPlaces()
  }

  #rebuildPlaces(): void {
    this.#places = new LivePlaces(this.#set.tables)
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
