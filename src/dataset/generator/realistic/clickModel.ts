import { distanceM } from '../../../geo/greatCircle.ts'
import { cuisineCount } from './cuisines.ts'
import {
  AGE_EFFECTS,
  BASE,
  COMPANION_EFFECTS,
  DEVICE_EFFECTS,
  KINDS,
  OVERLAP_EFFECTS,
  OVERLAP_EMPTY,
  OVERLAP_UNKNOWN,
  POSITION_EFFECTS,
  PRICES,
  ageBand,
  distanceEffect,
} from './effects.ts'
import type { Visit } from './visits.ts'
import { EFFECTS, GENDER_EFFECT, OPENED_EFFECT, RATING_EFFECT, TIME_EFFECT, type World } from './world.ts'

export const TERMS = KINDS.length

/**
 * The logit of a click of a visitor on what is shown at a position, counted from 0. Writes its terms in the
 * order of `KINDS`.
 */
export function termsInto(
  terms: Float64Array,
  world: World,
  visit: Visit,
  restaurant: number,
  position: number,
): number {
  const { users, restaurants, effects } = world
  const { user, latitude, longitude } = visit
  const price = restaurants.prices[restaurant]
  const at = restaurant * EFFECTS
  terms[0] = distanceEffect(
    distanceM(latitude, longitude, restaurants.latitudes[restaurant], restaurants.longitudes[restaurant]),
  )
  terms[1] = OVERLAP_EFFECTS[overlapOf(users.liked[user], restaurants.cuisines[restaurant])]
  terms[2] = effects[at + TIME_EFFECT + visit.period]
  terms[3] = COMPANION_EFFECTS[visit.companion * PRICES + price]
  terms[4] = DEVICE_EFFECTS[visit.device * PRICES + price]
  terms[5] = POSITION_EFFECTS[position]
  terms[6] = AGE_EFFECTS[ageBand(users.ages[user]) * PRICES + price]
  terms[7] = effects[at + GENDER_EFFECT + users.genders[user]]
  terms[8] = effects[at + RATING_EFFECT]
  terms[9] = effects[at + OPENED_EFFECT]
  terms[10] = users.biases[user] + restaurants.qualities[restaurant]
  let logit = BASE
  for (let kind = 0; kind < TERMS; kind++) logit += terms[kind]
  return logit
}

/** Which of `OVERLAP_EFFECTS` holds for what a user likes (−1: unknown) and a restaurant has. */
export function overlapOf(liked: number, cuisines: number): number {
  if (liked < 0) return OVERLAP_UNKNOWN
  return liked === 0 ? OVERLAP_EMPTY : cuisineCount(liked & cuisines)
}
