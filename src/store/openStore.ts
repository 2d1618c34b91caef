import type { FeatureStore, OpenStoreOptions } from './featureStore.ts'
import { checkRedisTls } from './redis/tlsFiles.ts'
import { storeAddress } from './storeAddress.ts'

/**
 * Opens the store at `url`: `sqlite:PATH` (made where it is missing), `redis://…` or `rediss://…`.
 * @throws NearrankError USAGE for another address or files it has no use for, INPUT where the store holds
 * another layout or something else, CONFLICT where another process has it, DAMAGED, DISK, UNAVAILABLE.
 */
export async function openStore(url: string, options: OpenStoreOptions): Promise<FeatureStore> {
  const { scheme, kind, path } = storeAddress(url)
  checkRedisTls(options.redisTls ?? {}, scheme)
  if (kind === 'redis') {
    const { openRedisStore } = await import('./redis/store.ts')
    return openRedisStore(url, options)
  }
  const { openSqliteStore } = await import('./sqlite/store.ts')
  return openSqliteStore(path, options)
}
