import { useEffect, useState } from 'preact/hooks'
import type { ConsoleApi } from '../api/consoleApi.ts'
import { sampleRestaurants, sampleUser } from '../api/rows.ts'
import type { ExploreState } from './exploreState.ts'
import { middleOf } from './middleOf.ts'

const SAMPLED = 100

/** What came of filling in an address. */
export interface Start {
  error?: unknown
  isEmpty?: boolean // there is no user or no restaurant to begin with
  again: () => void
}

/** Fills in what an address does not say: a random user, and a place with restaurants around. */
export function useStart(
  api: ConsoleApi,
  latest: { readonly current: ExploreState },
  onChange: (change: Partial<ExploreState>) => void,
): Start {
  const [start, setStart] = useState<Omit<Start, 'again'>>({})
  const [round, setRound] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const fill = async (): Promise<void> => {
      const [needsUser, needsPlace] = [isWithoutUser(latest.current), isWithoutPlace(latest.current)]
      if (!needsUser && !needsPlace) return
      const [user, restaurants] = await Promise.all([
        needsUser ? sampleUser(api, signal) : undefined,
        needsPlace ? sampleRestaurants(api, SAMPLED, signal) : [],
      ])
      const place = middleOf(restaurants)
      setStart({ isEmpty: (needsUser && !user) || (needsPlace && !place) })
      const now = latest.current // somebody may have typed meanwhile
      onChange({
        ...(user && isWithoutUser(now) && { first: { ...now.first, user: String(user.id) } }),
        ...(isWithoutPlace(now) && place),
      })
    }
    fill().catch((reason: unknown) => signal.aborted || setStart({ error: reason }))
    return () => controller.abort()
  }, [api, round, isWithoutPlace(latest.current)]) // an address without one may be typed at any time
  return { ...start, again: () => setRound(round + 1) }
}

function isWithoutUser({ first }: ExploreState): boolean {
  return first.user === ''
}

function isWithoutPlace({ latitude }: ExploreState): boolean {
  return latitude === null
}
