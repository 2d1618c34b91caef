import type { RecommendQuery } from '../../client/types.ts'
import type { ModelFeature } from '../api/modelFeatures.ts'
import { contextValues } from './contextValues.ts'
import type { Asked, ExploreState } from './exploreState.ts'

/** What is sent to the server; undefined: no place was chosen yet. */
export function queryOf(
  state: ExploreState,
  asked: Asked,
  features: readonly ModelFeature[],
): RecommendQuery | undefined {
  const { latitude, longitude, reachM, size, byDistance } = state
  if (latitude === null || longitude === null || asked.user === '') return undefined
  const context = contextValues(features, asked.context)
  return {
    latitude,
    longitude,
    size,
    maxDistM: reachM,
    ...(byDistance && { sortByDistance: true }),
    ...(context && { context }),
  }
}
