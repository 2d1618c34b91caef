import { type FeaturesOf, SINGULAR, type Source, SOURCES } from '../features/featureSpec.ts'
import { embeddingsOf, numbersOf } from '../features/rowShape.ts'

/** Which inputs of a network come from one feature. */
export interface FeatureInputs {
  name: string // `user.age`
  source: Source
  inputs: number[] // ascending; none are another feature's. Empty: only pairs use the feature
}

/**
 * The inputs of every feature, in the order of `features`: of a network the numbers of all features come
 * first, then the embeddings of all.
 */
export function featureInputs(features: FeaturesOf): FeatureInputs[] {
  const all = SOURCES.flatMap((source) =>
    (features[source] ?? []).map((feature) => ({ source, feature, inputs: [] as number[] })),
  )
  let next = 0
  const take = (inputs: number[], count: number) => {
    for (let i = 0; i < count; i++) inputs.push(next++)
  }
  for (const { feature, inputs } of all) take(inputs, numbersOf(feature))
  for (const { feature, inputs } of all) for (const { dim } of embeddingsOf(feature)) take(inputs, dim)
  return all.map(({ source, feature, inputs }) => {
    return { name: `${SINGULAR[source]}.${feature.name}`, source, inputs }
  })
}
