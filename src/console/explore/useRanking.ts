import { useEffect, useRef, useState } from 'preact/hooks'
import type { Id, RecommendQuery } from '../../client/types.ts'
import type { ConsoleApi } from '../api/consoleApi.ts'
import type { RestaurantRow } from '../api/rows.ts'
import { LatestCalls } from './latestCalls.ts'
import type { RowCache } from './rowCache.ts'

export interface RankedRestaurant {
  id: string
  wireId: Id
  score: number
  distanceM: number
  row: RestaurantRow | undefined // undefined: it was deleted meanwhile
}

export interface RankingState {
  restaurants?: RankedRestaurant[]
  isAverage?: boolean // the server ranked for the mean user
  error?: unknown
}

/**
 * The list of a request, asked for whenever the request changes. Lists that come while a place is dragged are
 * shown, too. null: nothing is asked.
 */
export function useRanking(
  api: ConsoleApi,
  rows: RowCache,
  request: { user: string; query: RecommendQuery } | null,
): RankingState {
  const [state, setState] = useState<RankingState>({})
  const calls = useRef(new LatestCalls())
  const isWanted = useRef(false)
  useEffect(() => {
    isWanted.current = request !== null
    calls.current.clear()
    if (!request) {
      setState({})
      return
    }
    calls.current.run(async () => {
      const found = await rank(api, rows, request).catch((error: unknown): RankingState => ({ error }))
      if (isWanted.current) setState(found)
    })
  }, [api, rows, JSON.stringify(request)])
  useEffect(
    () => () => {
      isWanted.current = false
    },
    [],
  )
  return state
}

async function rank(
  api: ConsoleApi,
  rows: RowCache,
  { user, query }: { user: string; query: RecommendQuery },
): Promise<RankingState> {
  const { restaurants, user: rankedFor } = await api.client.recommend(user, query)
  const found = await rows.get(restaurants.map(({ id }) => id))
  return {
    isAverage: rankedFor === 'average',
    restaurants: restaurants.map(({ id, score, displacementM }) => {
      const text = String(id)
      return { id: text, wireId: id, score, distanceM: displacementM, row: found.get(text) }
    }),
  }
}
