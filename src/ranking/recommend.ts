import {
  type FeatureTable,
  openTables,
  readFeaturesInto,
  readIds,
  readPlaces,
} from '../dataset/tables/featureTables.ts'
import type { OpenOptions } from '../dataset/openOptions.ts'
import type { DatasetOptions } from '../dataset/options.ts'
import { NearrankError } from '../errors.ts'
import { loadModelFiles } from '../model/modelDirectory.ts'
import { dataOfModel } from './dataOfModel.ts'
import { parseUserId } from './parseUserId.ts'
import { type RankedRestaurant, Ranker } from './ranker.ts'
import type { RecommendRequest } from './requestBody.ts'

/** One request, checked; ids are still those of the data. */
export interface UserRequest {
  user: string | number | bigint
  request: RecommendRequest
}

export interface RecommendOptions extends DatasetOptions, Pick<OpenOptions, 'signal' | 'onProgress'> {
  model: string // model directory
}

export interface Recommendation {
  restaurants: RankedRestaurant[]
  unknown: (number | string)[] // candidates that have no features
}

/**
 * One ranked list, made as the API makes it. The columns are the model's unless `options` names others.
 * @throws NearrankError INPUT where the user is unknown or the data does not fit the model.
 */
export async function recommend(
  { user, request }: UserRequest,
  { model, ...options }: RecommendOptions,
): Promise<Recommendation> {
  const { description, weights } = await loadModelFiles(model)
  const tables = await openTables(dataOfModel(description, options))
  const { network } = description
  checkWidth(tables.users, network.userFeatures, 'user', model)
  checkWidth(tables.restaurants, network.restaurantFeatures, 'restaurant', model)

  const features = await readUserFeatures(tables.users, user)
  const ids = await readIds(tables.restaurants)
  const ranker = new Ranker({
    network,
    weights,
    restaurantFeatures: await readTable(tables.restaurants),
    ...(await readPlaces(tables)),
    idOf: (row) => ids.idAt(row),
  })
  const { candidateRestaurantIds: candidates } = request
  const rows = candidates?.map((id) => ids.rowOf(idOfKind(tables.restaurants, id)))
  const { restaurants } = ranker.rank(features, {
    ...request,
    candidateRows:
      rows?.filter((row) => row !== undefined) ??
      Uint32Array.from({ length: tables.restaurants.rows }, (_, row) => row),
  })
  return { restaurants, unknown: candidates?.filter((_, i) => rows?.[i] === undefined) ?? [] }
}

/** The features of one user: [users.features.length]. Reads the whole table, 120 MB for a million users of 30 features. */
async function readUserFeatures(users: FeatureTable, user: UserRequest['user']): Promise<Float32Array> {
  const id =
    typeof user === 'bigint'
      ? user
      : parseUserId(user, { ids: users.idType === 'string' ? 'string' : 'integer' })
  const row = (await readIds(users)).rowOf(id)
  if (row === undefined)
    throw new NearrankError(
      'INPUT',
      `Cannot recommend: user ${id} has no features, the table has ${users.rows} users`,
    )
  const width = users.features.length
  return (await readTable(users)).slice(row * width, (row + 1) * width)
}

async function readTable(table: FeatureTable): Promise<Float32Array> {
  const width = table.features.length
  const features = new Float32Array(table.rows * width)
  await readFeaturesInto(table, features, width)
  return features
}

/** An id as the table has it: text for string ids; for integers a number, or a bigint where it is too large for one. */
function idOfKind(table: FeatureTable, id: number | string): number | bigint | string {
  if (table.idType === 'string') return String(id)
  return typeof id === 'string' && /^-?\d{1,20}$/.test(id) ? BigInt(id) : id
}

function checkWidth(table: FeatureTable, wanted: number, side: string, model: string): void {
  if (table.features.length !== wanted)
    throw new NearrankError(
      'INPUT',
      `Cannot use the model ${model} with this data: it takes ${wanted} ${side} features, found ${table.features.length} (${table.features.join(', ')})`,
    )
}
