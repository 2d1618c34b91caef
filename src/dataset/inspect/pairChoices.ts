import type { Side } from '../../features/featureSpec.ts'
import { areShared } from '../../features/pairs/pairsFor.ts'
import type { InspectedTable } from './inspectTable.ts'
import type { FeatureChoice } from './report.ts'

/**
 * The features of user and restaurant together that training would compute, by name and in its order. Of
 * columns with more than 1,000 values, the most frequent decide.
 */
export function pairChoices(
  { users, restaurants }: Partial<Record<Side, InspectedTable>>,
  { hasPlaces }: { hasPlaces: boolean },
): [name: string, choice: FeatureChoice][] {
  const pairs: [string, FeatureChoice][] = hasPlaces ? [['distance', { kind: 'distance' }]] : []
  if (!users || !restaurants) return pairs
  for (const user of users.features)
    for (const restaurant of restaurants.features) {
      const kinds = [user.kind, restaurant.kind]
      if (!kinds.includes('categories') || !kinds.every((kind) => kind.startsWith('categor'))) continue
      const [own, other] = [users.vocabularies.get(user.name), restaurants.vocabularies.get(restaurant.name)]
      if (own && other && areShared(own, other))
        pairs.push([
          `${user.name}~${restaurant.name}`,
          { kind: 'overlap', user: user.name, restaurant: restaurant.name },
        ])
    }
  return pairs
}
