import { NearrankError } from '../errors.ts'
import { storeAddress } from './storeAddress.ts'
import type { Backup, BackupOptions } from './sqlite/backup.ts'

/**
 * Writes all that the store at `url` holds at one moment into the file `out`, a SQLite store by itself.
 * @throws NearrankError USAGE: the address is none, or of Redis, which makes its own backups; as
 * `backUpSqlite`.
 */
export async function backUpStore(url: string, out: string, options?: BackupOptions): Promise<Backup> {
  const { kind, path } = storeAddress(url)
  if (kind === 'redis')
    throw new NearrankError(
      'USAGE',
      'Cannot back up a Redis store: --store must be sqlite:FILE; Redis makes its own backups, as with redis-cli --rdb FILE',
    )
  const { backUpSqlite } = await import('./sqlite/backup.ts')
  return backUpSqlite(path, out, options)
}
