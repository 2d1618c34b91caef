import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { NearrankError } from '../errors.ts'
import { DEFAULT_MAX_DIST_M, DEFAULT_SIZE } from './rankCandidates.ts'

/** A request for a ranked list, as its JSON body said it; ids are still those of the data. */
export interface RecommendRequest {
  candidateRestaurantIds: (number | string)[]
  latitude: number // degrees
  longitude: number
  size: number
  maxDistM: number
  sortByDistance: boolean
}

const CANDIDATES_MAX = 1_000_000
const ID_CHARS_MAX = 256
const FOUND_CHARS_MAX = 60 // of a wrong value, in a message

const Id = Type.Union([
  Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
  Type.String({ minLength: 1, maxLength: ID_CHARS_MAX }),
])

/** The JSON body of a request. Ids are integers, or strings where the restaurants' own ids are. */
export const RecommendBody = Type.Object(
  {
    candidate_restaurant_ids: Type.Array(Id, { maxItems: CANDIDATES_MAX }),
    latitude: Type.Number({ minimum: -90, maximum: 90 }),
    longitude: Type.Number({ minimum: -180, maximum: 180 }),
    size: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    max_dist: Type.Optional(Type.Number({ minimum: 0 })),
    sort_dist: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const validator = Compile(RecommendBody)

type Field = keyof typeof RecommendBody.properties

const WANTED: Record<Field, string> = {
  candidate_restaurant_ids: `a list of at most ${CANDIDATES_MAX} restaurant ids`,
  latitude: 'degrees, a number from -90 to 90',
  longitude: 'degrees, a number from -180 to 180',
  size: 'an integer from 1',
  max_dist: 'metres, a number from 0',
  sort_dist: 'true or false',
}

/**
 * A request from its parsed JSON body, checked completely; `size`, `max_dist` and `sort_dist` have the API's defaults.
 * @throws NearrankError INPUT naming the field, what is wanted and what was found.
 */
export function parseRecommendRequest(json: unknown): RecommendRequest {
  if (!validator.Check(json)) throw wrongBody(json)
  return {
    candidateRestaurantIds: json.candidate_restaurant_ids,
    latitude: json.latitude,
    longitude: json.longitude,
    size: json.size ?? DEFAULT_SIZE,
    maxDistM: json.max_dist ?? DEFAULT_MAX_DIST_M,
    sortByDistance: json.sort_dist ?? false,
  }
}

function wrongBody(json: unknown): NearrankError {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return wrong(`the body must be a JSON object, found ${shown(json)}`)
  const body = new Map(Object.entries(json))
  const fields = Object.keys(WANTED)
  for (const key of body.keys())
    if (!Object.hasOwn(WANTED, key)) return wrong(`the fields are ${fields.join(', ')}, found ${shown(key)}`)
  for (const field of ['candidate_restaurant_ids', 'latitude', 'longitude'] as const)
    if (!body.has(field)) return wrong(`${field} is missing: it must be ${WANTED[field]}`)
  const [, field, position] = (validator.Errors(json)[0]?.instancePath ?? '').split('/')
  const value = body.get(field)
  if (position !== undefined && Array.isArray(value))
    return wrong(
      `${field}[${position}] must be an integer or a string of 1 to ${ID_CHARS_MAX} characters, ` +
        `found ${shown(value[Number(position)])}`,
    )
  return wrong(`${field} must be ${WANTED[field as Field]}, found ${shown(value)}`)
}

function wrong(sentence: string): NearrankError {
  return new NearrankError('INPUT', `Cannot use the request: ${sentence}`)
}

function shown(value: unknown): string {
  if (Array.isArray(value) && value.length > FOUND_CHARS_MAX) return `a list of ${value.length}`
  const text =
    typeof value === 'number' ? String(value) : (JSON.stringify(value, withoutBigInts) ?? String(value))
  return text.length > FOUND_CHARS_MAX ? `${text.slice(0, FOUND_CHARS_MAX)}…` : text
}

function withoutBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
