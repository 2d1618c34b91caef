import {
  type FeatureTable,
  readFeaturesInto,
  readIdKinds,
  readIds,
  readPlaces,
  type Tables,
} from '../dataset/tables/readTables.ts'
import { openTablesApart } from '../dataset/openApart.ts'
import type { DatasetOptions, OpenOptions } from '../dataset/options.ts'
import { NearrankError } from '../errors.ts'
import { arePlainNumbers, type FeatureSpec, type Side, SIDES } from '../features/featureSpec.ts'
import { widthOf } from '../features/rowShape.ts'
import { fitProblem, shapeOf } from '../features/fitProblem.ts'
import type { FeatureId, IdKind } from '../ids.ts'
import type { Change, FeatureStore, OpenStoreOptions } from '../store/featureStore.ts'

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

/**
 * How to open a store that is to take the data in. Parquet is packed for it, on first use.
 * @throws NearrankError as `openTables`.
 */
export async function storeForData(
  options: DatasetOptions & Pick<FillStoreOptions, 'signal' | 'onProgress'>,
): Promise<Required<OpenStoreOptions>> {
  const { users, restaurants } = await shapesOf(await openData(options))
  const layout = {
    users: { features: users.features, names: users.names },
    restaurants: { features: restaurants.features, names: restaurants.names },
  }
  return { layout, idsOfNew: async () => ({ users: users.ids[0], restaurants: restaurants.ids[0] }) }
}

/**
 * Writes all users and restaurants of a folder of Parquet into `store`; rows that only the store has stay. If
 * it is stopped, what has been written stays too, the store says that it is being filled, and another run
 * does the rest. Memory: the larger of the two tables.
 * @throws NearrankError INPUT where the data does not fit the store;
 * DISK, UNAVAILABLE, ABORTED; as `openTables`.
 */
export async function fillStore({ store, ...options }: FillStoreOptions): Promise<Record<Side, number>> {
  const tables = await openData(options)
  const problem = fitProblem({ wanted: store.layout, found: await shapesOf(tables) })
  if (problem !== undefined)
    throw new NearrankError(
      'INPUT',
      `Cannot fill the store from ${options.data}: ${problem}; choose other columns or another store`,
    )
  await store.setFilling(true)
  await fillSide(tables.users, null, { store, ...options })
  await fillSide(tables.restaurants, await readPlaces(tables), { store, ...options })
  await store.setFilling(false)
  return { users: tables.users.rows, restaurants: tables.restaurants.rows }
}

/** @throws NearrankError INPUT for features that no store can hold yet. */
export function checkStorable(features: Record<Side, readonly FeatureSpec[]>): void {
  const other = SIDES.flatMap((side) => features[side]).find((feature) => !arePlainNumbers([feature]))
  if (other)
    throw new NearrankError(
      'INPUT',
      `Cannot keep the features in a store: all must be numbers of which none is missing, found ${other.name}, ${
        other.kind === 'number' ? 'which may be missing' : `of the kind ${other.kind}`
      }; choose other columns (--user-features, --restaurant-features)`,
    )
}

async function openData({
  onProgress,
  ...options
}: DatasetOptions & Pick<FillStoreOptions, 'signal' | 'onProgress'>): Promise<Tables> {
  const { tables } = await openTablesApart({
    ...options,
    onProgress: ({ stage, rowsDone, rowsTotal }) => {
      if (stage === 'users' || stage === 'restaurants')
        onProgress?.({ stage: 'pack', side: stage, rowsDone, rowsTotal })
    },
  })
  checkStorable({ users: tables.users.features, restaurants: tables.restaurants.features })
  return tables
}

type DataShape = ReturnType<typeof shapeOf> & { ids: [IdKind, ...IdKind[]] }

async function shapesOf({ users, restaurants }: Tables): Promise<Record<Side, DataShape>> {
  const shape = async (table: FeatureTable) => ({
    ...shapeOf(table.features),
    ids: await readIdKinds(table),
  })
  return { users: await shape(users), restaurants: await shape(restaurants) }
}

async function fillSide(
  table: FeatureTable,
  places: { latitude: Float64Array; longitude: Float64Array } | null,
  { store, signal, onProgress, data }: FillStoreOptions,
): Promise<void> {
  const { side, rows } = table
  const width = widthOf(table.features)
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
        `Filling the store from ${data} was stopped at row ${first} of ${rows} ${side}. The same command writes all rows again.`,
      )
    await store.write(Array.from(order.subarray(first, first + WRITE_ROWS), changeOf))
    onProgress?.({ stage: 'write', side, rowsDone: Math.min(first + WRITE_ROWS, rows), rowsTotal: rows })
  }
}

/**
 * Rows by ascending id: a table that is kept by id is filled ten times
 * as fast in its order as in a random one.
 */
function orderById(ids: readonly FeatureId[]): Uint32Array {
  const order = Uint32Array.from(ids, (_, row) => row)
  const isSorted = ids.every((id, row) => row === 0 || ids[row - 1] < id)
  return isSorted ? order : order.toSorted((a, b) => (ids[a] < ids[b] ? -1 : 1))
}
