import { readRestaurant, readUser } from '../../client/readAnswers.ts'
import type { FeatureValues, Id, StoredRestaurant, StoredUser } from '../../client/types.ts'
import { wireId } from '../../client/wireJson.ts'
import type { ConsoleApi } from './consoleApi.ts'

export type UserRow = StoredUser<number[] | FeatureValues>
export type RestaurantRow = StoredRestaurant<number[] | FeatureValues>

const IDS_MAX = 100 // of a request
const QUERY_CHARS_MAX = 6000 // well within what servers and proxies take of a path

/** The rows of those ids that exist. @throws NearrankApiError */
export async function getRestaurants(
  api: ConsoleApi,
  ids: readonly Id[],
  signal?: AbortSignal,
): Promise<RestaurantRow[]> {
  const answers = await Promise.all(queriesOf(ids).map((query) => restaurantsOf(api, query, signal)))
  return answers.flat()
}

/** Random restaurants. @throws NearrankApiError */
export function sampleRestaurants(
  api: ConsoleApi,
  count: number,
  signal?: AbortSignal,
): Promise<RestaurantRow[]> {
  return restaurantsOf(api, `sample=${count}`, signal)
}

/** A random user; undefined: there is none. @throws NearrankApiError */
export async function sampleUser(api: ConsoleApi, signal?: AbortSignal): Promise<UserRow | undefined> {
  return (await sampleUsers(api, 1, signal))[0]
}

/** Random users. @throws NearrankApiError */
export function sampleUsers(api: ConsoleApi, count: number, signal?: AbortSignal): Promise<UserRow[]> {
  return api.getJson({ action: 'get random users', path: `/users?sample=${count}`, signal }, ({ json }) =>
    (json as { users: unknown[] }).users.map(readUser),
  )
}

function restaurantsOf(api: ConsoleApi, query: string, signal?: AbortSignal): Promise<RestaurantRow[]> {
  return api.getJson({ action: 'get restaurants', path: `/restaurants?${query}`, signal }, ({ json }) =>
    (json as { restaurants: unknown[] }).restaurants.map(readRestaurant),
  )
}

/** As few queries as there may be for so many ids. */
export function queriesOf(ids: readonly Id[]): string[] {
  const queries: string[] = []
  let parts: string[] = []
  let chars = 0
  for (const id of ids) {
    const part = `id=${encodeURIComponent(String(wireId(id)))}`
    if (parts.length === IDS_MAX || (parts.length > 0 && chars + part.length > QUERY_CHARS_MAX)) {
      queries.push(parts.join('&'))
      parts = []
      chars = 0
    }
    parts.push(part)
    chars += part.length + 1
  }
  if (parts.length > 0) queries.push(parts.join('&'))
  return queries
}
