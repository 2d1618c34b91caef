import { type EncodedPair, type PairEncoder, pairEncoder } from '../../features/pairs.ts'
import { wordsOf } from '../../features/encodeRow.ts'
import type { PairFeature } from '../../features/featureSpec.ts'
import { type RowShape, widthOf } from '../../features/rowShape.ts'
import { distanceM } from '../../geo/greatCircle.ts'
import { arrayOf } from '../parquet/duckdb.ts'
import { type FeatureTable, readFeaturesInto, readPlaces, type Tables } from '../tables/readTables.ts'
import { NO_ROW } from '../tables/idIndex.ts'
import type { ClickRows } from './rowLayout.ts'
import type { ClickVectors, PairPlan } from './rowsPlan.ts'

/** Computes the pairs of clicks, from the tables in memory: as much of them as the features need. */
export class PairPacker {
  readonly #encoder: PairEncoder
  readonly #pair: EncodedPair
  readonly #widths: { user: number; restaurant: number }
  readonly #degrees: { latitude: Float64Array; longitude: Float64Array } | null

  /** Reads what is needed of the tables; null: there are no pairs. */
  static async open({ features, places }: PairPlan, tables: Tables): Promise<PairPacker | null> {
    if (features.length === 0) return null
    const needsRows = features.some(({ kind }) => kind === 'overlap')
    const rowsOf = async (table: FeatureTable) => {
      const rows = new Float32Array(needsRows ? table.rows * widthOf(table.features) : 0)
      if (needsRows) await readFeaturesInto(table, rows, widthOf(table.features))
      return { ...wordsOf(rows), at: 0 }
    }
    const pair = {
      user: await rowsOf(tables.users),
      restaurant: await rowsOf(tables.restaurants),
      distanceM: Number.NaN,
    }
    const degrees = places.length > 0 ? await readPlaces(tables) : null
    return new PairPacker(features, tables, pair, degrees)
  }

  private constructor(
    pairs: readonly PairFeature[],
    { users, restaurants }: Tables,
    pair: EncodedPair,
    degrees: { latitude: Float64Array; longitude: Float64Array } | null,
  ) {
    this.#encoder = pairEncoder(pairs, { users: users.features, restaurants: restaurants.features })
    this.#pair = pair
    this.#widths = { user: widthOf(users.features), restaurant: widthOf(restaurants.features) }
    this.#degrees = degrees
  }

  /** Writes the pairs of the first `count` rows into their context, of `shape`, behind what is there. */
  encode(rows: ClickRows, vectors: ClickVectors, count: number, shape: RowShape): void {
    const { users, restaurants, context } = rows
    const to = wordsOf(context as Uint32Array)
    const { numbers, codes } = this.#encoder
    const [latitudes, longitudes] = vectors.places.map((vector) => arrayOf(vector) as Float64Array)
    const pair = this.#pair
    for (let i = 0, at = 0; i < count; i++, at += shape.words) {
      const restaurant = restaurants[i]
      if (users[i] === NO_ROW || restaurant === NO_ROW) continue
      pair.user.at = users[i] * this.#widths.user
      pair.restaurant.at = restaurant * this.#widths.restaurant
      const degrees = this.#degrees
      if (degrees)
        pair.distanceM = distanceM(
          latitudes[i],
          longitudes[i],
          degrees.latitude[restaurant],
          degrees.longitude[restaurant],
        )
      this.#encoder.encodeInto(to, at + shape.numbers - numbers, at + shape.words - codes, pair)
    }
  }
}
