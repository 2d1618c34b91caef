import {
  BIGINT,
  DATE,
  DOUBLE,
  DuckDBDateValue,
  DuckDBListValue,
  INTEGER,
  LIST,
  VARCHAR,
} from '@duckdb/node-api'
import { mix32, type Random } from '../../../random.ts'
import { arrayOf } from '../../parquet/duckdb.ts'
import type { ParquetTable } from '../../parquet/parquetWriter.ts'
import { flush } from '../tables.ts'
import { cuisineNames } from './cuisines.ts'
import { drawIndex, drawTickets } from './draw.ts'
import { PRICE_SUMS, RESTAURANT_QUALITY } from './effects.ts'
import { sharedFloat32, sharedFloat64, sharedInt32, sharedUint8 } from './shared.ts'
import { type Centres, latitudeAround, longitudeAround, TOWN_SUMS } from './towns.ts'
import { drawCuisines } from './users.ts'
import { FIRST_DAY } from './calendar.ts'

/** The restaurants, on shared memory: 32 bytes each. */
export interface Restaurants {
  latitudes: Float64Array // degrees
  longitudes: Float64Array
  towns: Uint8Array
  cuisines: Int32Array // set
  prices: Uint8Array // price level − 1
  ratings: Uint8Array // tenths, 10 … 50; 0: nobody has rated it
  ageDays: Int32Array // at the start of the clicks
  qualities: Float32Array // of the logit; in no column
  tickets: Uint8Array // how often they are shown
}

const SPREAD_M = 2200
const CUISINES_MAX = 3
const NO_RATING = 0.15
const AGE_DAYS_MEAN = 1500
const AGE_DAYS_MAX = 9000
const FIRST_WORDS =
  'Golden Little Blue Old Green Lucky Royal Happy Silver Red Quiet Sunny Wild Grand Secret Tiny'.split(' ')
const SECOND_WORDS =
  'Lotus Kitchen Garden House Table Elephant Bowl Lantern River Corner Orchid Spoon Market Tree Door Moon'.split(
    ' ',
  )
const NAME_NUMBERS = 10_000

export const RESTAURANT_COLUMNS = ['cuisines', 'price_level', 'rating', 'opened', 'name']

export function emptyRestaurants(rows: number): Restaurants {
  return {
    latitudes: sharedFloat64(rows),
    longitudes: sharedFloat64(rows),
    towns: sharedUint8(rows),
    cuisines: sharedInt32(rows),
    prices: sharedUint8(rows),
    ratings: sharedUint8(rows),
    ageDays: sharedInt32(rows),
    qualities: sharedFloat32(rows),
    tickets: sharedUint8(rows),
  }
}

/** Draws the restaurants `start` … `start + count − 1`; in order, the same whatever the counts. */
export function fillRestaurantsInto(
  restaurants: Restaurants,
  centres: Centres,
  random: Random,
  start: number,
  count: number,
): void {
  for (let i = start; i < start + count; i++) {
    const town = drawIndex(random, TOWN_SUMS)
    restaurants.towns[i] = town
    restaurants.latitudes[i] = latitudeAround(random, centres.latitudes[town], SPREAD_M)
    restaurants.longitudes[i] = longitudeAround(random, centres.longitudes[town], SPREAD_M)
    restaurants.cuisines[i] = drawCuisines(random, 1 + random.below(CUISINES_MAX))
    restaurants.prices[i] = drawIndex(random, PRICE_SUMS)
    const rating = Math.min(50, Math.max(10, Math.round(39 + 6 * random.normal())))
    restaurants.ratings[i] = random.float() < NO_RATING ? 0 : rating
    const ageDays = Math.floor(-AGE_DAYS_MEAN * Math.log(1 - random.float()))
    restaurants.ageDays[i] = Math.min(AGE_DAYS_MAX, ageDays)
    restaurants.qualities[i] = RESTAURANT_QUALITY * random.normal()
    restaurants.tickets[i] = drawTickets(random)
  }
}

/** The id of a restaurant: no two are the same, and their order says nothing. */
export function restaurantId(row: number): number {
  return mix32(row + 1) >>> 0
}

/** `restaurant_features.parquet`; fills `restaurants` on the way. Names have a random stream of their own. */
export function restaurantTable(
  restaurants: Restaurants,
  centres: Centres,
  random: Random,
  nameRandom: Random,
): ParquetTable {
  return {
    rows: restaurants.towns.length,
    columns: [
      { name: 'restaurant_id', type: BIGINT },
      { name: 'latitude', type: DOUBLE },
      { name: 'longitude', type: DOUBLE },
      { name: 'cuisines', type: LIST(VARCHAR) },
      { name: 'price_level', type: INTEGER },
      { name: 'rating', type: DOUBLE },
      { name: 'opened', type: DATE },
      { name: 'name', type: VARCHAR },
    ],
    fillInto(vectors, start, count) {
      fillRestaurantsInto(restaurants, centres, random, start, count)
      const [ids, latitudes, longitudes, cuisines, prices, ratings, opened, names] = vectors
      for (let i = 0; i < count; i++) {
        const row = start + i
        const rating = restaurants.ratings[row]
        ids.setItem(i, BigInt(restaurantId(row)))
        cuisines.setItem(i, new DuckDBListValue(cuisineNames(restaurants.cuisines[row])))
        prices.setItem(i, restaurants.prices[row] + 1)
        ratings.setItem(i, rating === 0 ? null : rating / 10)
        opened.setItem(i, new DuckDBDateValue(FIRST_DAY - restaurants.ageDays[row]))
        names.setItem(i, drawName(nameRandom))
      }
      const end = start + count
      ;(arrayOf(latitudes) as Float64Array).set(restaurants.latitudes.subarray(start, end))
      ;(arrayOf(longitudes) as Float64Array).set(restaurants.longitudes.subarray(start, end))
      flush(vectors)
    },
  }
}

function drawName(random: Random): string {
  const first = FIRST_WORDS[random.below(FIRST_WORDS.length)]
  const second = SECOND_WORDS[random.below(SECOND_WORDS.length)]
  return `${first} ${second} ${1 + random.below(NAME_NUMBERS)}`
}
