import { NearrankError } from '../errors.ts'
import { naiveLogits } from '../model/naiveForward.ts'
import { type LiveTables, liveRowOf } from '../ranking/liveTables.ts'
import type { PairScorer } from '../ranking/pairScorer.ts'
import type { FeatureId } from '../store/featureStore.ts'
import type { LoadedModel } from './liveState.ts'

const LOGIT_TOLERANCE = 1e-3 // + the same share of it; rounding stays below a hundredth of this

/**
 * Ranks some pairs with a model that is about to be served and holds the scores against those that its weights promise, calculated apart, layer by layer in
 * float64.
 * @throws NearrankError INPUT where a score is not finite, DAMAGED where one is another than it must be.
 */
export function goldenCheck(
  model: LoadedModel,
  tables: LiveTables,
  { scorer, users, restaurants }: { scorer: PairScorer; users: FeatureId[]; restaurants: FeatureId[] },
): void {
  const { network } = model
  const rows = Uint32Array.from(restaurants, (id) => liveRowOf(tables.restaurants, id))
  const width = network.userFeatures + network.restaurantFeatures
  const logits = new Float64Array(rows.length)
  for (const id of users) {
    const user = featuresAt(tables, 'users', liveRowOf(tables.users, id))
    scorer.setUser(user)
    scorer.scoreInto(logits, rows, rows.length)
    const pairs = new Float32Array(rows.length * width)
    for (const [i, row] of rows.entries()) {
      pairs.set(user, i * width)
      pairs.set(featuresAt(tables, 'restaurants', row), i * width + network.userFeatures)
    }
    const promised = naiveLogits(network, model.weights, pairs)
    for (const [i, logit] of logits.entries()) check(logit, promised[i], id, restaurants[i])
  }
}

function featuresAt(tables: LiveTables, side: 'users' | 'restaurants', row: number): Float32Array {
  const { features, width } = tables[side]
  return features.slice(row * width, (row + 1) * width)
}

function check(logit: number, promised: number, user: FeatureId, restaurant: FeatureId): void {
  const pair = `user ${user} and restaurant ${restaurant}`
  if (!Number.isFinite(logit) || !Number.isFinite(promised))
    throw new NearrankError(
      'INPUT',
      `Cannot serve the model: every score must be finite, that of ${pair} is not; check their features and the model`,
    )
  if (Math.abs(logit - promised) > LOGIT_TOLERANCE * (1 + Math.abs(promised)))
    throw new NearrankError(
      'DAMAGED',
      `Cannot serve the model: the logit of ${pair} must be ${promised}, found ${logit}; load or train it again`,
    )
}
