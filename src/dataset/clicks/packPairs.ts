import type { EncodedPair, EncodedRow } from '../../features/pairs/encodedPair.ts'
import { type PairEncoder, pairEncoder } from '../../features/pairs/pairEncoder.ts'
import { wordsOf } from '../../features/encodeRow.ts'
import type {
  FeaturesOf,
  FeatureSpec,
  Operand,
  Operands,
  PairFeature,
  Side,
} from '../../features/featureSpec.ts'
import { type RowShape, widthOf } from '../../features/rowShape.ts'
import { distanceM } from '../../geo/greatCircle.ts'
import { arrayOf } from '../parquet/duckdb.ts'
import { type FeatureTable, readFeaturesInto, readPlaces, type Tables } from '../tables/readTables.ts'
import { NO_ROW } from '../tables/idIndex.ts'
import type { ClickRows } from './rowLayout.ts'
import type { ClickVectors, PairPlan } from './rowsPlan.ts'

/** A pair, declared or fitted, as far as it tells what it is made of. */
type PairOperands = Operands & Pick<PairFeature, 'kind'>

/** What packing holds of the tables for such pairs, in bytes; a distance needs places alone. */
export function pairTableBytes(
  pairs: readonly PairOperands[],
  { users, restaurants }: Pick<Tables, Side>,
): number {
  const bytesOf = ({ rows, features }: FeatureTable, of: Operand) =>
    needsRows(pairs, of) ? 4 * rows * widthOf(features) : 0
  return bytesOf(users, 'user') + bytesOf(restaurants, 'restaurant')
}

function needsRows(pairs: readonly PairOperands[], of: Operand): boolean {
  return pairs.some((pair) => pair.kind !== 'distance' && pair[of] !== undefined)
}

/** Computes the pairs of clicks, from the tables in memory: as much of them as the features need. */
export class PairPacker {
  readonly #encoder: PairEncoder
  readonly #rows: Record<'user' | 'restaurant', EncodedRow> // all of them
  readonly #widths: { user: number; restaurant: number }
  readonly #degrees: { latitude: Float64Array; longitude: Float64Array } | null

  /** Reads what is needed of the tables; null: there are no pairs. */
  static async open(
    { features: pairs, places }: PairPlan,
    tables: Tables,
    context: FeatureSpec[],
  ): Promise<PairPacker | null> {
    if (pairs.length === 0) return null
    const rowsOf = async (table: FeatureTable, of: Operand) => {
      const isNeeded = needsRows(pairs, of)
      const rows = new Float32Array(isNeeded ? table.rows * widthOf(table.features) : 0)
      if (isNeeded) await readFeaturesInto(table, rows, widthOf(table.features))
      return { ...wordsOf(rows), at: 0 }
    }
    const rows = {
      user: await rowsOf(tables.users, 'user'),
      restaurant: await rowsOf(tables.restaurants, 'restaurant'),
    }
    const degrees = places.length > 0 ? await readPlaces(tables) : null
    const features = { users: tables.users.features, restaurants: tables.restaurants.features, context }
    return new PairPacker(pairs, features, rows, degrees)
  }

  private constructor(
    pairs: readonly PairFeature[],
    features: FeaturesOf,
    rows: Record<'user' | 'restaurant', EncodedRow>,
    degrees: { latitude: Float64Array; longitude: Float64Array } | null,
  ) {
    this.#encoder = pairEncoder(pairs, features)
    this.#rows = rows
    this.#widths = { user: widthOf(features.users), restaurant: widthOf(features.restaurants) }
    this.#degrees = degrees
  }

  /** Writes the pairs of the first `count` rows into their context, of `shape`, behind what is there. */
  encode(rows: ClickRows, vectors: ClickVectors, count: number, shape: RowShape): void {
    const { users, restaurants, context } = rows
    const to = wordsOf(context as Uint32Array)
    const { numbers, codes } = this.#encoder
    const [latitudes, longitudes] = vectors.places.map((vector) => arrayOf(vector) as Float64Array)
    const pair: EncodedPair = { ...this.#rows, context: { ...to, at: 0 }, distanceM: Number.NaN }
    for (let i = 0, at = 0; i < count; i++, at += shape.words) {
      const restaurant = restaurants[i]
      if (users[i] === NO_ROW || restaurant === NO_ROW) continue
      pair.context.at = at
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
      this.#encoder.setUser(pair)
      this.#encoder.encodeInto(to, at + shape.numbers - numbers, at + shape.words - codes, pair)
    }
  }
}
