import { join } from 'node:path'
import { withDuckDb } from '../../src/dataset/parquet/duckdb.ts'
import type { GenerateOptions } from '../../src/dataset/generator/generate.ts'
import { CUISINES, DAYPARTS } from '../../src/dataset/generator/realistic/cuisines.ts'
import {
  AGE_EFFECTS,
  BASE,
  COMPANION_EFFECTS,
  COMPANIONS,
  DEVICE_EFFECTS,
  DEVICES,
  GENDER_EFFECTS,
  GENDERS,
  type Kind,
  OVERLAP_EFFECTS,
  PERIOD_CUISINE_EFFECTS,
  PERIOD_PRICE_EFFECTS,
} from '../../src/dataset/generator/realistic/effects.ts'
import { drawRestaurantInto, restaurantId } from '../../src/dataset/generator/realistic/restaurants.ts'
import { drawUserInto } from '../../src/dataset/generator/realistic/users.ts'
import { emptyWorld, type World } from '../../src/dataset/generator/realistic/world.ts'
import { Random } from '../../src/random.ts'

/** Realistic data that takes a second. */
export const SMALL_REALISTIC = {
  kind: 'realistic',
  rows: 20_007,
  testRows: 6011,
  users: 3000,
  restaurants: 800,
  requests: 50,
  candidates: 40,
  files: 4,
  testFiles: 2,
  seed: 7,
  threads: 1,
} satisfies Partial<GenerateOptions>

/** A click as the files have it, and the two effects that no column tells. */
export interface Click {
  request: number
  hour: number
  device: string
  companion: string | null
  position: number
  distanceM: number
  click: number
  age: number | null
  gender: string | null
  liked: string[] | null
  cuisines: string[]
  price: number
  rating: number | null
  openDays: number // at the start of 2026
  ids: number
}

/** Runs one statement. */
export function query(sql: string): Promise<unknown[][]> {
  return withDuckDb({}, async (connection) => (await connection.run(sql)).getRowsJS() as Promise<unknown[][]>)
}

/** What decides the clicks of `SMALL_REALISTIC` data. */
export function drawnWorld(): World {
  const { users, restaurants, seed } = SMALL_REALISTIC
  const world = emptyWorld(seed, users, restaurants)
  const userRandom = new Random(seed, 1)
  const restaurantRandom = new Random(seed, 2)
  for (let row = 0; row < users; row++) drawUserInto(world.users, row, userRandom, world.centres)
  for (let row = 0; row < restaurants; row++)
    drawRestaurantInto(world.restaurants, row, restaurantRandom, world.centres)
  return world
}

/** The row of each restaurant's id. */
export function rowsOfRestaurants(): Map<number, number> {
  return new Map(Array.from({ length: SMALL_REALISTIC.restaurants }, (_, row) => [restaurantId(row), row]))
}

/** The clicks of a split of `SMALL_REALISTIC` data, with the features of both sides. */
export async function readClicks(out: string, split: 'train' | 'test'): Promise<Click[]> {
  const world = drawnWorld()
  const rowOfId = rowsOfRestaurants()
  const radians = (degrees: string) => `radians(${degrees})`
  const sine = (a: string, b: string) => `pow(sin(${radians(`${a} - ${b}`)} / 2), 2)`
  const rows = await query(`
    SELECT hour(time), device, companion, position,
      2 * 6371008.8 * asin(sqrt(${sine('c.latitude', 'r.latitude')} +
        cos(${radians('c.latitude')}) * cos(${radians('r.latitude')}) * ${sine('c.longitude', 'r.longitude')})),
      click, age, gender, liked_cuisines, cuisines, price_level, rating, DATE '2026-01-01' - opened,
      user_id, restaurant_id, request_id
    FROM '${join(out, split)}/*.parquet' c
    JOIN '${join(out, 'user_features.parquet')}' u USING (user_id)
    JOIN '${join(out, 'restaurant_features.parquet')}' r USING (restaurant_id)`)
  return rows.map((row) => {
    const [hour, device, companion, position, distanceM, click, age, gender] = row
    const [liked, cuisines, price, rating, openDays, user, restaurant, request] = row.slice(8)
    const own = world.users.biases[Number(String(user).slice(1))]
    const quality = world.restaurants.qualities[rowOfId.get(Number(restaurant)) ?? -1]
    return {
      request: Number(request),
      hour: Number(hour),
      device,
      companion,
      position,
      distanceM,
      click,
      age,
      gender,
      liked,
      cuisines,
      price,
      rating,
      openDays: Number(openDays),
      ids: own + quality,
    } as Click
  })
}

/** The term of each kind, from the columns. */
export const TERMS: Record<Kind, (click: Click) => number> = {
  distance: ({ distanceM }) => 0.75 * Math.log(1500 / (distanceM + 150)),
  overlap({ liked, cuisines }) {
    if (liked === null) return OVERLAP_EFFECTS[5]
    if (liked.length === 0) return OVERLAP_EFFECTS[4]
    return OVERLAP_EFFECTS[liked.filter((cuisine) => cuisines.includes(cuisine)).length]
  },
  time({ hour, cuisines, price }) {
    const bounds = [5, 11, 15, 18, 23]
    const period = hour < 5 || hour >= 23 ? 4 : bounds.findIndex((bound) => hour < bound) - 1
    return (
      meanOf(cuisines, PERIOD_CUISINE_EFFECTS.slice(4 * period, 4 * period + 4)) +
      PERIOD_PRICE_EFFECTS[4 * period + price - 1]
    )
  },
  companion: ({ companion, price }) =>
    COMPANION_EFFECTS[4 * COMPANIONS.findIndex((name) => name === companion) + price - 1],
  device: ({ device, price }) => DEVICE_EFFECTS[4 * DEVICES.findIndex((name) => name === device) + price - 1],
  position: ({ position }) => 0.6 - 0.45 * Math.log(position),
  price_age({ age, price }) {
    const band = age === null ? 0 : [25, 35, 50, 65, 999].findIndex((bound) => age < bound) + 1
    return AGE_EFFECTS[4 * band + price - 1]
  },
  gender({ gender, cuisines }) {
    const at = 4 * GENDERS.findIndex((name) => name === gender)
    return meanOf(cuisines, GENDER_EFFECTS.slice(at, at + 4))
  },
  rating: ({ rating }) => (rating === null ? -0.4 : 0.7 * (rating - 3.8)),
  opened: ({ openDays }) => 0.7 * Math.exp(-openDays / 400),
  ids: ({ ids }) => ids,
}

/** What is missing when a kind is taken away; in place of it a row gets the value of some other row. */
export const COLUMN_OF: Record<Kind, keyof Click> = {
  distance: 'distanceM',
  overlap: 'liked',
  time: 'hour',
  companion: 'companion',
  device: 'device',
  position: 'position',
  price_age: 'age',
  gender: 'gender',
  rating: 'rating',
  opened: 'openDays',
  ids: 'ids',
}

export function logitOf(click: Click): number {
  return Object.values(TERMS).reduce((sum, term) => sum + term(click), BASE)
}

/** Mean over cuisines of the effect of their dayparts. */
function meanOf(cuisines: string[], effects: number[]): number {
  const own = cuisines.map((cuisine) => {
    const [, daypart] = CUISINES.find(([name]) => name === cuisine) ?? [cuisine, 'none']
    return effects[DAYPARTS.findIndex((name) => name === daypart)]
  })
  return own.reduce((sum, effect) => sum + effect, 0) / own.length
}
