import assert from 'node:assert/strict'
import type { FeatureId } from '../../src/ids.ts'
import type { Side } from '../../src/features/featureSpec.ts'
import type {
  Change,
  FeatureBatch,
  FeatureStore,
  StoreLayout,
  StoreListener,
  Values,
  Vector,
} from '../../src/store/featureStore.ts'

/** A row as tests compare it: numbers of a vector by their bits, so that −0 and denormals count; values as JSON. */
export interface Row {
  id: FeatureId
  bits: number[]
  values: string | null
  latitude: number | null
  longitude: number | null
}

export type Rows = Record<Side, Map<FeatureId, Row>>

export function noRows(): Rows {
  return { users: new Map(), restaurants: new Map() }
}

/** Does to `rows` what a store does that is told of `changes`. */
export function applyChanges(rows: Rows, changes: readonly Change[]): void {
  for (const change of changes) {
    if ('deleted' in change) rows[change.side].delete(change.id)
    else
      rows[change.side].set(change.id, {
        id: change.id,
        ...contentOf('values' in change ? { values: change.values } : { features: change.features }),
        latitude: change.side === 'restaurants' ? change.latitude : null,
        longitude: change.side === 'restaurants' ? change.longitude : null,
      })
  }
}

/** A listener that keeps the naive copy in memory and insists on the order of the calls. */
export class StoreCopy implements StoreListener {
  readonly rows: Rows = noRows()
  readonly problems: string[] = []
  readonly calls: string[] = [] // 'start', 'batch', 'end', 'changes'
  syncs = 0
  readonly #layout: StoreLayout
  #told: Record<Side, Set<FeatureId>> | null = null

  constructor(layout: StoreLayout) {
    this.#layout = layout
  }

  get counts(): Record<Side, number> {
    return { users: this.rows.users.size, restaurants: this.rows.restaurants.size }
  }

  onSyncStart(): void {
    this.calls.push('start')
    this.#told = { users: new Set(), restaurants: new Set() }
  }

  onBatch(batch: FeatureBatch): void {
    const { side, ids, latitude, longitude } = batch
    this.calls.push('batch')
    assert.ok(this.#told, 'a batch only within a full read')
    const width = this.#layout[side].features
    assert.ok(ids.length > 0, 'no empty batches')
    if ('values' in batch) assert.equal(batch.values.length, ids.length)
    else assert.equal(batch.features.length, ids.length * width)
    assert.equal(latitude?.length, side === 'users' ? undefined : ids.length)
    assert.equal(longitude?.length, side === 'users' ? undefined : ids.length)
    for (const [i, id] of ids.entries()) {
      this.#told[side].add(id)
      this.rows[side].set(id, {
        id,
        ...contentOf(
          'values' in batch
            ? { values: batch.values[i] }
            : { features: batch.features.subarray(i * width, (i + 1) * width) },
        ),
        latitude: latitude?.[i] ?? null,
        longitude: longitude?.[i] ?? null,
      })
    }
  }

  onSyncEnd(): void {
    this.calls.push('end')
    assert.ok(this.#told, 'a full read ends only once')
    for (const side of ['users', 'restaurants'] as const)
      for (const id of this.rows[side].keys()) if (!this.#told[side].has(id)) this.rows[side].delete(id)
    this.#told = null
    this.syncs++
  }

  onChanges(changes: readonly Change[]): void {
    this.calls.push('changes')
    for (const { side, id } of changes) this.#told?.[side].add(id)
    applyChanges(this.rows, changes)
  }

  onProblem(message: string): void {
    this.problems.push(message)
  }
}

/** Starts `store` with a copy. */
export async function startCopy(store: FeatureStore): Promise<StoreCopy> {
  const copy = new StoreCopy(store.layout)
  await store.start(copy)
  return copy
}

function contentOf(row: Vector | Values): Pick<Row, 'bits' | 'values'> {
  if ('features' in row) return { bits: [...new Uint32Array(row.features.slice().buffer)], values: null }
  const present = Object.entries(row.values).filter(([, value]) => value !== null && value !== undefined)
  return { bits: [], values: JSON.stringify(present.toSorted(([a], [b]) => (a < b ? -1 : 1))) }
}
