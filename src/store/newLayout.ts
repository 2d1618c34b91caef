import type { OpenStoreOptions, StoreLayout } from './featureStore.ts'

/** What a new store will hold. */
export async function newLayout({ layout, idsOfNew }: OpenStoreOptions): Promise<StoreLayout> {
  const { users, restaurants } = layout
  const ids = users.ids && restaurants.ids ? undefined : await idsOfNew?.()
  return {
    users: { ids: ids?.users ?? 'integer', ...users },
    restaurants: { ids: ids?.restaurants ?? 'integer', ...restaurants },
  }
}
