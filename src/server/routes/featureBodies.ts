import { Type } from 'typebox'
import { type FeatureId, ID_CHARS_MAX, idJson } from '../../ids.ts'
import type { Change, StoreLayout } from '../../store/featureStore.ts'
import { FLOAT32_BOUND } from '../../features/featureValues.ts'

const STRICT = { additionalProperties: false }

/** A row as the store has it, not a deletion. */
export type Row = Exclude<Change, { deleted: true }>

const features = (count: number) =>
  Type.Array(
    Type.Number({
      exclusiveMinimum: -FLOAT32_BOUND,
      exclusiveMaximum: FLOAT32_BOUND,
      description: 'a number within the range of a 32-bit float',
    }),
    { minItems: count, maxItems: count, description: `a list of ${count} numbers` },
  )
const latitudeDegrees = () =>
  Type.Number({ minimum: -90, maximum: 90, description: 'degrees, a number from -90 to 90' })
const longitudeDegrees = () =>
  Type.Number({ minimum: -180, maximum: 180, description: 'degrees, a number from -180 to 180' })
const id = () =>
  Type.Union(
    [
      Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
      Type.String({ minLength: 1, maxLength: ID_CHARS_MAX }),
    ],
    {
      description: `an integer within ±(2^53 − 1), or a string of 1 to ${ID_CHARS_MAX} characters (larger integers too)`,
    },
  )
const deleted = () => Type.Literal(true, { description: 'true' })

/**
 * The schemas of rows in bodies (`user`, `restaurant`), in answers
 * and, with their ids, in lines of a bulk load.
 */
export function featureSchemas(layout: StoreLayout) {
  const user = { features: features(layout.users.features) }
  const restaurant = {
    features: features(layout.restaurants.features),
    latitude: latitudeDegrees(),
    longitude: longitudeDegrees(),
  }
  return {
    user: Type.Object(user, STRICT),
    restaurant: Type.Object(restaurant, STRICT),
    userLine: Type.Object({ user_id: id(), ...user }, STRICT),
    restaurantLine: Type.Object({ restaurant_id: id(), ...restaurant }, STRICT),
    userDeletion: Type.Object({ user_id: id(), deleted: deleted() }, STRICT),
    restaurantDeletion: Type.Object({ restaurant_id: id(), deleted: deleted() }, STRICT),
  }
}

/** A checked body of a user. */
export interface UserBody {
  features: number[]
}

/** A checked body of a restaurant. */
export interface RestaurantBody extends UserBody {
  latitude: number
  longitude: number
}

export function userRow(userId: FeatureId, body: UserBody): Row {
  return { side: 'users', id: userId, features: Float32Array.from(body.features) }
}

export function restaurantRow(restaurantId: FeatureId, body: RestaurantBody): Row {
  const { latitude, longitude } = body
  return {
    side: 'restaurants',
    id: restaurantId,
    features: Float32Array.from(body.features),
    latitude,
    longitude,
  }
}

/**
 * A row as a line of JSON, in the form that a bulk load takes except
 * for integer ids beyond 2^53, which stand as digits.
 */
export function rowJson(row: Row): string {
  const numbers = JSON.stringify(Array.from(row.features, shortestFloat32))
  if (row.side === 'users') return `{"user_id":${idJson(row.id)},"features":${numbers}}`
  const place = `"latitude":${row.latitude},"longitude":${row.longitude}`
  return `{"restaurant_id":${idJson(row.id)},"features":${numbers},${place}}`
}

/** The shortest decimal that reads back as the same float32: 0.1 and not 0.10000000149011612. */
function shortestFloat32(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}
