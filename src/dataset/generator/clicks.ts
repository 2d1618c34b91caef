import { BIGINT } from '../parquet/duckdbApi.ts'
import type { Random } from '../../random.ts'
import { bestAccuracy, bestLogLoss, clickProbability } from './bayesCeiling.ts'
import { wordsOf } from '../parquet/duckdb.ts'
import { SCORE_FEATURES } from './plan.ts'
import { flush } from './tables.ts'
import type { ParquetTable } from '../parquet/parquetWriter.ts'

/** What decides clicks: the first features of everybody. */
export interface ScoringFeatures {
  users: Float32Array // [users, 10]
  restaurants: Float32Array // [restaurants, 10]
}

/** What is summed up over the rows of a file. */
export interface ClickSums {
  clicks: number
  bestAccuracy: number // expected
  bestLogLoss: number // expected
}

const SCORE_NOISE = 0.1

/**
 * Clicks of uniform users and restaurants: score = u · r + 0.1 · N(0, 1), click ~ Bernoulli(sigmoid(score)).
 */
export function clickTable(
  rows: number,
  random: Random,
  features: ScoringFeatures,
  withCeiling: boolean,
): { table: ParquetTable; sums: ClickSums } {
  const sums: ClickSums = { clicks: 0, bestAccuracy: 0, bestLogLoss: 0 }
  const table: ParquetTable = {
    rows,
    columns: ['user_id', 'restaurant_id', 'click'].map((name) => ({ name, type: BIGINT })),
    fillInto(vectors, _start, count) {
      const [users, restaurants, clicks] = vectors.map(wordsOf)
      fillClicksInto(users, restaurants, clicks, count, random, features, withCeiling, sums)
      flush(vectors)
    },
  }
  return { table, sums }
}

/** The columns are 64-bit integers as pairs of words: the upper one is 0. */
function fillClicksInto(
  users: Uint32Array,
  restaurants: Uint32Array,
  clicks: Uint32Array,
  count: number,
  random: Random,
  features: ScoringFeatures,
  withCeiling: boolean,
  sums: ClickSums,
): void {
  const userFeatures = features.users
  const restaurantFeatures = features.restaurants
  const userCount = userFeatures.length / SCORE_FEATURES
  const restaurantCount = restaurantFeatures.length / SCORE_FEATURES
  for (let i = 0; i < count; i++) {
    const user = random.below(userCount)
    const restaurant = random.below(restaurantCount)
    const u = user * SCORE_FEATURES
    const r = restaurant * SCORE_FEATURES
    let product = 0
    for (let k = 0; k < SCORE_FEATURES; k++) product += userFeatures[u + k] * restaurantFeatures[r + k]
    const score = product + SCORE_NOISE * random.normal()
    const click = random.float() * (1 + Math.exp(-score)) < 1 ? 1 : 0
    users[2 * i] = user
    users[2 * i + 1] = 0
    restaurants[2 * i] = restaurant
    restaurants[2 * i + 1] = 0
    clicks[2 * i] = click
    clicks[2 * i + 1] = 0
    sums.clicks += click
    if (!withCeiling) continue
    const p = clickProbability(product, SCORE_NOISE)
    sums.bestAccuracy += bestAccuracy(p)
    sums.bestLogLoss += bestLogLoss(p)
  }
}
