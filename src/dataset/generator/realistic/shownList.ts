import type { Random } from '../../../random.ts'
import { SHOWN } from './effects.ts'
import { LONGITUDE_SCALE, METRES_PER_DEGREE } from './towns.ts'
import type { Visit } from './visits.ts'
import type { World } from './world.ts'

const REACH_M = 1500
const REACH_DEGREES_SQUARED = (REACH_M / METRES_PER_DEGREE) ** 2
const NEAR_DRAWS_MAX = 600
const DRAWS_MAX = 1200

/**
 * The restaurants that a visitor is shown, in an order that says nothing: distinct ones of the town by their
 * popularity, each kept with a chance of 1 / (1 + (d / 1,500 m)²). Whoever is far from everything, or in a
 * town of few restaurants, sees popular ones from anywhere. Needs `SHOWN` restaurants.
 */
export function drawShownInto(shown: Uint32Array, visit: Visit, world: World, random: Random): void {
  const { restaurantTickets, townStarts, restaurants } = world
  const { latitudes, longitudes } = restaurants
  const townStart = townStarts[visit.town]
  const townTickets = townStarts[visit.town + 1] - townStart
  let count = 0
  let draws = townTickets > 0 ? 0 : NEAR_DRAWS_MAX
  for (; draws < NEAR_DRAWS_MAX && count < SHOWN; draws++) {
    const row = restaurantTickets[townStart + random.below(townTickets)]
    const y = latitudes[row] - visit.latitude
    const x = (longitudes[row] - visit.longitude) * LONGITUDE_SCALE
    const far = 1 + (x * x + y * y) / REACH_DEGREES_SQUARED
    if (random.float() * far < 1 && !isAmong(shown, count, row)) shown[count++] = row
  }
  for (; draws < DRAWS_MAX && count < SHOWN; draws++) {
    const row = restaurantTickets[random.below(restaurantTickets.length)]
    if (!isAmong(shown, count, row)) shown[count++] = row
  }
  for (let row = random.below(latitudes.length); count < SHOWN; row = (row + 1) % latitudes.length)
    if (!isAmong(shown, count, row)) shown[count++] = row
  // The first ones drawn are nearer and more popular than the last.
  for (let i = SHOWN - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const row = shown[i]
    shown[i] = shown[j]
    shown[j] = row
  }
}

/**
 * As a popularity ranker shows them: each place goes to one of those left, with a chance that is its share of
 * their tickets (Plackett and Luce, drawn by exponential races).
 */
export function orderByPopularity(shown: Uint32Array, { restaurants }: World, random: Random): void {
  const times = new Map<number, number>()
  for (const row of shown) times.set(row, -Math.log(1 - random.float()) / restaurants.tickets[row])
  shown.sort((a, b) => times.get(a)! - times.get(b)!)
}

function isAmong(rows: Uint32Array, count: number, row: number): boolean {
  for (let i = 0; i < count; i++) if (rows[i] === row) return true
  return false
}
