import { NearrankError } from '../errors.ts'
import {
  type FeatureSpec,
  type FeaturesOf,
  namesOf,
  type PairFeature,
  SOURCE_OF,
} from '../features/featureSpec.ts'
import { operandFeature } from '../features/pairs/operands.ts'
import { fitProblem, shapeOf } from '../features/fitProblem.ts'
import type { Tables } from './tables/readTables.ts'
import { modelFeatures } from '../model/modelFeatures.ts'
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
  const { userFeatures, restaurantFeatures, group, ...names } = description.columns
  const data = {
    ...(group !== undefined && { groupColumn: group }),
    ...options,
    ...policiesOfModel(description),
    ...givenOf(POLICIES, options),
    columns: { ...names, ...options.columns },
    userFeatures: options.userFeatures ?? userFeatures,
    restaurantFeatures: options.restaurantFeatures ?? restaurantFeatures,
  }
  const { features } = description
  if (!features) return data
  const fitted: FeaturesOf = {
    users: renamed(features.users, data.userFeatures),
    restaurants: renamed(features.restaurants, data.restaurantFeatures),
    ...(features.context && { context: features.context }),
    ...(features.pairs && { pairs: pairsOf(features.pairs, features, data) }),
  }
  return { ...data, fitted }
}

/** The same pairs, of features in other columns. */
function pairsOf(
  pairs: readonly PairFeature[],
  features: FeaturesOf,
  names: { userFeatures: readonly string[]; restaurantFeatures: readonly string[] },
): PairFeature[] {
  const operand = (pair: PairFeature, of: 'user' | 'restaurant') => {
    if (pair.kind === 'distance' || pair[of] === undefined) return {}
    const own = features[SOURCE_OF[of]]
    const feature = operandFeature(own, pair[of])!
    return { [of]: pair[of].replace(feature.name, () => names[`${of}Features`][own.indexOf(feature)]) }
  }
  return pairs.map((pair) => ({ ...pair, ...operand(pair, 'user'), ...operand(pair, 'restaurant') }))
}

/** The same features in other columns; @throws NearrankError INPUT where they are not as many. */
function renamed(features: readonly FeatureSpec[], names: readonly string[]): FeatureSpec[] {
  if (names.length !== features.length)
    throw new NearrankError(
      'INPUT',
      `Cannot use the columns ${names.join(', ')}: the model takes ${features.length} features, ${namesOf(features).join(', ')}, in this order`,
    )
  return features.map((feature, i) => ({ ...feature, name: names[i] }))
}

/**
 * Why tables do not fit a network; undefined: they do. Columns may
 * have any names, so only their number counts.
 */
export function tablesProblem(
  description: ModelDescription,
  { users, restaurants }: Tables,
): string | undefined {
  const wanted = modelFeatures(description)
  return fitProblem({
    wanted: {
      users: { features: wanted.users.length },
      restaurants: { features: wanted.restaurants.length },
    },
    found: { users: shapeOf(users.features), restaurants: shapeOf(restaurants.features) },
  })
}
