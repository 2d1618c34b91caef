import { type FeatureSpec, numberFeatures, type Side } from '../features/featureSpec.ts'
import type { ModelDescription } from './modelFile.ts'

/** What a model takes of each side, in the order of its inputs. */
export function modelFeatures({ columns }: Pick<ModelDescription, 'columns'>): Record<Side, FeatureSpec[]> {
  return {
    users: numberFeatures(columns.userFeatures),
    restaurants: numberFeatures(columns.restaurantFeatures),
  }
}
