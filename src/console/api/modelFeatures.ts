import type { ConsoleApi } from './consoleApi.ts'

export type FeatureKind = 'number' | 'category' | 'categories' | 'text' | 'vector' | 'time' | 'cell'

/** One feature, as whoever tells its value needs to know it. */
export interface ModelFeature {
  name: string
  kind: FeatureKind
  mayBeMissing: boolean
  values?: string[] // of a category: the most frequent ones that training saw; absent: any is hashed
  length?: number // of a vector
}

export interface SideFeatures {
  features: ModelFeature[]
}

/** What the model that is served takes. */
export interface ModelFeatures {
  users: SideFeatures
  restaurants: SideFeatures
  context: ModelFeature[]
}

interface FeatureJson {
  name: string
  kind: FeatureKind
  may_be_missing: boolean
  values?: string[]
  length?: number
}

interface FeaturesJson {
  users: { features: FeatureJson[] }
  restaurants: { features: FeatureJson[] }
  context: FeatureJson[]
}

/** @throws NearrankApiError */
export function getModelFeatures(api: ConsoleApi, signal?: AbortSignal): Promise<ModelFeatures> {
  return api.getJson({ action: 'get what the model takes', path: '/features', signal }, ({ json }) => {
    const { users, restaurants, context } = json as FeaturesJson
    return { users: sideOf(users), restaurants: sideOf(restaurants), context: context.map(featureOf) }
  })
}

function sideOf({ features }: FeaturesJson['users']): SideFeatures {
  return { features: features.map(featureOf) }
}

function featureOf({ may_be_missing: mayBeMissing, ...feature }: FeatureJson): ModelFeature {
  return { ...feature, mayBeMissing }
}
