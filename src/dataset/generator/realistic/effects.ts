import { cumulative } from './draw.ts'

/**
 * How much each thing moves the logit of a click. The logit is `BASE` plus one term of each kind, and nothing
 * else decides a click. Every term is independent of the others but for the columns named with it, so that
 * what remains of a click's probability without a kind is a mean over that kind's terms.
 */
export const KINDS = [
  'distance', // from the user's place to the restaurant
  'overlap', // cuisines that the user likes and the restaurant has
  'time', // hour with the restaurant's cuisines and its price level
  'companion', // with the price level
  'device', // with the price level
  'position',
  'price_age', // age with the price level
  'gender', // with the restaurant's cuisines
  'rating',
  'opened',
  'ids', // the user's own bias and the restaurant's own quality, which no other column tells
] as const

export type Kind = (typeof KINDS)[number]

export const BASE = -2.2
/** Of the ids: one of two twins has it, the other one its negative. */
export const USER_BIAS = 0.55
export const RESTAURANT_QUALITY = 0.65

export const PRICES = 4
export const PRICE_SUMS = cumulative([0.32, 0.4, 0.2, 0.08])

export const DEVICES = ['ios', 'android', 'web'] as const
export const DEVICE_SHARES = [0.42, 0.38, 0.2]
/** [device, price level − 1] */
export const DEVICE_EFFECTS = [
  [-0.25, 0, 0.3, 0.6],
  [0.3, 0.05, -0.2, -0.5],
  [-0.35, -0.3, -0.25, -0.2],
].flat()

/** What was not told comes first. */
export const COMPANIONS = [null, 'alone', 'partner', 'family', 'friends'] as const
export const COMPANION_SHARES = [0.6, 0.12, 0.11, 0.09, 0.08]
/** [companion, price level − 1] */
export const COMPANION_EFFECTS = [
  [-0.1, -0.1, -0.15, -0.2],
  [0.6, 0.1, -0.7, -1.4],
  [-0.8, 0.1, 0.9, 1.3],
  [0.2, 0.6, 0.1, -0.9],
  [0.7, 0.4, -0.1, -0.6],
].flat()

export const GENDERS = [null, 'female', 'male', 'other'] as const
export const GENDER_SUMS = cumulative([0.08, 0.44, 0.43, 0.05])
/** [gender, daypart of a cuisine]; a restaurant has the mean over its cuisines. */
export const GENDER_EFFECTS = [
  [0, 0, 0, 0],
  [0.35, 0.1, 0, -0.35],
  [-0.3, 0, 0.1, 0.35],
  [0.1, 0.3, -0.2, 0],
].flat()

/** Ages below each bound; the first band is that of unknown ages. */
const AGE_BOUNDS = [0, 25, 35, 50, 65, Infinity]
export const AGE_BANDS = AGE_BOUNDS.length
/** [age band, price level − 1] */
export const AGE_EFFECTS = [
  [-0.15, -0.15, -0.15, -0.15],
  [0.7, 0.2, -0.7, -1.3],
  [0.25, 0.2, 0, -0.3],
  [-0.2, 0.1, 0.35, 0.4],
  [-0.4, 0, 0.4, 0.7],
  [0, 0.1, -0.1, -0.3],
].flat()

/** `age` 0: unknown. */
export function ageBand(age: number): number {
  if (age === 0) return 0
  let band = 1
  while (age >= AGE_BOUNDS[band]) band++
  return band
}

/** morning, lunch, afternoon, dinner, night */
export const PERIODS = 5
export const HOUR_PERIODS = Uint8Array.from({ length: 24 }, (_, hour) => {
  if (hour < 5 || hour === 23) return 4
  if (hour < 11) return 0
  if (hour < 15) return 1
  return hour < 18 ? 2 : 3
})
export const HOUR_SHARES = [
  1, 1, 0.5, 0.3, 0.3, 0.5, 1.5, 3, 4, 4, 5, 9, 11, 9, 5, 3, 3, 5, 9, 11, 10, 7, 4, 2,
]
/** [period, daypart of a cuisine]; a restaurant has the mean over its cuisines. */
export const PERIOD_CUISINE_EFFECTS = [
  [1.3, -0.4, -1.1, -1],
  [-0.4, 0.8, -0.4, -0.3],
  [0.8, 0, -0.5, 0],
  [-1, -0.2, 0.7, 0.2],
  [-1.2, -0.6, -0.2, 1.2],
].flat()
/** [period, price level − 1] */
export const PERIOD_PRICE_EFFECTS = [
  [0.2, 0.1, -0.4, -0.9],
  [0.3, 0.1, -0.3, -0.8],
  [0.1, 0.1, -0.1, -0.4],
  [-0.3, 0, 0.4, 0.7],
  [0.3, -0.1, -0.3, -0.4],
].flat()

/** By how many cuisines are shared, up to 3; then: the user's list is empty; there is none. */
export const OVERLAPS = 6
export const OVERLAP_EMPTY = 4
export const OVERLAP_UNKNOWN = 5
export const OVERLAP_EFFECTS = [-0.55, 0.65, 1.15, 1.5, -0.3, 0]

export const SHOWN = 20 // restaurants of one request
/** By position − 1. */
export const POSITION_EFFECTS = Float64Array.from({ length: SHOWN }, (_, i) => 0.6 - 0.45 * Math.log(i + 1))

export function distanceEffect(distanceM: number): number {
  return -0.75 * Math.log((distanceM + 150) / 1500)
}

/** `rating`: tenths; 0: nobody has rated it. */
export function ratingEffect(rating: number): number {
  return rating === 0 ? -0.4 : 0.07 * (rating - 38)
}

/** A new place draws people. `ageDays`: at the start of the clicks. */
export function openedEffect(ageDays: number): number {
  return 0.7 * Math.exp(-ageDays / 400)
}
