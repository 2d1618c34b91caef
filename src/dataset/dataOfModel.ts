import { fitProblem, shapeOf } from '../features/fitProblem.ts'
import type { Network } from '../model/network.ts'
import type { Tables } from './tables/readTables.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import { givenOf } from '../options/option.ts'
import { type DatasetOptions, POLICIES } from './options.ts'
import { policiesOfModel } from './policies.ts'

/**
 * Where the features of a model's data are, and what to do about bad rows: the columns and the policies it
 * was trained with, unless `options` has others.
 * @throws NearrankError DAMAGED if the model tells no such policies.
 */
export function dataOfModel<T extends DatasetOptions>(description: ModelDescription, options: T) {
  const { userFeatures, restaurantFeatures, ...names } = description.columns
  return {
    ...options,
    ...policiesOfModel(description),
    ...givenOf(POLICIES, options),
    columns: { ...names, ...options.columns },
    userFeatures: options.userFeatures ?? userFeatures,
    restaurantFeatures: options.restaurantFeatures ?? restaurantFeatures,
  }
}

/**
 * Why tables do not fit a network; undefined: they do. Columns may
 * have any names, so only their number counts.
 */
export function tablesProblem(network: Network, { users, restaurants }: Tables): string | undefined {
  return fitProblem({
    wanted: {
      users: { features: network.userFeatures },
      restaurants: { features: network.restaurantFeatures },
    },
    found: { users: shapeOf(users.features), restaurants: shapeOf(restaurants.features) },
  })
}
