import { NearrankError } from '../errors.ts'
import { wordsOf } from '../features/encodeRow.ts'
import type { RawValue } from '../features/values.ts'
import { inputWidth } from '../model/network.ts'
import { ClickWriter } from '../ranking/clickWriter.ts'
import { ContextEncoder, type RequestContext } from '../ranking/contextEncoder.ts'
import { naiveForward, naiveInputs } from '../model/naiveForward.ts'
import { type LiveTables, liveRowOf } from './tables.ts'
import type { PairScorer } from '../ranking/pairScorer.ts'
import type { FeatureSpec, Side } from '../features/featureSpec.ts'
import type { FeatureId } from '../ids.ts'
import type { LoadedModel } from './state.ts'

const LOGIT_TOLERANCE = 1e-3 // + the same share of it; usually, rounding stays below a hundredth of this

/**
 * Ranks some pairs with a model that is about to be served and holds the scores against those that its
 * weights promise, calculated apart, layer by layer in float64. Pairs whose features are so large that no
 * score is finite say nothing about the model, unless there are no others.
 * @throws NearrankError INPUT where no score is finite, DAMAGED where one is another than it must be.
 */
export function goldenCheck(
  model: LoadedModel,
  tables: LiveTables,
  { scorer, users, restaurants }: { scorer: PairScorer; users: FeatureId[]; restaurants: FeatureId[] },
): void {
  const { network } = model
  const told = model.features.context ?? []
  const context = new ContextEncoder(told).encode(leastContext(told))
  const click = new ClickWriter(network, model.features)
  click.setContext(context)
  const rows = Uint32Array.from(restaurants, (id) => liveRowOf(tables.restaurants, id))
  const width = inputWidth(network)
  const inputsOf = naiveInputs(network, model.weights)
  const logits = new Float64Array(rows.length)
  let finite = 0
  for (const id of users) {
    const user = featuresAt(tables, 'users', liveRowOf(tables.users, id))
    scorer.setUser(user, context)
    scorer.scoreInto(logits, rows, rows.length)
    const pairs = new Float64Array(rows.length * width)
    for (const [i, row] of rows.entries()) {
      const restaurant = featuresAt(tables, 'restaurants', row)
      click.setPair({
        user: { ...wordsOf(user), at: 0 },
        restaurant: { ...wordsOf(restaurant), at: 0 },
        distanceM: Number.NaN, // nobody knows
      })
      const encoded = { users: user, restaurants: restaurant, click: click.row }
      pairs.set(inputsOf(encoded), i * width)
    }
    const { logits: promised, rounding } = naiveForward(network, model.weights, pairs)
    for (const [i, logit] of logits.entries()) {
      if (!Number.isFinite(logit)) continue
      finite++
      const tolerance = Math.max(LOGIT_TOLERANCE * (1 + Math.abs(promised[i])), rounding[i])
      if (!(Math.abs(logit - promised[i]) <= tolerance))
        throw new NearrankError(
          'DAMAGED',
          `Cannot serve the model: the logit of user ${id} and restaurant ${restaurants[i]} must be ${promised[i]}, found ${logit}; load or train it again`,
        )
    }
  }
  if (finite === 0 && users.length > 0 && rows.length > 0)
    throw new NearrankError(
      'INPUT',
      `Cannot serve the model: every score must be finite, none of ${users.length * rows.length} tried is; check the model and the features`,
    )
}

/** A context that tells only what may not be missing: zeros. */
function leastContext(features: readonly FeatureSpec[]): RequestContext {
  const context: Record<string, RawValue> = {}
  for (const feature of features) {
    const { name, kind } = feature
    if (kind === 'number' && !feature.missing) context[name] = 0
    if (kind === 'vector' && !feature.missing) context[name] = Array.from({ length: feature.length }, () => 0)
  }
  return context
}

function featuresAt(tables: LiveTables, side: Side, row: number): Float32Array {
  const { features, width } = tables[side]
  return features.slice(row * width, (row + 1) * width)
}
