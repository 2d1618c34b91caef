import { RowEncoder, wordsOf } from '../src/features/encodeRow.ts'
import type { FeaturesOf, FeatureSpec } from '../src/features/featureSpec.ts'
import { widthOf } from '../src/features/rowShape.ts'
import type { RawValue } from '../src/features/values.ts'
import { initialState } from '../src/model/initialize.ts'
import { inputsOf } from '../src/model/network.ts'
import type { Random } from '../src/random.ts'
import { PairScorer } from '../src/ranking/pairScorer.ts'
import { createScoringMemory } from '../src/ranking/scoringMemory.ts'

const CUISINES = Array.from({ length: 30 }, (_, i) => `cuisine ${i}`)
const numbers = (count: number): FeatureSpec[] =>
  Array.from({ length: count }, (_, i) => ({ name: `number ${i}`, kind: 'number' }))
const cuisines = (name: string, maxValues: number): FeatureSpec => {
  return { name, kind: 'categories', values: CUISINES, dim: 4, maxValues }
}

/** 20 features, among them lists, with a context, a distance and what user and restaurant have in common. */
const FEATURES: FeaturesOf = {
  users: [...numbers(9), cuisines('likes', 5)],
  restaurants: [...numbers(9), cuisines('cuisines', 3)],
  context: [{ name: 'device', kind: 'category', values: ['ios', 'android', 'web'], dim: 4 }],
  pairs: [
    { name: 'distance', kind: 'distance', dim: 4 },
    { name: 'likes~cuisines', kind: 'overlap', user: 'likes', restaurant: 'cuisines' },
  ],
}
const USERS = 64

/** Scores a user with so many restaurants; their distances are drawn once. */
export function pairScores(random: Random, restaurants: number, candidates: number) {
  const network = {
    ...inputsOf(FEATURES),
    hidden: [256, 128],
    activations: ['none' as const, 'relu' as const],
  }
  const memory = createScoringMemory({
    network,
    features: FEATURES,
    weights: initialState(network, 1),
    restaurantsMax: restaurants,
  })
  const scorer = new PairScorer(memory, drawRows(random, FEATURES.restaurants, restaurants))
  scorer.updateRows(0, restaurants)
  const width = widthOf(FEATURES.users)
  const users = drawRows(random, FEATURES.users, USERS)
  const context = drawRows(random, FEATURES.context!, 1)
  const distancesM = Float64Array.from({ length: candidates }, () => 7500 * random.float())
  const logits = new Float64Array(candidates)
  return ({ user, rows }: { user: number; rows: Uint32Array }): void => {
    const at = (user % USERS) * width
    scorer.setUser(users.subarray(at, at + width), context)
    scorer.scoreInto(logits, rows, candidates, distancesM)
  }
}

function drawRows(random: Random, features: FeatureSpec[], rows: number): Float32Array {
  const width = widthOf(features)
  const words = wordsOf(new Float32Array(rows * width))
  const encoder = new RowEncoder(features)
  for (let row = 0; row < rows; row++)
    encoder.encodeInto(
      words,
      row * width,
      features.map((feature) => drawValue(random, feature)),
    )
  return words.f32
}

function drawValue(random: Random, feature: FeatureSpec): RawValue {
  if (feature.kind === 'category') return feature.values[random.below(feature.values.length)]
  if (feature.kind !== 'categories') return random.normal()
  const { values, maxValues } = feature
  return Array.from({ length: 1 + random.below(maxValues) }, () => values[random.below(values.length)])
}
