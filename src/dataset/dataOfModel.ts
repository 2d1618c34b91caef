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
