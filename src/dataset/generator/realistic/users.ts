import { DOUBLE, DuckDBListValue, INTEGER, LIST, VARCHAR } from '../../parquet/duckdbApi.ts'
import type { Random } from '../../../random.ts'
import type { ParquetTable } from '../../parquet/parquetWriter.ts'
import { flush } from '../tables.ts'
import { CUISINE_WEIGHTS, cuisineNames } from './cuisines.ts'
import { cumulative, drawIndex, drawSign } from './draw.ts'
import { GENDER_SUMS, GENDERS, USER_BIAS } from './effects.ts'
import { copyBefore, drawPlacedInto, emptyPlaced, isTwin, type Placed } from './placed.ts'
import { sharedFloat32, sharedInt32, sharedUint8 } from './shared.ts'
import type { Centres } from './towns.ts'

/** The users, on shared memory: 28 bytes each. Their places are their homes. */
export interface Users extends Placed {
  ages: Uint8Array // 0: unknown
  genders: Uint8Array // of `GENDERS`
  liked: Int32Array // set of cuisines; −1: unknown
  biases: Float32Array // of the logit; in no column
}

const NO_AGE = 0.12
const NO_LIST = 0.15
const EMPTY_LIST = 0.1
const LIKED_MAX = 5
const HOME_SPREAD_M = 2500
const CUISINE_SUMS = cumulative(CUISINE_WEIGHTS)

export const USER_COLUMNS = ['age', 'gender', 'home_latitude', 'home_longitude', 'liked_cuisines']

export function emptyUsers(rows: number): Users {
  return {
    ...emptyPlaced(rows),
    ages: sharedUint8(rows),
    genders: sharedUint8(rows),
    liked: sharedInt32(rows),
    biases: sharedFloat32(rows),
  }
}

/** Draws a row, or makes it the twin of the one before. The rows must be drawn in order. */
export function drawUserInto(users: Users, row: number, random: Random, centres: Centres): void {
  if (isTwin(row)) {
    copyBefore(users, row)
    users.biases[row] *= -1
    return
  }
  drawPlacedInto(users, row, random, { centres, spreadM: HOME_SPREAD_M })
  const age = Math.min(85, Math.floor(18 + Math.abs(10 + 16 * random.normal())))
  users.ages[row] = random.float() < NO_AGE ? 0 : age
  users.genders[row] = drawIndex(random, GENDER_SUMS)
  users.liked[row] = drawLiked(random)
  users.biases[row] = drawSign(random) * USER_BIAS
}

function drawLiked(random: Random): number {
  const x = random.float()
  if (x < NO_LIST) return -1
  return x < NO_LIST + EMPTY_LIST ? 0 : drawCuisines(random, 1 + random.below(LIKED_MAX))
}

/** A set of `count` cuisines, by their popularity. */
export function drawCuisines(random: Random, count: number): number {
  let set = 0
  for (let drawn = 0; drawn < count; ) {
    const bit = 1 << drawIndex(random, CUISINE_SUMS)
    if (set & bit) continue
    set |= bit
    drawn++
  }
  return set
}

/** The id of a user, of six digits or as many as the last one needs. */
export function userId(row: number, users: number): string {
  return `u${String(row).padStart(userIdDigits(users), '0')}`
}

export function userIdDigits(users: number): number {
  return Math.max(6, String(users - 1).length)
}

/** `user_features.parquet`; fills `users` on the way. */
export function userTable(users: Users, centres: Centres, random: Random): ParquetTable {
  const rows = users.towns.length
  return {
    rows,
    columns: [
      { name: 'user_id', type: VARCHAR },
      { name: 'age', type: INTEGER },
      { name: 'gender', type: VARCHAR },
      { name: 'home_latitude', type: DOUBLE },
      { name: 'home_longitude', type: DOUBLE },
      { name: 'liked_cuisines', type: LIST(VARCHAR) },
    ],
    fillInto(vectors, start, count) {
      const [ids, ages, genders, latitudes, longitudes, lists] = vectors
      for (let i = 0; i < count; i++) {
        const row = start + i
        drawUserInto(users, row, random, centres)
        const age = users.ages[row]
        const liked = users.liked[row]
        ids.setItem(i, userId(row, rows))
        ages.setItem(i, age === 0 ? null : age)
        genders.setItem(i, GENDERS[users.genders[row]])
        latitudes.setItem(i, users.latitudes[row])
        longitudes.setItem(i, users.longitudes[row])
        lists.setItem(i, liked < 0 ? null : new DuckDBListValue(cuisineNames(liked)))
      }
      flush(vectors)
    },
  }
}
