import { numberOf } from '../parts/numberOf.ts'

/** One of the requests that are compared: for whom, and in which context. */
export interface Asked {
  user: string // '': none yet
  context: Readonly<Record<string, readonly string[]>> // texts of the fields; several of a list
}

/** All that the view shows, which is all that the address of the page holds. */
export interface ExploreState {
  latitude: number | null // degrees; null: not chosen yet
  longitude: number | null
  reachM: number
  size: number
  byDistance: boolean
  first: Asked
  second: Asked | null // null: one request alone
  selected: string | null // id of the restaurant that is explained
}

export const SIZE_MAX = 100 // as many as the server explains
export const DEFAULT_REACH_M = 5000
export const REACH_M_MAX = 20_100_000 // half way round the world
export const DEFAULT_SIZE = 20
/** Of the numbers in an address. */
export const LIMITS = {
  lat: [-90, 90],
  lon: [-180, 180],
  reach: [1, REACH_M_MAX],
  size: [1, SIZE_MAX],
} as const
const CONTEXT = 'c.' // before the name of a feature, so that none is taken for a parameter
const SECOND = 'b.' // before the parameters of the second request

/** Reads the parameters of an address; what cannot be used counts as absent. */
export function parseState(params: URLSearchParams): ExploreState {
  const latitude = numberOf(params.get('lat'), ...LIMITS.lat)
  const longitude = numberOf(params.get('lon'), ...LIMITS.lon)
  const hasPlace = latitude !== null && longitude !== null
  return {
    latitude: hasPlace ? latitude : null,
    longitude: hasPlace ? longitude : null,
    reachM: numberOf(params.get('reach'), ...LIMITS.reach) ?? DEFAULT_REACH_M,
    size: Math.round(numberOf(params.get('size'), ...LIMITS.size) ?? DEFAULT_SIZE),
    byDistance: params.get('order') === 'distance',
    first: askedOf(params, ''),
    second: params.has(`${SECOND}user`) ? askedOf(params, SECOND) : null,
    selected: params.get('restaurant'),
  }
}

/** What `parseState` makes the same state of; defaults are left out. */
export function formatState(state: ExploreState): URLSearchParams {
  const { latitude, longitude, reachM, size, byDistance, first, second, selected } = state
  const params = new URLSearchParams()
  addAsked(params, '', first)
  if (latitude !== null && longitude !== null) {
    params.set('lat', String(latitude))
    params.set('lon', String(longitude))
  }
  if (reachM !== DEFAULT_REACH_M) params.set('reach', String(reachM))
  if (size !== DEFAULT_SIZE) params.set('size', String(size))
  if (byDistance) params.set('order', 'distance')
  if (second) addAsked(params, SECOND, second)
  if (selected !== null) params.set('restaurant', selected)
  return params
}

function askedOf(params: URLSearchParams, prefix: string): Asked {
  const start = prefix + CONTEXT
  const names = [...params.keys()].filter((key) => key.startsWith(start))
  return {
    user: params.get(`${prefix}user`) ?? '',
    context: Object.fromEntries(names.map((key) => [key.slice(start.length), params.getAll(key)])),
  }
}

function addAsked(params: URLSearchParams, prefix: string, { user, context }: Asked): void {
  if (user !== '' || prefix === SECOND) params.set(`${prefix}user`, user)
  for (const [name, texts] of Object.entries(context))
    for (const text of texts) params.append(prefix + CONTEXT + name, text)
}
