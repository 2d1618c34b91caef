import { CUISINE_DAYPARTS, CUISINES, DAYPARTS } from './cuisines.ts'
import {
  AGE_BANDS,
  GENDER_EFFECTS,
  GENDERS,
  PERIOD_CUISINE_EFFECTS,
  PERIOD_PRICE_EFFECTS,
  PERIODS,
  PRICES,
  ageBand,
  openedEffect,
  ratingEffect,
} from './effects.ts'
import { type Restaurants, emptyRestaurants } from './restaurants.ts'
import { sharedFloat32, sharedUint32 } from './shared.ts'
import { type Centres, TOWNS, townCentres } from './towns.ts'
import { type Users, emptyUsers } from './users.ts'

/** What decides clicks: on shared memory, so that it does not grow with threads or rows. */
export interface World {
  seed: number
  centres: Centres
  users: Users
  restaurants: Restaurants
  // From here on made of the tables once these are full; empty before.
  userTickets: Uint32Array // user rows, each as often as it has tickets
  restaurantTickets: Uint32Array // restaurant rows by town, each as often as it has tickets
  townStarts: Uint32Array // [TOWNS + 1], in restaurantTickets
  effects: Float32Array // [restaurants, EFFECTS]
}

/** Columns of `effects`: what a restaurant adds to the logit by period and by gender, and by itself. */
export const TIME_EFFECT = 0
export const GENDER_EFFECT = TIME_EFFECT + PERIODS
export const RATING_EFFECT = GENDER_EFFECT + GENDERS.length
export const OPENED_EFFECT = RATING_EFFECT + 1
export const EFFECTS = OPENED_EFFECT + 1

/** A world of so many users and restaurants, to be filled by the tables. */
export function emptyWorld(seed: number, users: number, restaurants: number): World {
  return {
    seed,
    centres: townCentres(seed),
    users: emptyUsers(users),
    restaurants: emptyRestaurants(restaurants),
    userTickets: sharedUint32(0),
    restaurantTickets: sharedUint32(0),
    townStarts: sharedUint32(0),
    effects: sharedFloat32(0),
  }
}

/** The world of full tables. */
export function completeWorld(world: World): World {
  const { users, restaurants } = world
  const ordered = byTown(restaurants.towns)
  const restaurantTickets = ticketsOf(restaurants.tickets, ordered)
  const townStarts = sharedUint32(TOWNS + 1)
  for (const row of restaurantTickets) townStarts[restaurants.towns[row] + 1]++
  for (let town = 0; town < TOWNS; town++) townStarts[town + 1] += townStarts[town]
  return {
    ...world,
    userTickets: ticketsOf(users.tickets),
    restaurantTickets,
    townStarts,
    effects: effectsOf(restaurants),
  }
}

/** Rows in order of their towns. */
function byTown(towns: Uint8Array): Uint32Array {
  const starts = new Uint32Array(TOWNS + 1)
  for (const town of towns) starts[town + 1]++
  for (let town = 0; town < TOWNS; town++) starts[town + 1] += starts[town]
  const rows = new Uint32Array(towns.length)
  for (let row = 0; row < towns.length; row++) rows[starts[towns[row]]++] = row
  return rows
}

function ticketsOf(tickets: Uint8Array, rows?: Uint32Array): Uint32Array {
  let count = 0
  for (const own of tickets) count += own
  const drawn = sharedUint32(count)
  let at = 0
  for (let i = 0; i < tickets.length; i++) {
    const row = rows ? rows[i] : i
    drawn.fill(row, at, at + tickets[row])
    at += tickets[row]
  }
  return drawn
}

function effectsOf({ cuisines, prices, ratings, ageDays }: Restaurants): Float32Array {
  const effects = sharedFloat32(cuisines.length * EFFECTS)
  for (let row = 0; row < cuisines.length; row++) {
    const at = row * EFFECTS
    for (let period = 0; period < PERIODS; period++)
      effects[at + TIME_EFFECT + period] =
        meanByDaypart(cuisines[row], PERIOD_CUISINE_EFFECTS, period) +
        PERIOD_PRICE_EFFECTS[period * PRICES + prices[row]]
    for (let gender = 0; gender < GENDERS.length; gender++)
      effects[at + GENDER_EFFECT + gender] = meanByDaypart(cuisines[row], GENDER_EFFECTS, gender)
    effects[at + RATING_EFFECT] = ratingEffect(ratings[row])
    effects[at + OPENED_EFFECT] = openedEffect(ageDays[row])
  }
  return effects
}

/** The mean over a set of cuisines of what row `row` of `effects` [rows, dayparts] says of their dayparts. */
function meanByDaypart(set: number, effects: readonly number[], row: number): number {
  let sum = 0
  let count = 0
  for (let k = 0; k < CUISINES.length; k++) {
    if (((set >>> k) & 1) === 0) continue
    sum += effects[row * DAYPARTS.length + CUISINE_DAYPARTS[k]]
    count++
  }
  return sum / count
}

/** Shares of the age bands and of the genders among those who come. */
export function userShares({ users, userTickets }: World): { ages: Float64Array; genders: Float64Array } {
  const ages = new Float64Array(AGE_BANDS)
  const genders = new Float64Array(GENDERS.length)
  for (let user = 0; user < users.tickets.length; user++) {
    const share = users.tickets[user] / userTickets.length
    ages[ageBand(users.ages[user])] += share
    genders[users.genders[user]] += share
  }
  return { ages, genders }
}
