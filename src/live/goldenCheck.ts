import { NearrankError } from '../errors.ts'
import { wordsOf } from '../features/encodeRow.ts'
import { pairEncoder } from '../features/pairs/pairEncoder.ts'
import { clickRow, inputWidth, sideRow } from '../model/network.ts'
import { ContextEncoder } from '../ranking/contextEncoder.ts'
import { naiveInputs, naiveLogits } from '../model/naiveForward.ts'
import { type LiveTables, liveRowOf } from './tables.ts'
import type { PairScorer } from '../ranking/pairScorer.ts'
import type { Side } from '../features/featureSpec.ts'
import type { FeatureId } from '../ids.ts'
import type { LoadedModel } from './state.ts'

const LOGIT_TOLERANCE = 1e-3 // + the same share of it; rounding stays below a hundredth of this

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
  const context = new ContextEncoder(model.features.context ?? []).encode({})
  const click = clickRowOf(model, context)
  const writePairs = pairsWriter(model)
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
      const pair = { users: user, restaurants: featuresAt(tables, 'restaurants', row), click }
      writePairs?.(pair)
      pairs.set(inputsOf(pair), i * width)
    }
    const promised = naiveLogits(network, model.weights, pairs)
    for (const [i, logit] of logits.entries()) {
      if (!Number.isFinite(logit)) continue
      finite++
      if (!(Math.abs(logit - promised[i]) <= LOGIT_TOLERANCE * (1 + Math.abs(promised[i]))))
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

/** The words of context and pairs, of which the context is the same for all. */
function clickRowOf({ network }: LoadedModel, context: Float32Array): Float32Array {
  const row = new Float32Array(clickRow(network).words)
  const { numbers } = sideRow(network, 'context')
  const [to, from] = [new Uint32Array(row.buffer), new Uint32Array(context.buffer)]
  to.set(from.subarray(0, numbers))
  to.set(from.subarray(numbers), numbers + sideRow(network, 'pairs').numbers)
  return row
}

/**
 * Writes the pair of a user and a restaurant that is nobody knows how far away into the click's words;
 * undefined: the model takes no pairs.
 */
function pairsWriter({ network, features }: LoadedModel) {
  if (!features.pairs) return undefined
  const encoder = pairEncoder(features.pairs, features)
  const number = sideRow(network, 'context').numbers
  return ({ users, restaurants, click }: Record<Side | 'click', Float32Array>): void => {
    const pair = {
      user: { ...wordsOf(users), at: 0 },
      restaurant: { ...wordsOf(restaurants), at: 0 },
      context: { ...wordsOf(click), at: 0 },
      distanceM: Number.NaN,
    }
    encoder.setUser(pair)
    encoder.encodeInto(wordsOf(click), number, click.length - encoder.codes, pair)
  }
}

function featuresAt(tables: LiveTables, side: Side, row: number): Float32Array {
  const { features, width } = tables[side]
  return features.slice(row * width, (row + 1) * width)
}
