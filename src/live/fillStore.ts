import {
  type FeatureTable,
  readFeaturesInto,
  readIds,
  readPlaces,
  type Tables,
} from '../dataset/tables/featureTables.ts'
import { openTablesApart } from '../dataset/openApart.ts'
import type { OpenOptions } from '../dataset/openOptions.ts'
import type { DatasetOptions } from '../dataset/options.ts'
import { NearrankError } from '../errors.ts'
import { namesProblem } from '../store/featureNames.ts'
import type { Change, FeatureId, FeatureStore, Side, StoreLayout } from '../store/featureStore.ts'

const WRITE_ROWS = 16_384 // a transaction

export interface FillProgress {
  stage: 'pack' | 'write'
  side: Side
  rowsDone: number
  rowsTotal: number
}

export interface FillStoreOptions extends DatasetOptions, Pick<OpenOptions, 'signal'> {
  store: FeatureStore
  onProgress?: (progress: FillProgress) => void
}

/** What a store must hold to take the data in. Parquet is packed for it, on first use. @throws NearrankError as `openTables`. */
export async function layoutOfData(
  options: DatasetOptions & Pick<FillStoreOptions, 'signal' | 'onProgress'>,
): Promise<StoreLayout> {
  return layoutOf(await openData(options))
}

/**
 * Writes all users and restaurants of a folder of Parquet into `store`; rows that only the store has stay. If it is stopped, what has been
 * written stays too, the store says that it is being filled, and another run does the
 * rest. Memory: the larger of the two tables. @throws NearrankError INPUT where the data does not fit the store; DISK, UNAVAILABLE, ABORTED; as `openTables`.
 */
export async function fillStore({ store, ...options }: FillStoreOptions): Promise<Record<Side, number>> {
  const tables = await openData(options)
  checkFits(layoutOf(tables), store.layout, options.data)
  await store.setFilling(true)
  await fillSide(tables.users, null, { store, ...options })
  await fillSide(tables.restaurants, await readPlaces(tables), { store, ...options })
  await store.setFilling(false)
  return { users: tables.users.rows, restaurants: tables.restaurants.rows }
}

function openData({
  onProgress,
  ...options
}: DatasetOptions & Pick<FillStoreOptions, 'signal' | 'onProgress'>): Promise<Tables> {
  return openTablesApart({
    ...options,
    onProgress: ({ stage, rowsDone, rowsTotal }) => {
      if (stage === 'users' || stage === 'restaurants')
        onProgress?.({ stage: 'pack', side: stage, rowsDone, rowsTotal })
    },
  })
}

function layoutOf({ users, restaurants }: Tables): StoreLayout {
  return {
    users: { features: users.features.length, ids: users.idType, names: users.features },
    restaurants: {
      features: restaurants.features.length,
      ids: restaurants.idType,
      names: restaurants.features,
    },
  }
}

function checkFits(data: StoreLayout, store: StoreLayout, folder: string): void {
  for (const side of ['users', 'restaurants'] as const) {
    const problem =
      data[side].features === store[side].features
        ? data[side].ids === store[side].ids
          ? namesProblem(side, { wanted: store[side].names, found: data[side].names })
          : `the ${side} must have ids of the type ${store[side].ids}, found ${data[side].ids}`
        : `the ${side} must have ${store[side].features} features, found ${data[side].features}`
    if (problem !== undefined)
      throw new NearrankError(
        'INPUT',
        `Cannot fill the store from ${folder}: ${problem}; choose other columns or another store`,
      )
  }
}

async function fillSide(
  table: FeatureTable,
  places: { latitude: Float64Array; longitude: Float64Array } | null,
  { store, signal, onProgress, data }: FillStoreOptions,
): Promise<void> {
  const { side, rows } = table
  const width = table.features.length
  const values = new Float32Array(rows * width)
  await readFeaturesInto(table, values, width)
  const names = await readIds(table)
  const ids = Array.from({ length: rows }, (_, row) => names.idAt(row))
  const order = orderById(ids)
  const changeOf = (row: number): Change => {
    const features = values.subarray(row * width, (row + 1) * width)
    if (places === null) return { side: 'users', id: ids[row], features }
    return {
      side: 'restaurants',
      id: ids[row],
      features,
      latitude: places.latitude[row],
      longitude: places.longitude[row],
    }
  }
  for (let first = 0; first < rows; first += WRITE_ROWS) {
    if (signal?.aborted)
      throw new NearrankError(
        'ABORTED',
        `Filling the store from ${data} was stopped at row ${first} of ${rows} ${side}. The same command goes over all rows again.`,
      )
    await store.write(Array.from(order.subarray(first, first + WRITE_ROWS), changeOf))
    onProgress?.({ stage: 'write', side, rowsDone: Math.min(first + WRITE_ROWS, rows), rowsTotal: rows })
  }
}

/** Rows by ascending id: a table that is kept by id is filled ten times as fast in its order as in a random one. */
function orderById(ids: readonly FeatureId[]): Uint32Array {
  const order = Uint32Array.from(ids, (_, row) => row)
  const isSorted = ids.every((id, row) => row === 0 || ids[row - 1] < id)
  return isSorted ? order : order.toSorted((a, b) => (ids[a] < ids[b] ? -1 : 1))
}
