import { NearrankError } from '../errors.ts'
import type { FeatureStore, OpenStoreOptions } from './featureStore.ts'
import { checkRedisTls } from './redis/tlsFiles.ts'

/**
 * Opens the store at `url`: `sqlite:PATH` (made where it is missing), `redis://…` or `rediss://…`.
 * @throws NearrankError USAGE for another address or files it has no use for, INPUT where the store holds
 * another layout or something else, CONFLICT where another process has it, DAMAGED, DISK, UNAVAILABLE.
 */
export async function openStore(url: string, options: OpenStoreOptions): Promise<FeatureStore> {
  const [scheme, rest] = splitScheme(url)
  checkRedisTls(options.redisTls ?? {}, scheme)
  if (scheme === 'redis' || scheme === 'rediss') {
    const { openRedisStore } = await import('./redis/store.ts')
    return openRedisStore(url, options)
  }
  // `sqlite://features.db` would be a file in the root folder, which nobody means.
  if (scheme !== 'sqlite' || rest === '' || /^\/\/(?!\/)/.test(rest)) throw wrongAddress(scheme)
  const { openSqliteStore } = await import('./sqlite/store.ts')
  return openSqliteStore(rest, options)
}

function splitScheme(url: string): [scheme: string, rest: string] {
  const colon = url.indexOf(':')
  return [url.slice(0, Math.max(colon, 0)).toLowerCase(), url.slice(colon + 1)]
}

/** The rest of the address stays unsaid: it may hold a password. */
function wrongAddress(scheme: string): NearrankError {
  const found = scheme === '' ? 'no scheme' : scheme === 'sqlite' ? 'sqlite: without a path' : `${scheme}:`
  return new NearrankError(
    'USAGE',
    `Cannot open the store: its address must be sqlite:PATH (as in sqlite:features.db) or redis://HOST:PORT, found ${found}`,
  )
}
