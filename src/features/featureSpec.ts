export type Side = 'users' | 'restaurants'

export const SIDES = ['users', 'restaurants'] as const
export const SINGULAR = { users: 'user', restaurants: 'restaurant' } as const

/** One feature of a side. */
export interface FeatureSpec {
  name: string
  kind: 'number'
  width: number // numbers that it takes of a row's vector
}

/** Features that are one number each. */
export function numberFeatures(names: readonly string[]): FeatureSpec[] {
  return names.map((name) => ({ name, kind: 'number', width: 1 }))
}

/** The length of a row's vector. */
export function widthOf(features: readonly FeatureSpec[]): number {
  return features.reduce((sum, { width }) => sum + width, 0)
}

export function namesOf(features: readonly FeatureSpec[]): string[] {
  return features.map(({ name }) => name)
}
