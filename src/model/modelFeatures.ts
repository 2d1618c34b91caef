import { type FeaturesOf, numberFeatures } from '../features/featureSpec.ts'

/** What a description tells of the features: fitted ones, or else the names of plain numbers. */
interface Described {
  columns: { userFeatures: string[]; restaurantFeatures: string[] }
  features?: FeaturesOf
}

/** What a model takes of each side, in the order of its inputs. */
export function modelFeatures({ columns, features }: Described): FeaturesOf {
  return (
    features ?? {
      users: numberFeatures(columns.userFeatures),
      restaurants: numberFeatures(columns.restaurantFeatures),
    }
  )
}
