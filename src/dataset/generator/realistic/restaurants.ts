import {
  BIGINT,
  DATE,
  DOUBLE,
  DuckDBDateValue,
  DuckDBListValue,
  INTEGER,
  LIST,
  VARCHAR,
} from '../../parquet/duckdbApi.ts'
import { mix32, type Random } from '../../../random.ts'
import type { ParquetTable } from '../../parquet/parquetWriter.ts'
import { flush } from '../tables.ts'
import { cuisineNames } from './cuisines.ts'
import { drawIndex, drawSign } from './draw.ts'
import { PRICE_SUMS, RESTAURANT_QUALITY } from './effects.ts'
import { copyBefore, drawPlacedInto, emptyPlaced, isTwin, type Placed } from './placed.ts'
import { sharedFloat32, sharedInt32, sharedUint8 } from './shared.ts'
import type { Centres } from './towns.ts'
import { drawCuisines } from './users.ts'
import { FIRST_DAY } from './calendar.ts'

/** The restaurants, on shared memory: 32 bytes each. */
export interface Restaurants extends Placed {
  cuisines: Int32Array // set
  prices: Uint8Array // price level − 1
  ratings: Uint8Array // tenths, 10 … 50; 0: nobody has rated it
  ageDays: Int32Array // at the start of the clicks
  qualities: Float32Array // of the logit; in no column
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
    ...emptyPlaced(rows),
    cuisines: sharedInt32(rows),
    prices: sharedUint8(rows),
    ratings: sharedUint8(rows),
    ageDays: sharedInt32(rows),
    qualities: sharedFloat32(rows),
  }
}

/** Draws a row, or makes it the twin of the one before. The rows must be drawn in order. */
export function drawRestaurantInto(
  restaurants: Restaurants,
  row: number,
  random: Random,
  centres: Centres,
): void {
  if (isTwin(row)) {
    copyBefore(restaurants, row)
    restaurants.qualities[row] *= -1
    return
  }
  drawPlacedInto(restaurants, row, random, { centres, spreadM: SPREAD_M })
  restaurants.cuisines[row] = drawCuisines(random, 1 + random.below(CUISINES_MAX))
  restaurants.prices[row] = drawIndex(random, PRICE_SUMS)
  const rating = Math.min(50, Math.max(10, Math.round(39 + 6 * random.normal())))
  restaurants.ratings[row] = random.float() < NO_RATING ? 0 : rating
  const ageDays = Math.floor(-AGE_DAYS_MEAN * Math.log(1 - random.float()))
  restaurants.ageDays[row] = Math.min(AGE_DAYS_MAX, ageDays)
  restaurants.qualities[row] = drawSign(random) * RESTAURANT_QUALITY
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
      const [ids, latitudes, longitudes, cuisines, prices, ratings, opened, names] = vectors
      for (let i = 0; i < count; i++) {
        const row = start + i
        drawRestaurantInto(restaurants, row, random, centres)
        const rating = restaurants.ratings[row]
        ids.setItem(i, BigInt(restaurantId(row)))
        latitudes.setItem(i, restaurants.latitudes[row])
        longitudes.setItem(i, restaurants.longitudes[row])
        cuisines.setItem(i, new DuckDBListValue(cuisineNames(restaurants.cuisines[row])))
        prices.setItem(i, restaurants.prices[row] + 1)
        ratings.setItem(i, rating === 0 ? null : rating / 10)
        opened.setItem(i, new DuckDBDateValue(FIRST_DAY - restaurants.ageDays[row]))
        names.setItem(i, drawName(nameRandom))
      }
      flush(vectors)
    },
  }
}

function drawName(random: Random): string {
  const first = FIRST_WORDS[random.below(FIRST_WORDS.length)]
  const second = SECOND_WORDS[random.below(SECOND_WORDS.length)]
  return `${first} ${second} ${1 + random.below(NAME_NUMBERS)}`
}
