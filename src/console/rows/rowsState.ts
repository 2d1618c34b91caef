import { numberOf } from '../parts/numberOf.ts'

export type Side = 'users' | 'restaurants'

/** All that the view shows, which is all that the address of the page holds. */
export interface RowsState {
  side: Side
  id: string // '': none yet
  rankedFor: string // user of the list, of a restaurant that is looked up; '': not chosen yet
  latitude: number | null // of the list, of a user that is looked up; null: not chosen yet
  longitude: number | null
  reachM: number
}

const DEFAULT_REACH_M = 5000

/** Reads the parameters of an address; what cannot be used counts as absent. */
export function parseRows(params: URLSearchParams): RowsState {
  const restaurant = params.get('restaurant')
  const latitude = numberOf(params.get('lat'), -90, 90)
  const longitude = numberOf(params.get('lon'), -180, 180)
  const hasPlace = latitude !== null && longitude !== null
  return {
    side: restaurant === null ? 'users' : 'restaurants',
    id: restaurant ?? params.get('user') ?? '',
    rankedFor: params.get('for') ?? '',
    latitude: hasPlace ? latitude : null,
    longitude: hasPlace ? longitude : null,
    reachM: numberOf(params.get('reach'), 1, 20_100_000) ?? DEFAULT_REACH_M,
  }
}

/** What `parseRows` makes the same state of; defaults are left out. */
export function formatRows({ side, id, rankedFor, latitude, longitude, reachM }: RowsState): URLSearchParams {
  const params = new URLSearchParams({ [side === 'users' ? 'user' : 'restaurant']: id })
  if (rankedFor !== '') params.set('for', rankedFor)
  if (latitude !== null && longitude !== null) {
    params.set('lat', String(latitude))
    params.set('lon', String(longitude))
  }
  if (reachM !== DEFAULT_REACH_M) params.set('reach', String(reachM))
  return params
}
