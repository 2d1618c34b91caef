import { Random } from '../../../random.ts'
import { DAYS } from './calendar.ts'
import { TERMS, termsInto } from './clickModel.ts'
import { STREAMS } from './draw.ts'
import {
  AGE_EFFECTS,
  COMPANION_EFFECTS,
  COMPANION_SHARES,
  DEVICE_EFFECTS,
  DEVICE_SHARES,
  HOUR_PERIODS,
  HOUR_SHARES,
  KINDS,
  type Kind,
  OVERLAPS,
  OVERLAP_EFFECTS,
  PERIODS,
  POSITION_EFFECTS,
  PRICES,
  RESTAURANT_QUALITY,
  SHOWN,
  USER_BIAS,
} from './effects.ts'
import { drawShownInto } from './shownList.ts'
import { drawVisitInto, emptyVisit } from './visits.ts'
import { EFFECTS, OPENED_EFFECT, RATING_EFFECT, type World, userShares } from './world.ts'

/** How a term is distributed for one who does not know what it is made of: its values with their weights. */
export interface Mixture {
  weights: Float64Array // [values]
  factors: Float64Array // e^−value: [values], or [price levels, values]
  byPrice: boolean
}

const SAMPLE_VISITS = 5000
const QUANTILES = 64

/**
 * The mixtures of all kinds. They are exact for what is drawn by given shares (companion, device, position,
 * hour), for bias and quality and for the ages of this data's users. Distance, rating and opening day are 64
 * quantiles of what is shown. The factors of time and gender and the weights of overlap depend on the
 * restaurant: whoever reads the mixtures puts them in row by row.
 */
export function mixturesOf(world: World): Record<Kind, Mixture> {
  const { ages, genders } = userShares(world)
  const periods = new Float64Array(PERIODS)
  const hours = HOUR_SHARES.reduce((sum, share) => sum + share, 0)
  for (const [hour, share] of HOUR_SHARES.entries()) periods[HOUR_PERIODS[hour]] += share / hours
  return {
    distance: quantiles(sampleDistanceTerms(world)),
    overlap: mixture(new Float64Array(OVERLAPS), OVERLAP_EFFECTS),
    time: mixture(periods, new Float64Array(PERIODS)),
    companion: byPrice(COMPANION_SHARES, COMPANION_EFFECTS),
    device: byPrice(DEVICE_SHARES, DEVICE_EFFECTS),
    position: mixture(new Float64Array(SHOWN).fill(1 / SHOWN), POSITION_EFFECTS),
    price_age: byPrice(ages, AGE_EFFECTS),
    gender: mixture(genders, new Float64Array(genders.length)),
    rating: quantiles(shownEffects(world, RATING_EFFECT)),
    opened: quantiles(shownEffects(world, OPENED_EFFECT)),
    ids: mixture(
      new Float64Array(4).fill(1 / 4),
      [-1, 1].flatMap((sign) => [
        sign * USER_BIAS - RESTAURANT_QUALITY,
        sign * USER_BIAS + RESTAURANT_QUALITY,
      ]),
    ),
  }
}

function mixture(weights: Float64Array, values: ArrayLike<number>): Mixture {
  return { weights, factors: Float64Array.from(values, (value) => Math.exp(-value)), byPrice: false }
}

/** `effects`: [values, price levels] */
function byPrice(weights: ArrayLike<number>, effects: number[]): Mixture {
  const count = weights.length
  const factors = new Float64Array(PRICES * count)
  for (let price = 0; price < PRICES; price++)
    for (let i = 0; i < count; i++) factors[price * count + i] = Math.exp(-effects[i * PRICES + price])
  return { weights: Float64Array.from(weights), factors, byPrice: true }
}

/** The middles of equal parts of a sample, which is sorted. */
function quantiles(sample: Float64Array): Mixture {
  sample.sort()
  const values = Float64Array.from(
    { length: QUANTILES },
    (_, i) => sample[Math.floor(((i + 0.5) / QUANTILES) * sample.length)],
  )
  return mixture(new Float64Array(QUANTILES).fill(1 / QUANTILES), values)
}

/** One column of the effects of restaurants, of each as often as it has tickets. */
function shownEffects({ effects, restaurantTickets }: World, column: number): Float64Array {
  return Float64Array.from(restaurantTickets, (row) => effects[row * EFFECTS + column])
}

/** Distance terms of visits like those of the test days, from a random stream of their own. */
function sampleDistanceTerms(world: World): Float64Array {
  const random = new Random(world.seed, STREAMS.visitSample)
  const visit = emptyVisit()
  const shown = new Uint32Array(SHOWN)
  const terms = new Float64Array(TERMS)
  const distance = KINDS.indexOf('distance')
  const sample = new Float64Array(SAMPLE_VISITS * SHOWN)
  for (let i = 0; i < sample.length; i++) {
    const position = i % SHOWN
    if (position === 0) {
      drawVisitInto(visit, world, random, DAYS.test.first)
      drawShownInto(shown, visit, world, random)
    }
    termsInto(terms, world, visit, shown[position], position)
    sample[i] = terms[distance]
  }
  return sample
}
