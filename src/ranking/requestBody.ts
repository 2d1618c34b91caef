import { NearrankError } from '../errors.ts'
import { ID_CHARS_MAX } from '../ids.ts'
import { shown } from '../shown.ts'
import type { RequestContext } from './contextEncoder.ts'
import { DEFAULT_MAX_DIST_M, DEFAULT_SIZE } from './ranker.ts'

/** A request for a ranked list, as its JSON body said it; ids are still those of the data. */
export interface RecommendRequest {
  candidateRestaurantIds: (number | string)[] | null // null: every restaurant within reach
  latitude: number // degrees
  longitude: number
  size: number
  maxDistM: number
  sortByDistance: boolean
  context?: RequestContext // absent: nothing is told
  explain?: true // each restaurant is explained; absent: none is
}

const CANDIDATES_MAX = 1_000_000
const EXPLAINED_MAX = 100 // restaurants of a list; each takes up to 0.1 s, see ranking/explain/attribute.ts
const CONTEXT_NAMES_MAX = 4096

/**
 * The JSON body of a request, as JSON Schema. Ids are integers, or strings where the restaurants' own ids
 * are. null stands for a field that is not given, as many languages write it. It is checked by hand, by the
 * bounds that stand here: for 1,000 ids a general validator took 11 µs, this takes 0.6.
 */
export const RecommendBody = {
  type: 'object',
  properties: {
    candidate_restaurant_ids: {
      type: ['array', 'null'],
      items: {
        anyOf: [
          { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
          { type: 'string', minLength: 1, maxLength: ID_CHARS_MAX },
        ],
      },
      maxItems: CANDIDATES_MAX,
      description:
        'Restaurants to rank; by default all within max_dist. Unknown ids and duplicates are ignored.',
    },
    latitude: { type: 'number', minimum: -90, maximum: 90, description: 'Where the user is, degrees' },
    longitude: { type: 'number', minimum: -180, maximum: 180, description: 'Where the user is, degrees' },
    size: {
      type: ['integer', 'null'],
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      default: DEFAULT_SIZE,
      description: 'How many to return at most',
    },
    max_dist: {
      type: ['number', 'null'],
      minimum: 0,
      default: DEFAULT_MAX_DIST_M,
      description: 'Great-circle distance in metres; restaurants farther away are left out',
    },
    sort_dist: {
      type: ['boolean', 'null'],
      default: false,
      description: 'true: nearest first; false: highest score first',
    },
    context: {
      type: ['object', 'null'],
      additionalProperties: true,
      maxProperties: CONTEXT_NAMES_MAX,
      description:
        'What the model learned from the clicks themselves, by name: device, companion, … What is left out is missing; times are now.',
    },
    explain: {
      type: ['boolean', 'null'],
      default: false,
      description: `true: tells how much each feature moved the score of each restaurant; size is at most ${EXPLAINED_MAX}`,
    },
  },
  required: ['latitude', 'longitude'],
  additionalProperties: false,
  anyOf: [
    { properties: { explain: { enum: [false, null] } } },
    { properties: { size: { maximum: EXPLAINED_MAX } } },
  ],
} as const

type Field = keyof typeof RecommendBody.properties

const WANTED: Record<Field, string> = {
  candidate_restaurant_ids: `a list of at most ${CANDIDATES_MAX} restaurant ids`,
  latitude: 'degrees, a number from -90 to 90',
  longitude: 'degrees, a number from -180 to 180',
  size: 'an integer from 1',
  max_dist: 'metres, a number from 0',
  sort_dist: 'true or false',
  context: 'an object of the names and values of features',
  explain: 'true or false',
}

/**
 * A request from its parsed JSON body, checked completely; `size`, `max_dist` and `sort_dist` have the API's
 * defaults, if they are absent or null.
 * @throws NearrankError INPUT naming the field, what is wanted and what was found.
 */
export function parseRecommendRequest(json: unknown): RecommendRequest {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw wrong(`the body must be a JSON object, found ${shown(json)}`)
  for (const key of Object.keys(json))
    if (!Object.hasOwn(WANTED, key))
      throw wrong(`the fields are ${Object.keys(WANTED).join(', ')}, found ${shown(key)}`)
  const body = json as Partial<Record<Field, unknown>>
  for (const field of RecommendBody.required)
    if (isAbsent(body[field])) throw wrong(`${field} is missing: it must be ${WANTED[field]}`)
  const size = numberOf(body, 'size', DEFAULT_SIZE)
  const explain = flagOf(body, 'explain')
  if (explain && size > EXPLAINED_MAX)
    throw wrong(`size must be at most ${EXPLAINED_MAX} with explain, found ${size}`)
  return {
    candidateRestaurantIds: candidatesOf(body.candidate_restaurant_ids),
    latitude: numberOf(body, 'latitude', 0),
    longitude: numberOf(body, 'longitude', 0),
    size,
    maxDistM: numberOf(body, 'max_dist', DEFAULT_MAX_DIST_M),
    sortByDistance: flagOf(body, 'sort_dist'),
    ...(!isAbsent(body.context) && { context: contextOf(body.context) }),
    ...(explain && { explain }),
  }
}

function contextOf(value: unknown): RequestContext {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongField('context', value)
  if (Object.keys(value).length > CONTEXT_NAMES_MAX) throw wrongField('context', value)
  return value as RequestContext
}

function candidatesOf(ids: unknown): (number | string)[] | null {
  if (isAbsent(ids)) return null
  if (!Array.isArray(ids) || ids.length > CANDIDATES_MAX) throw wrongField('candidate_restaurant_ids', ids)
  for (let i = 0; i < ids.length; i++) {
    const id: unknown = ids[i]
    if (!Number.isSafeInteger(id) && !(typeof id === 'string' && id.length > 0 && id.length <= ID_CHARS_MAX))
      throw wrong(
        `candidate_restaurant_ids[${i}] must be an integer or a string of 1 to ${ID_CHARS_MAX} characters${Number.isInteger(id) ? ', beyond ±(2^53 − 1) a string' : ''}, found ${shown(id)}`,
      )
  }
  return ids as (number | string)[]
}

function numberOf(
  body: Partial<Record<Field, unknown>>,
  field: 'latitude' | 'longitude' | 'size' | 'max_dist',
  byDefault: number,
): number {
  const value = body[field]
  if (isAbsent(value)) return byDefault
  const bounds: { minimum: number; maximum?: number } = RecommendBody.properties[field]
  const { minimum, maximum = Number.MAX_VALUE } = bounds
  if (typeof value !== 'number' || !(value >= minimum && value <= maximum)) throw wrongField(field, value)
  if (field === 'size' && !Number.isInteger(value)) throw wrongField(field, value)
  return value
}

function flagOf(body: Partial<Record<Field, unknown>>, field: 'sort_dist' | 'explain'): boolean {
  const value = body[field]
  if (isAbsent(value)) return RecommendBody.properties[field].default
  if (typeof value !== 'boolean') throw wrongField(field, value)
  return value
}

/** Whether a field is not given. */
function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

function wrongField(field: Field, value: unknown): NearrankError {
  return wrong(`${field} must be ${WANTED[field]}, found ${shown(value)}`)
}

function wrong(sentence: string): NearrankError {
  return new NearrankError('INPUT', `Cannot use the request: ${sentence}`)
}
