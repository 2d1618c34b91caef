import {
  type FeatureTable,
  readFeaturesInto,
  readIdKinds,
  readIds,
  readPlaces,
  type Tables,
} from '../dataset/tables/readTables.ts'
import { type PackedValues, readAllValues, readValueRows } from '../dataset/tables/readValues.ts'
import { openTablesApart, openValuesApart } from '../dataset/openApart.ts'
import { keptNames } from '../dataset/tables/keptColumns.ts'
import type { DatasetOptions, FillOptions, OpenOptions } from '../dataset/options.ts'
import { NearrankError } from '../errors.ts'
import { arePlainNumbers, type Side, SIDES } from '../features/featureSpec.ts'
import { widthOf } from '../features/rowShape.ts'
import { fitProblem, type SideShape } from '../features/fitProblem.ts'
import type { FeatureId } from '../ids.ts'
import type {
  Change,
  FeatureStore,
  OpenStoreOptions,
  StoreLayout,
  Values,
  Vector,
  WantedSide,
} from '../store/featureStore.ts'
import { sideFor } from '../store/layout.ts'

const WRITE_ROWS = 16_384 // a transaction
const SORTED_BYTES_MAX = 2 ** 30 // of rows of values, held in memory to be written by id

export interface FillProgress {
  stage: 'pack' | 'write'
  side: Side
  rowsDone: number
  rowsTotal: number
}

export interface FillStoreOptions extends PackOptions {
  store: FeatureStore
}

/**
 * How to open a store that is to take the data in. Parquet is packed for it, on first use.
 * @throws NearrankError as `openTables`.
 */
export async function storeForData(
  options: PackOptions,
): Promise<Required<Pick<OpenStoreOptions, 'layout' | 'idsOfNew'>>> {
  const tables = await openData(options)
  const { users, restaurants } = tables
  const layout = {
    users: wantedSide(users, options),
    restaurants: wantedSide(restaurants, options),
  }
  // So that a column that cannot be kept is told of before there is a store that lacks it.
  if (options.keepColumns) await openValuesApart(packOptions(options), tables, valueSides(layout))
  return {
    layout,
    idsOfNew: async () => ({
      users: (await readIdKinds(users))[0],
      restaurants: (await readIdKinds(restaurants))[0],
    }),
  }
}

/**
 * Writes all users and restaurants of a folder of Parquet into `store`; rows that only the store has stay. If
 * it is stopped, what has been written stays too, the store says that it is being filled, and another run
 * does the rest. Memory: the ids and the larger of the two tables, of values at most 1 GiB.
 * @throws NearrankError INPUT where the data does not fit the store;
 * DISK, UNAVAILABLE, ABORTED; as `openTables`.
 */
export async function fillStore({ store, ...options }: FillStoreOptions): Promise<Record<Side, number>> {
  const tables = await openData(options)
  const problem = await dataProblem(store.layout, tables, options)
  if (problem !== undefined)
    throw new NearrankError(
      'INPUT',
      `Cannot fill the store from ${options.data}: ${problem}; choose other columns (--keep-columns names those that it keeps beside the features), or fill another store (nearrank load --model takes the columns of a model)`,
    )
  const sides = valueSides(store.layout)
  const values = sides.length > 0 ? await openValuesApart(packOptions(options), tables, sides) : undefined
  const rowsOf = (table: FeatureTable) =>
    values && sides.includes(table.side) ? valueRows(values, table.side) : vectorRows(table)
  await store.setFilling(true)
  await fillSide(tables.users, rowsOf(tables.users), null, { store, ...options })
  const places = await readPlaces(tables)
  await fillSide(tables.restaurants, rowsOf(tables.restaurants), places, { store, ...options })
  await store.setFilling(false)
  return { users: tables.users.rows, restaurants: tables.restaurants.rows }
}

interface PackOptions extends FillOptions, Pick<OpenOptions, 'fitted' | 'signal'> {
  onProgress?: (progress: FillProgress) => void
}

async function openData(options: PackOptions): Promise<Tables> {
  return (await openTablesApart(packOptions(options))).tables
}

function packOptions({ onProgress, ...options }: PackOptions): DatasetOptions & OpenOptions {
  return {
    ...options,
    onProgress: ({ stage, rowsDone, rowsTotal }) => {
      if (stage === 'users' || stage === 'restaurants')
        onProgress?.({ stage: 'pack', side: stage, rowsDone, rowsTotal })
    },
  }
}

/** Why data cannot fill a store, as a part of a sentence about the data; undefined: it can. */
async function dataProblem(
  store: StoreLayout,
  { users, restaurants }: Tables,
  options: PackOptions,
): Promise<string | undefined> {
  for (const { side, features } of [users, restaurants]) {
    const other = features.find((feature) => !arePlainNumbers([feature]))
    if (other && store[side].form !== 'values')
      return `its features of ${side} must be numbers of which none is missing, since the store holds vectors, found ${other.name}, ${
        other.kind === 'number' ? 'which may be missing' : `of the kind ${other.kind}`
      }`
  }
  const found = {
    users: await shapeOfTable(users, options),
    restaurants: await shapeOfTable(restaurants, options),
  }
  // The order of values does not matter.
  const shape = (side: Side, { features, names, ids }: SideShape) => ({
    features,
    ids,
    names: store[side].form === 'values' ? names?.toSorted() : names,
  })
  const shapes = (sides: Record<Side, SideShape>) => ({
    users: shape('users', sides.users),
    restaurants: shape('restaurants', sides.restaurants),
  })
  return fitProblem({ wanted: shapes(store), found: shapes(found) })
}

async function shapeOfTable(table: FeatureTable, options: PackOptions): Promise<SideShape> {
  return { ...wantedSide(table, options), ids: await readIdKinds(table) }
}

function wantedSide(table: FeatureTable, options: PackOptions): WantedSide {
  return sideFor(table.features, keptNames(table, options))
}

function valueSides(layout: Record<Side, WantedSide>): Side[] {
  return SIDES.filter((side) => layout[side].form === 'values')
}

/** A row of a table, by its number. */
type TableRow = [row: number, content: Vector | Values]

/** Reads all rows of a table in the order in which they are to be written, a transaction at a time. */
type ReadRows = (ids: readonly FeatureId[]) => AsyncGenerator<TableRow[]>

/**
 * All of a side's vectors, by ascending id: a table that is kept by id is filled ten times
 * as fast in its order as in a random one.
 */
function vectorRows(table: FeatureTable): ReadRows {
  return async function* (ids) {
    const width = widthOf(table.features)
    const vectors = new Float32Array(table.rows * width)
    await readFeaturesInto(table, vectors, width)
    const order = orderById(ids)
    for (let first = 0; first < table.rows; first += WRITE_ROWS)
      yield Array.from(order.subarray(first, first + WRITE_ROWS), (row) => [
        row,
        { features: vectors.subarray(row * width, (row + 1) * width) },
      ])
  }
}

/** All of a side's rows of values: by ascending id, too, unless they may not fit into memory. */
function valueRows(values: PackedValues, side: Side): ReadRows {
  return (ids) =>
    isAscending(ids) || (values[side]?.bytes ?? 0) > SORTED_BYTES_MAX
      ? valueRowsAsTheyCome(values, side)
      : sortedValueRows(values, side, ids)
}

async function* sortedValueRows(
  values: PackedValues,
  side: Side,
  ids: readonly FeatureId[],
): AsyncGenerator<TableRow[]> {
  const rowAt = await readAllValues(values, side)
  const order = orderById(ids)
  for (let first = 0; first < order.length; first += WRITE_ROWS)
    yield Array.from(order.subarray(first, first + WRITE_ROWS), (row) => [row, { values: rowAt(row) }])
}

async function* valueRowsAsTheyCome(values: PackedValues, side: Side): AsyncGenerator<TableRow[]> {
  let batch: TableRow[] = []
  let row = 0
  for await (const raw of readValueRows(values, side)) {
    batch.push([row++, { values: raw }])
    if (batch.length < WRITE_ROWS) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function fillSide(
  table: FeatureTable,
  readRows: ReadRows,
  places: { latitude: Float64Array; longitude: Float64Array } | null,
  { store, signal, onProgress, data }: FillStoreOptions,
): Promise<void> {
  const { side, rows } = table
  const names = await readIds(table)
  const ids = Array.from({ length: rows }, (_, row) => names.idAt(row))
  const changeOf = ([row, content]: TableRow): Change => {
    const id = ids[row]
    if (places === null) return { side: 'users', id, ...content }
    const [latitude, longitude] = [places.latitude[row], places.longitude[row]]
    return { side: 'restaurants', id, ...content, latitude, longitude }
  }
  let done = 0
  for await (const batch of readRows(ids)) {
    if (signal?.aborted)
      throw new NearrankError(
        'ABORTED',
        `Filling the store from ${data} was stopped at row ${done} of ${rows} ${side}. The same command writes all rows again.`,
      )
    await store.write(batch.map(changeOf))
    done += batch.length
    onProgress?.({ stage: 'write', side, rowsDone: done, rowsTotal: rows })
  }
}

function orderById(ids: readonly FeatureId[]): Uint32Array {
  const order = Uint32Array.from(ids, (_, row) => row)
  return isAscending(ids) ? order : order.toSorted((a, b) => (ids[a] < ids[b] ? -1 : 1))
}

function isAscending(ids: readonly FeatureId[]): boolean {
  return ids.every((id, row) => row === 0 || ids[row - 1] < id)
}
