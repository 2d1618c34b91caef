import { NearrankError } from '../errors.ts'
import type { STORE_KINDS } from './featureStore.ts'

/** What the address of a store says. */
export interface StoreAddress {
  scheme: string // in lower case
  kind: (typeof STORE_KINDS)[number]
  path: string // behind the scheme; of Redis it may hold a password
}

/**
 * Reads `sqlite:PATH`, `redis://…` or `rediss://…`.
 * @throws NearrankError USAGE for another address.
 */
export function storeAddress(url: string): StoreAddress {
  const colon = url.indexOf(':')
  const scheme = url.slice(0, Math.max(colon, 0)).toLowerCase()
  const path = url.slice(colon + 1)
  if (scheme === 'redis' || scheme === 'rediss') return { scheme, kind: 'redis', path }
  // `sqlite://features.db` would be a file in the root folder, which nobody means.
  if (scheme !== 'sqlite' || path === '' || /^\/\/(?!\/)/.test(path)) throw wrongAddress(scheme)
  return { scheme, kind: 'sqlite', path }
}

/** The rest of the address stays unsaid: it may hold a password. */
function wrongAddress(scheme: string): NearrankError {
  const found = scheme === '' ? 'no scheme' : scheme === 'sqlite' ? 'sqlite: without a path' : `${scheme}:`
  return new NearrankError(
    'USAGE',
    `Cannot open the store: its address must be sqlite:PATH (as in sqlite:features.db) or redis://HOST:PORT, found ${found}`,
  )
}
