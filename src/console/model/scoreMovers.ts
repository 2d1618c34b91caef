import type { Explanation, RecommendedRestaurant } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { sampleRestaurants, sampleUsers } from '../api/rows.ts'

/** How much a feature moves scores, up or down. */
export interface Mover {
  feature: string // as `restaurant.cuisine`
  effect: number // mean of its absolute effects on the logit
}

export interface Movers {
  lists: number // that were explained
  restaurants: number // in all of them
  movers: Mover[] // the largest first
}

const LISTS = 10
const SIZE = 20

/**
 * Explains lists of random users at random restaurants, one after the other: the main thread of the server
 * makes them. `progress` gets the share that is done. @throws NearrankApiError
 */
export async function measureMovers(
  api: ConsoleApi,
  { signal, progress }: { signal: AbortSignal; progress: (share: number) => void },
): Promise<Movers> {
  const [users, places] = await Promise.all([
    sampleUsers(api, LISTS, signal),
    sampleRestaurants(api, LISTS, signal),
  ])
  const lists = Math.min(users.length, places.length)
  const restaurants: RecommendedRestaurant[] = []
  for (let i = 0; i < lists; i++) {
    const { latitude, longitude } = places[i]
    const query = { latitude, longitude, size: SIZE, explain: true }
    restaurants.push(...(await api.client.recommend(users[i].id, query, { signal })).restaurants)
    progress((i + 1) / lists)
  }
  const explanations = restaurants.flatMap(({ explanation }) => explanation ?? [])
  return { lists, restaurants: explanations.length, movers: meanEffects(explanations) }
}

/** The mean absolute effect of each feature; where it was not told, it had none. */
export function meanEffects(explanations: readonly Explanation[]): Mover[] {
  const sums = new Map<string, number>()
  for (const { features } of explanations)
    for (const { feature, effect } of features) sums.set(feature, (sums.get(feature) ?? 0) + Math.abs(effect))
  return Array.from(sums, ([feature, sum]) => ({ feature, effect: sum / explanations.length })).toSorted(
    (a, b) => b.effect - a.effect || (a.feature < b.feature ? -1 : 1),
  )
}
