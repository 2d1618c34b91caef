import type { ModelDescription } from '../model/modelFile.ts'
import { dataOfModel } from '../ranking/dataOfModel.ts'
import type { FeatureStore, IdType, Side } from '../store/featureStore.ts'
import { openStore } from '../store/openStore.ts'
import { fillStore, layoutOfData } from './fillStore.ts'
import { DEFAULT_STORE, type ServeOptions } from './serveOptions.ts'

/** Opens the store for the features of a model, and fills it from `options.fill` where it has no restaurants. Tells how many rows to expect. */
export async function openFilledStore(
  options: ServeOptions,
  description: ModelDescription,
): Promise<{ store: FeatureStore; rows: { users: number; restaurants: number } }> {
  const { store: url = DEFAULT_STORE, ids, signal, onProgress } = options
  const { network } = description
  const fill = options.fill && dataOfModel(description, options.fill)
  const told = { ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const store = await openStore(url, {
    layout: {
      users: { features: network.userFeatures, ...(ids?.users && { ids: ids.users }) },
      restaurants: {
        features: network.restaurantFeatures,
        ...(ids?.restaurants && { ids: ids.restaurants }),
      },
    },
    ...(fill && { idsOfNew: () => idsOfData({ ...fill, ...told }) }),
  })
  try {
    let rows = await store.count()
    // Restaurants come last and all at once: where there are none, a fill that began was not finished.
    if (fill && rows.restaurants === 0)
      rows = await fillStore({ ...fill, ...told, store, restaurantsAtOnce: true })
    return { store, rows }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function idsOfData(fill: Parameters<typeof layoutOfData>[0]): Promise<Record<Side, IdType>> {
  const { users, restaurants } = await layoutOfData(fill)
  return { users: users.ids, restaurants: restaurants.ids }
}
