import { NearrankError } from '../errors.ts'
import type { FeatureId } from '../ids.ts'
import type { LiveRanker, LiveRequest, RankedList } from '../live/ranker.ts'
import type { RecommendRequest } from '../ranking/requestBody.ts'
import { Problem } from './problems/problems.ts'

type AskedUser = Pick<RecommendRequest, 'context' | 'latitude' | 'longitude'>

/** @throws Problem TOO_MANY_CANDIDATES */
export function checkCandidates(
  { candidateRestaurantIds }: Pick<LiveRequest, 'candidateRestaurantIds'>,
  candidatesMax: number,
): void {
  const candidates = candidateRestaurantIds?.length ?? 0
  if (candidates > candidatesMax)
    throw new Problem(
      'TOO_MANY_CANDIDATES',
      `Cannot use the request: candidate_restaurant_ids must hold at most ${candidatesMax} ids, found ${candidates}`,
    )
}

/**
 * Takes the features of a user and the context; whether the mean user takes their place.
 * @throws Problem BAD_BODY for a context that the model does not know, UNKNOWN_USER
 */
export function takeUser(
  ranker: LiveRanker,
  user: FeatureId,
  wanted: AskedUser,
  unknownUser: 'fail' | 'average',
): boolean {
  if (isKnown(ranker, user, wanted)) return false
  if (unknownUser !== 'average' || !ranker.setUser(null, wanted.context, wanted)) throw unknown(ranker, user)
  return true
}

function unknown(ranker: LiveRanker, user: FeatureId): Problem {
  const feature = ranker.unusableFeature(user)
  const reason =
    feature === undefined
      ? `user ${user} has no features`
      : `the served model cannot use what is stored of user ${user}, because of the feature ${feature}; put the user again, or train a model that can`
  return new Problem('UNKNOWN_USER', `Cannot rank: ${reason}`)
}

/** The list for the user that was taken. @throws Problem TOO_MANY_CANDIDATES */
export function rankAll(ranker: LiveRanker, wanted: LiveRequest, candidatesMax: number): RankedList {
  const list = ranker.rank(wanted)
  if (list) return list
  throw new Problem(
    'TOO_MANY_CANDIDATES',
    `Cannot use the request: at most ${candidatesMax} restaurants may be within max_dist if candidate_restaurant_ids is left out, found more; use a smaller max_dist`,
  )
}

/**
 * No finite score at all: then the user's features are at fault, and an empty list would be a lie.
 * @throws Problem NOT_FINITE
 */
export function checkFinite({ notFinite, count }: RankedList, userId: string): void {
  if (notFinite > 0 && count === 0)
    throw new Problem(
      'NOT_FINITE',
      `Cannot rank: no score of user ${userId} is a finite number; check its features`,
    )
}

/** Whether there is such a user, whose features and context are then set. @throws Problem BAD_BODY */
function isKnown(ranker: LiveRanker, user: FeatureId, wanted: AskedUser): boolean {
  try {
    return ranker.setUser(user, wanted.context, wanted)
  } catch (error) {
    if (error instanceof NearrankError && error.code === 'INPUT') throw new Problem('BAD_BODY', error.message)
    throw error
  }
}
