import type {
  ExplainedValue,
  Explanation,
  FeatureEffect,
  FeatureValues,
  Id,
  PutFeaturesAnswer,
  Readiness,
  RecommendedRestaurant,
  ServedModel,
  StoredRestaurant,
  StoredUser,
} from './types.ts'

// Each reader takes a parsed answer of the server and checks it completely. All throw TypeError with what was
// wanted and found.

export function readRestaurants(json: unknown): RecommendedRestaurant[] {
  return listOf(field(json, 'restaurants'), 'restaurants').map(readRestaurantOfList)
}

function readRestaurantOfList(json: unknown): RecommendedRestaurant {
  const restaurant: RecommendedRestaurant = {
    id: idOf(field(json, 'id'), 'id'),
    score: numberOf(field(json, 'score'), 'score'),
    displacementM: numberOf(field(json, 'displacement'), 'displacement'),
  }
  const explanation = field(json, 'explanation')
  if (explanation !== undefined) restaurant.explanation = explanationOf(explanation)
  return restaurant
}

function explanationOf(json: unknown): Explanation {
  const features = listOf(field(json, 'features'), 'features').map(
    (one): FeatureEffect => ({
      feature: textOf(field(one, 'feature'), 'feature'),
      effect: numberOf(field(one, 'effect'), 'effect'),
      value: explainedValueOf(field(one, 'value')),
      encoded: textOf(field(one, 'encoded'), 'encoded'),
    }),
  )
  const baseline = numberOf(field(json, 'baseline'), 'baseline')
  return { baseline, logit: numberOf(field(json, 'logit'), 'logit'), features }
}

export function readUser(json: unknown): StoredUser<StoredFeatures> {
  return { id: idOf(field(json, 'user_id'), 'user_id'), features: featuresOf(json) }
}

export function readRestaurant(json: unknown): StoredRestaurant<StoredFeatures> {
  return {
    id: idOf(field(json, 'restaurant_id'), 'restaurant_id'),
    features: featuresOf(json),
    latitude: numberOf(field(json, 'latitude'), 'latitude'),
    longitude: numberOf(field(json, 'longitude'), 'longitude'),
  }
}

export function readPutFeatures(json: unknown): PutFeaturesAnswer {
  return {
    users: numberOf(field(json, 'users'), 'users'),
    restaurants: numberOf(field(json, 'restaurants'), 'restaurants'),
    deleted: numberOf(field(json, 'deleted'), 'deleted'),
  }
}

export function readModel(json: unknown): ServedModel {
  return {
    version: numberOf(field(json, 'version'), 'version'),
    path: textOf(field(json, 'path'), 'path'),
    checksum: textOf(field(json, 'checksum'), 'checksum'),
    createdAt: textOf(field(json, 'created_at'), 'created_at'),
    loadedAt: textOf(field(json, 'loaded_at'), 'loaded_at'),
  }
}

export function readReadiness(json: unknown): Omit<Readiness, 'ready'> {
  return {
    status: textOf(field(json, 'status'), 'status'),
    reasons: listOf(field(json, 'reasons'), 'reasons').map((reason) => textOf(reason, 'reasons')),
  }
}

function field(json: unknown, name: string): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw wrong(`an object with ${name}`, json)
  return Object.hasOwn(json, name) ? Reflect.get(json, name) : undefined
}

type StoredFeatures = number[] | FeatureValues

function featuresOf(json: unknown): StoredFeatures {
  const features = field(json, 'features')
  if (typeof features !== 'object' || features === null || Array.isArray(features))
    return listOf(features, 'features').map((feature) => numberOf(feature, 'features'))
  return Object.fromEntries(
    Object.entries(features).map(([name, value]): [string, unknown] => {
      const found: unknown = Array.isArray(value) ? value.map(plainNumber) : plainNumber(value)
      for (const item of [found].flat()) checkSingle(item)
      return [name, found]
    }),
  ) as FeatureValues
}

/** What `parseWire` has made a bigint of; only ids need all of its digits. */
function plainNumber(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

function explainedValueOf(value: unknown): ExplainedValue {
  for (const item of [value].flat()) if (typeof item !== 'bigint') checkSingle(item)
  return value as ExplainedValue
}

function checkSingle(value: unknown): void {
  if (value === null || ['number', 'string', 'boolean'].includes(typeof value)) return
  throw wrong('numbers, strings, booleans and lists of them as features', value)
}

function listOf(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw wrong(`a list as ${name}`, value)
  return value
}

function numberOf(value: unknown, name: string): number {
  const number = plainNumber(value)
  if (typeof number !== 'number' || !Number.isFinite(number)) throw wrong(`a finite number as ${name}`, value)
  return number
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrong(`a string as ${name}`, value)
  return value
}

function idOf(value: unknown, name: string): Id {
  const isId = typeof value === 'bigint' || typeof value === 'string' || Number.isSafeInteger(value)
  if (!isId) throw wrong(`an integer or a string as ${name}`, value)
  return value as Id
}

function wrong(wanted: string, found: unknown): TypeError {
  const shown = Array.isArray(found)
    ? `a list of ${found.length}`
    : typeof found === 'object' && found !== null
      ? `an object with ${Object.keys(found).slice(0, 5).join(', ') || 'nothing'}`
      : String(found).slice(0, 60)
  return new TypeError(`expected ${wanted}, found ${shown}`)
}
