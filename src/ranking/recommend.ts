import { dataOfModel, tablesProblem } from '../dataset/dataOfModel.ts'
import { openTables } from '../dataset/tables/openTables.ts'
import { type FeatureTable, readFeaturesInto, readIds, readPlaces } from '../dataset/tables/readTables.ts'
import {
  DATA_OPTION,
  type DatasetOptionsReading,
  optionsReading,
  type OpenOptions,
} from '../dataset/options.ts'
import { NearrankError } from '../errors.ts'
import { widthOf } from '../features/rowShape.ts'
import { requireId } from '../ids.ts'
import { modelFeatures } from '../model/modelFeatures.ts'
import { loadModelFiles } from '../model/modelDirectory.ts'
import { MODEL_OPTION } from '../model/modelOption.ts'
import { CALLBACKS, checkOptions } from '../options/checkOptions.ts'
import { ContextEncoder } from './contextEncoder.ts'
import { explainList } from './explain/explainList.ts'
import { withNow } from './explain/rawRows.ts'
import { type RankedRestaurant, Ranker } from './ranker.ts'
import { UNKNOWN_CONTEXT_OPTION, type UnknownContext } from './unknownContext.ts'
import type { RecommendRequest } from './requestBody.ts'

/** One request, checked; ids are still those of the data. */
export interface UserRequest {
  user: string | number | bigint
  request: RecommendRequest
}

export interface RecommendOptions
  extends DatasetOptionsReading<never>,
    Pick<OpenOptions, 'signal' | 'onProgress'> {
  /** Model directory. */
  model: string
  unknownContext?: UnknownContext // @default fail
}

/** What of them is plain data. */
export const RECOMMEND_OPTIONS = {
  ...DATA_OPTION,
  ...MODEL_OPTION,
  ...UNKNOWN_CONTEXT_OPTION,
  ...optionsReading(),
}

export interface Recommendation {
  restaurants: RankedRestaurant[]
  unknown: (number | string)[] // candidates that have no features
}

/**
 * One ranked list, made as the API makes it. The columns are the model's unless `options` names others.
 * @throws NearrankError USAGE for a wrong option, INPUT where the user is unknown or the data does not fit
 * the model.
 */
export async function recommend(
  { user, request }: UserRequest,
  options: RecommendOptions,
): Promise<Recommendation> {
  checkOptions({ ...RECOMMEND_OPTIONS, ...CALLBACKS }, options, 'recommend')
  const { model, unknownContext, ...data } = options
  const { description, weights } = await loadModelFiles(model)
  const tableOptions = dataOfModel(description, data)
  const tables = await openTables(tableOptions)
  const { network, scores } = description
  const problem = tablesProblem(description, tables)
  if (problem !== undefined)
    throw new NearrankError(
      'INPUT',
      `Cannot use the data in ${options.data} with the model ${model}: ${problem}; choose other columns`,
    )

  const features = modelFeatures(description)
  const userRow = await rowOfUser(tables.users, user)
  const rows = { users: await readTable(tables.users), restaurants: await readTable(tables.restaurants) }
  const places = await readPlaces(tables)
  const ids = await readIds(tables.restaurants)
  const ranker = new Ranker({
    network,
    features,
    weights,
    scores,
    restaurantFeatures: rows.restaurants,
    ...places,
    idOf: (row) => ids.idAt(row),
  })
  const width = widthOf(tables.users.features)
  const userFeatures = rows.users.slice(userRow * width, (userRow + 1) * width)
  const told = withNow(features.context ?? [], request.context ?? {}, new Date())
  const context = new ContextEncoder(features.context ?? [], unknownContext).encode(told, request)
  const { candidateRestaurantIds: candidates } = request
  const found = candidates?.map((id) => ids.rowOf(id))
  const { restaurants } = ranker.rank(userFeatures, {
    ...request,
    context,
    candidateRows:
      found?.filter((row) => row !== undefined) ??
      Uint32Array.from({ length: tables.restaurants.rows }, (_, row) => row),
  })
  const unknown = candidates?.filter((_, i) => found?.[i] === undefined) ?? []
  if (!request.explain) return { restaurants, unknown }
  const explained = await explainList(
    restaurants,
    { ...request, user: userFeatures, context, userRow, told },
    { network, weights, tables, rows, places, options: tableOptions },
  )
  return { restaurants: explained, unknown }
}

/** @throws NearrankError INPUT if there is no such user. */
async function rowOfUser(users: FeatureTable, user: UserRequest['user']): Promise<number> {
  const ids = await readIds(users)
  const id = requireId(user, ids.kind, 'user')
  const row = ids.rowOf(id)
  if (row !== undefined) return row
  throw new NearrankError(
    'INPUT',
    `Cannot recommend: user ${id} has no features, the table has ${users.rows} users`,
  )
}

/** The encoded rows of a table, [rows, words]: 120 MB for a million users of 30 features. */
async function readTable(table: FeatureTable): Promise<Float32Array> {
  const width = widthOf(table.features)
  const features = new Float32Array(table.rows * width)
  await readFeaturesInto(table, features, width)
  return features
}
