import { type Side, SIDES } from '../features/featureSpec.ts'
import { fitProblem } from '../features/fitProblem.ts'
import type { OpenStoreOptions, SideLayout, StoreLayout } from './featureStore.ts'

/** What an existing store holds from now on, and what of it is to be written down. */
export interface AgreedLayout {
  layout: StoreLayout
  unnamed: Side[] // sides whose names the store does not have yet
}

/** What a new store will hold. */
export async function newLayout({ layout, idsOfNew }: OpenStoreOptions): Promise<StoreLayout> {
  const { users, restaurants } = layout
  const ids = users.ids && restaurants.ids ? undefined : await idsOfNew?.()
  return {
    users: { ids: ids?.users ?? 'integer', ...users },
    restaurants: { ids: ids?.restaurants ?? 'integer', ...restaurants },
  }
}

/** What a store that holds `found` is opened as; a text: why it does not do, as `fitProblem` says it. */
export function agreeOnLayout(found: StoreLayout, wanted: OpenStoreOptions['layout']): AgreedLayout | string {
  const problem = fitProblem({ wanted, found })
  if (problem !== undefined) return problem
  const side = (name: Side): SideLayout => {
    const names = found[name].names ?? wanted[name].names
    return { ...found[name], ...(names && { names }) }
  }
  return {
    layout: { users: side('users'), restaurants: side('restaurants') },
    unnamed: SIDES.filter((name) => !found[name].names && wanted[name].names),
  }
}

/** The names that a store keeps as JSON; undefined: it is no list of `length` texts. */
export function parseNames(json: string, length: number): string[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (!Array.isArray(value) || value.length !== length) return undefined
  const names: unknown[] = value
  return names.every((name) => typeof name === 'string') ? names : undefined
}
