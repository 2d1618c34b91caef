import type { Side } from '../features/featureSpec.ts'
import type { SideShape } from '../features/fitProblem.ts'
import type { FeatureId, IdKind } from '../ids.ts'

/** What a store holds of one side. */
export interface SideLayout extends SideShape {
  ids: IdKind
  names?: readonly string[] // absent: not known yet
}

/** What a store holds. */
export type StoreLayout = Record<Side, SideLayout>

/** What is wanted of one side: `ids` or `names` that are absent are those of the store. */
export type WantedSide = Omit<SideLayout, 'ids'> & { ids?: IdKind }

export interface UserRow {
  side: 'users'
  id: FeatureId
  features: Float32Array // [layout.users.features], finite
}

export interface RestaurantRow {
  side: 'restaurants'
  id: FeatureId
  features: Float32Array // [layout.restaurants.features], finite
  latitude: number // degrees
  longitude: number
}

export interface DeletedRow {
  side: Side
  id: FeatureId
  deleted: true
}

/** A row put in whole, or taken out. */
export type Change = UserRow | RestaurantRow | DeletedRow

/** Rows of one side, column by column: what a full read delivers. */
export interface FeatureBatch {
  side: Side
  ids: readonly FeatureId[]
  features: Float32Array // [ids.length, features of the side], finite
  latitude: Float64Array | null // [ids.length], degrees; null: users
  longitude: Float64Array | null
}

/** Who keeps a copy of the store in memory. Calls come in order, one at a time, and must not throw. */
export interface StoreListener {
  /** A full read begins: at the start, and after a connection was lost. */
  onSyncStart(): void
  onBatch(batch: FeatureBatch): void
  /**
   * The full read is complete: a row that neither a batch nor a change
   * has told of since `onSyncStart` is gone.
   */
  onSyncEnd(): void
  /** Rows that were changed by anybody, in the order in which they were. */
  onChanges(changes: readonly Change[]): void
  /**
   * A row in the store cannot be used (wrong length, not finite, …) and
   * is left out; or another thing an operator must know.
   */
  onProblem(message: string): void
}

export const STORE_KINDS = ['sqlite', 'redis'] as const

export interface StoreStatus {
  kind: (typeof STORE_KINDS)[number]
  connected: boolean
  synced: boolean // the copy in memory is complete, as far as is known
  lagMs: number // since when it may be behind the store; 0: it is not
}

/**
 * Where features live. Every implementation passes test/store/conformance.ts. What a resolved `write` wrote
 * is durable, and the listener has been told of it (or of a later state of the same rows).
 */
export interface FeatureStore {
  readonly layout: StoreLayout
  /** How many rows there are, at least about. */
  count(): Promise<Record<Side, number>>
  /**
   * Reads everything, then tells of every change until `close`. Resolves
   * after the first `onSyncEnd`. Once in a store's life.
   */
  start(listener: StoreListener): Promise<void>
  /**
   * Writes all changes, in their order; later ones of the same row win.
   * @throws NearrankError DISK or UNAVAILABLE where nothing or only a part of them may have been
   * written, INPUT for a row that does not fit the layout (then nothing is written).
   */
  write(changes: readonly Change[]): Promise<void>
  /** Whether a fill began and has not come to its end. @throws NearrankError UNAVAILABLE */
  isFilling(): Promise<boolean>
  /**
   * Writes down, as durably as rows, that a fill begins or has come to its end.
   * @throws NearrankError DISK, UNAVAILABLE
   */
  setFilling(isFilling: boolean): Promise<void>
  status(): StoreStatus
  close(): Promise<void>
}

/** What is wanted of a store that is opened. */
export interface OpenStoreOptions {
  layout: Record<Side, WantedSide> // names are written down where the store has none
  /** Called if the store is new and `ids` are absent. @default integers */
  idsOfNew?: () => Promise<Record<Side, IdKind>>
}
