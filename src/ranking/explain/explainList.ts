import type { DatasetOptions, OpenOptions } from '../../dataset/options.ts'
import { openValues } from '../../dataset/tables/openValues.ts'
import { type FeatureTable, readIds, type Tables } from '../../dataset/tables/readTables.ts'
import { readAllValues } from '../../dataset/tables/readValues.ts'
import { arePlainNumbers, type Side, SIDES } from '../../features/featureSpec.ts'
import type { RawRow } from '../../features/rawRow.ts'
import { widthOf } from '../../features/rowShape.ts'
import { unitVectors } from '../../geo/greatCircle.ts'
import type { Network, StateDict } from '../../model/network.ts'
import type { RankedRestaurant } from '../ranker.ts'
import { Explainer } from './explainer.ts'
import { vectorValues, withOwn } from './rawRows.ts'
import type { ExplainedRequest } from './types.ts'

export interface ExplainedData {
  network: Network
  weights: StateDict
  tables: Tables
  rows: Record<Side, Float32Array> // [rows, words], encoded
  places: { latitude: Float64Array; longitude: Float64Array } // of restaurants, degrees
  options: DatasetOptions & OpenOptions // of the tables
}

/**
 * A ranked list with the explanation of each restaurant. `user`: their row of the table; `context`: as it was
 * told. Packs the tables' values on first use, if there are others than plain numbers.
 */
export async function explainList(
  restaurants: readonly RankedRestaurant[],
  request: ExplainedRequest & { userRow: number; told: RawRow },
  data: ExplainedData,
): Promise<RankedRestaurant[]> {
  const { network, weights, tables, rows, places, options } = data
  // By the columns of the tables, which may have other names than those of the model.
  const { users, restaurants: own } = tables
  const features = { ...options.fitted, users: users.features, restaurants: own.features }
  const explainer = new Explainer({ network, features, weights })
  const table = (side: Side) => ({
    rows: rows[side],
    width: widthOf(tables[side].features),
    count: tables[side].rows,
  })
  const explained = {
    users: table('users'),
    restaurants: table('restaurants'),
    vectors: unitVectors(places.latitude, places.longitude),
  }
  const baseline = explainer.baseline(request, explained)
  const raw = await rawRows(data)
  const context = withOwn(options.fitted?.context ?? [], request.told, { place: request })
  const user = raw.users(request.userRow)
  const ids = await readIds(tables.restaurants)
  return restaurants.map((restaurant) => {
    const row = ids.rowOf(restaurant.id)!
    const values = { user, restaurant: raw.restaurants(row), context }
    const distanceM = restaurant.displacement
    const pair = explainer.pair(request, explained, { row, distanceM, raw: values })
    return { ...restaurant, explanation: explainer.explain(baseline, pair) }
  })
}

/** The values of both sides by row. */
async function rawRows({
  tables,
  rows,
  places,
  options,
}: ExplainedData): Promise<Record<Side, (row: number) => RawRow>> {
  const sides = SIDES.filter((side) => !arePlainNumbers(tables[side].features))
  const packed = sides.length > 0 ? await openValues(options, tables, sides) : undefined
  const rowsOf = async (table: FeatureTable, encoded: Float32Array) => {
    const { side, features } = table
    const width = widthOf(features)
    if (!packed || !sides.includes(side))
      return (row: number) => vectorValues(features, encoded.subarray(row * width, (row + 1) * width))
    const values = await readAllValues(packed, side)
    const ids = await readIds(table)
    const placeOf = (row: number) => ({ latitude: places.latitude[row], longitude: places.longitude[row] })
    return (row: number) =>
      withOwn(features, values(row), {
        id: ids.idAt(row),
        ...(side === 'restaurants' && { place: placeOf(row) }),
      })
  }
  return {
    users: await rowsOf(tables.users, rows.users),
    restaurants: await rowsOf(tables.restaurants, rows.restaurants),
  }
}
