import { useEffect, useState } from 'preact/hooks'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { sampleRestaurants, sampleUser } from '../api/rows.ts'
import type { ExploreState } from './exploreState.ts'
import { middleOf } from './middleOf.ts'

const SAMPLED = 100

/** Fills in what an address does not say: a random user, and a place with restaurants around. Its error. */
export function useStart(
  api: ConsoleApi,
  state: ExploreState,
  onChange: (change: Partial<ExploreState>) => void,
): unknown {
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const fill = async (): Promise<void> => {
      const needsUser = state.first.user === ''
      const needsPlace = state.latitude === null
      if (!needsUser && !needsPlace) return
      const [user, restaurants] = await Promise.all([
        needsUser ? sampleUser(api, signal) : undefined,
        needsPlace ? sampleRestaurants(api, SAMPLED, signal) : [],
      ])
      const place = middleOf(restaurants)
      onChange({ ...(user && { first: { ...state.first, user: String(user.id) } }), ...place })
    }
    fill().catch((reason: unknown) => signal.aborted || setError(reason))
    return () => controller.abort()
  }, [api])
  return error
}
