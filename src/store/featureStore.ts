import type { Side } from '../features/featureSpec.ts'
import type { SideShape } from '../features/fitProblem.ts'
import type { RawRow } from '../features/rawRow.ts'
import type { FeatureId, IdKind } from '../ids.ts'
import type { RedisTls } from './redis/tlsFiles.ts'

/** What a store holds of one side. */
export interface SideLayout extends SideShape {
  ids: IdKind
  names?: readonly string[] // absent: not known yet, of vectors only
  form?: 'values' // rows are raw values by the names of their features; absent: vectors of numbers
}

/** What a store holds. */
export type StoreLayout = Record<Side, SideLayout>

/** What is wanted of one side: `ids` or `names` that are absent are those of the store. */
export type WantedSide = Omit<SideLayout, 'ids'> & { ids?: IdKind }

/** A row of a side that holds vectors. */
export interface Vector {
  features: Float32Array // [features of the side], finite
}

/** A row of a side that holds values. */
export interface Values {
  values: RawRow
}

interface User {
  side: 'users'
  id: FeatureId
}

interface Restaurant {
  side: 'restaurants'
  id: FeatureId
  latitude: number // degrees
  longitude: number
}

export type UserRow = User & (Vector | Values)
export type RestaurantRow = Restaurant & (Vector | Values)

export interface DeletedRow {
  side: Side
  id: FeatureId
  deleted: true
}

/** A row whole. */
export type FeatureRow = UserRow | RestaurantRow

/** A row put in, or taken out. */
export type Change = FeatureRow | DeletedRow

/** Rows of one side, column by column: what a full read delivers. */
export type FeatureBatch = {
  side: Side
  ids: readonly FeatureId[]
  latitude: Float64Array | null // [ids.length], degrees; null: users
  longitude: Float64Array | null
} & (
  | { features: Float32Array } // [ids.length, features of the side], finite
  | { values: readonly RawRow[] } // [ids.length]
)

/** Who keeps a copy of the store in memory. Calls come in order, one at a time, and must not throw. */
export interface StoreListener {
  /** How many rows it holds. */
  readonly counts: Readonly<Record<Side, number>>
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
  /**
   * What else is wrong with it, as sentences for `/health/ready`, which anybody may read: no address, path or
   * name of theirs. @default none
   */
  troubles?: readonly string[]
  /** Why it is not connected although its server answers, as a part of a sentence, for anybody as well. */
  refusal?: string
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
  // Names are written down where the store has none. Of values, the store may have more than are wanted.
  layout: Record<Side, WantedSide>
  /** Called if the store is new, before it is made; `ids` of `layout` come first. @default integers */
  idsOfNew?: () => Promise<Record<Side, IdKind>>
  redisTls?: RedisTls // of a store at `rediss://`
}
