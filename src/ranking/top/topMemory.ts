import type { TableIds } from '../../dataset/tables/tableIds.ts'
import {
  type FeatureTable,
  readFeaturesInto,
  readIds,
  readPlaces,
  type Tables,
} from '../../dataset/tables/readTables.ts'
import { widthOf } from '../../features/rowShape.ts'
import { unitVectors } from '../../geo/greatCircle.ts'
import { cellOf } from '../../geo/placeCells.ts'
import { buildPlaceIndex } from '../../geo/placeIndex.ts'
import { modelFeatures } from '../../model/modelFeatures.ts'
import type { ModelDescription } from '../../model/modelFile.ts'
import type { StateDict } from '../../model/network.ts'
import { PairScorer } from '../pairScorer.ts'
import { createScoringMemory } from '../scoringMemory.ts'
import type { TopMemory } from './topRanker.ts'

/** Reads both tables into memory that threads share, and computes the restaurants' parts of the network. */
export async function openTopMemory(
  { description, weights }: { description: ModelDescription; weights: StateDict },
  tables: Tables,
  { threads, top, near }: Pick<TopMemory, 'top' | 'near'> & { threads: number },
): Promise<TopMemory> {
  const { network, scores } = description
  const features = modelFeatures(description)
  const restaurants = await sharedRows(tables.restaurants)
  const users = await sharedRows(tables.users)
  const { latitude, longitude } = await readPlaces(tables)
  const restaurantsMax = tables.restaurants.rows
  const model = createScoringMemory({ network, features, weights, scores, restaurantsMax, threads })
  new PairScorer(model, restaurants).updateRows(0, restaurantsMax)
  return {
    model,
    users,
    restaurants,
    userWords: widthOf(tables.users.features),
    contextWords: widthOf(features.context ?? []),
    vectors: shared(unitVectors(latitude, longitude)),
    cells: shared(Uint32Array.from(latitude, (degrees, row) => cellOf(degrees, longitude[row]))),
    order: shared(orderOf(await readIds(tables.restaurants))),
    places: buildPlaceIndex(latitude, longitude),
    top,
    near,
  }
}

async function sharedRows(table: FeatureTable): Promise<Float32Array> {
  const width = widthOf(table.features)
  const rows = new Float32Array(new SharedArrayBuffer(4 * table.rows * width))
  await readFeaturesInto(table, rows, width)
  return rows
}

/** Which place each row's id has among all of them. */
function orderOf(ids: TableIds): Uint32Array {
  const all = Array.from({ length: ids.rows }, (_, row) => ids.idAt(row))
  const sorted = Uint32Array.from(all.keys()).toSorted((a, b) => (all[a] < all[b] ? -1 : 1))
  const order = new Uint32Array(ids.rows)
  for (const [place, row] of sorted.entries()) order[row] = place
  return order
}

function shared<T extends Float64Array | Uint32Array>(values: T): T {
  const made = new (values.constructor as new (buffer: SharedArrayBuffer) => T)(
    new SharedArrayBuffer(values.byteLength),
  )
  made.set(values)
  return made
}
