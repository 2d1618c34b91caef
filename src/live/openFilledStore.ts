import { dataOfModel } from '../dataset/dataOfModel.ts'
import { keptNames } from '../dataset/tables/keptColumns.ts'
import type { FillOptions } from '../dataset/options.ts'
import { NearrankError } from '../errors.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import type { IdKind } from '../ids.ts'
import { modelFeatures } from '../model/modelFeatures.ts'
import type { FeatureStore } from '../store/featureStore.ts'
import { sideFor } from '../store/layout.ts'
import { openStore } from '../store/openStore.ts'
import type { RedisTls } from '../store/redis/tlsFiles.ts'
import { type FillProgress, fillStore, storeForData } from './fillStore.ts'

export interface FilledStoreOptions {
  store: string // address
  redisTls?: RedisTls // files, for an address that begins with rediss:
  /**
   * Fills the store where it has no restaurants or a fill was interrupted; columns as the model was trained.
   */
  fill?: FillOptions
  // Of a new store that is not filled from data, @default integer.
  ids?: { users?: IdKind; restaurants?: IdKind }
  signal?: AbortSignal
  onProgress?: (progress: FillProgress) => void
}

/**
 * Opens the store for the features of a model, and fills it from `options.fill` where it has no
 * restaurants or an earlier fill did not come to its end. Tells how many rows to expect.
 * @throws NearrankError INPUT for a store that is half filled, without
 * `options.fill`; as `openStore` and `fillStore`.
 */
export async function openFilledStore(
  options: FilledStoreOptions,
  description: ModelDescription,
): Promise<{ store: FeatureStore; rows: { users: number; restaurants: number } }> {
  const { store: url, redisTls, ids, signal, onProgress } = options
  const fill = options.fill && dataOfModel(description, options.fill)
  const told = { ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const { users, restaurants } = modelFeatures(description)
  const kept = keptNames({ side: 'restaurants', features: restaurants }, fill ?? {})
  const store = await openStore(url, {
    layout: {
      users: { ...sideFor(users), ...(ids?.users && { ids: ids.users }) },
      restaurants: { ...sideFor(restaurants, kept), ...(ids?.restaurants && { ids: ids.restaurants }) },
    },
    ...(redisTls && { redisTls }),
    ...(fill && { idsOfNew: async () => (await storeForData({ ...fill, ...told })).idsOfNew() }),
  })
  try {
    const isFilling = await store.isFilling()
    if (isFilling && !fill)
      throw new NearrankError(
        'INPUT',
        'Cannot serve from the store: it must be complete, found one that is only partly filled; run nearrank load again, or start with --data',
      )
    const rows = await store.count()
    if (fill && (isFilling || rows.restaurants === 0))
      return { store, rows: await fillStore({ ...fill, ...told, store }) }
    return { store, rows }
  } catch (error) {
    await store.close()
    throw error
  }
}
