import type { FeaturesOf } from '../../features/featureSpec.ts'
import type { Tables } from '../tables/readTables.ts'
import type { PackedRows } from './readRows.ts'

/**
 * The features that were fitted when these were packed: what other clicks of the same tables are encoded by.
 */
export function fittedBy(
  { users, restaurants }: Tables,
  { context }: Pick<PackedRows, 'context'>,
): FeaturesOf {
  return {
    users: users.features,
    restaurants: restaurants.features,
    ...(context && context.features.length > 0 && { context: context.features }),
    ...(context && context.pairs.length > 0 && { pairs: context.pairs }),
  }
}
