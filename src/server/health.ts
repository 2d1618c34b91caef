import type { Side } from '../features/featureSpec.ts'
import type { StoreStatus } from '../store/featureStore.ts'
import type { Health, ServedModel } from './services.ts'

export type Phase = 'starting' | 'ready' | 'stopping'

export interface HealthParts {
  phase: Phase
  store: StoreStatus
  model: ServedModel | null
  rows: Readonly<Record<Side, number>>
  listeningThreads: number // that take requests
  threads: number // that should
}

/** What `/health/ready` answers. */
export function healthOf(parts: HealthParts): Health {
  const { phase, store, model, rows, listeningThreads } = parts
  return {
    ready: phase === 'ready',
    reasons: phase === 'starting' ? ['Features are still being loaded.'] : reasonsOf(parts),
    store,
    model,
    users: rows.users,
    restaurants: rows.restaurants,
    listeningThreads,
  }
}

function reasonsOf({ phase, store, rows, listeningThreads, threads }: HealthParts): string[] {
  const reasons: string[] = []
  const { troubles = [] } = store
  if (phase === 'stopping') reasons.push('The server is shutting down.')
  if (!store.connected)
    reasons.push(
      store.refusal === undefined
        ? 'The store cannot be reached: features are served from memory.'
        : `The store cannot be used: ${store.refusal}. Features are served from memory.`,
    )
  else if (!store.synced && troubles.length === 0)
    reasons.push('The store is being read again: features may be out of date.')
  reasons.push(...troubles)
  for (const [side, count] of Object.entries(rows))
    if (count === 0) reasons.push(`There are no ${side} in the store.`)
  if (phase === 'ready' && listeningThreads < threads)
    reasons.push(`Only ${listeningThreads} of ${threads} listening threads take requests: see the log.`)
  return reasons
}
