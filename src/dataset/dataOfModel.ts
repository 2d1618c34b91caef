import { fitProblem, shapeOf } from '../features/fitProblem.ts'
import type { Network } from '../model/network.ts'
import type { Tables } from './tables/readTables.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import type { DatasetOptions } from './options.ts'

/** Where the features of a model's data are: the columns it was trained on, unless `options` names others. */
export function dataOfModel<T extends DatasetOptions>({ columns }: ModelDescription, options: T) {
  const { userFeatures, restaurantFeatures, ...names } = columns
  return {
    ...options,
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
