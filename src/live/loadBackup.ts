import { NearrankError } from '../errors.ts'
import { isSameFile } from '../files.ts'
import { type Side, SIDES } from '../features/featureSpec.ts'
import type { Change, FeatureBatch, OpenStoreOptions, StoreLayout } from '../store/featureStore.ts'
import { openStore } from '../store/openStore.ts'
import { checkWhole } from '../store/sqlite/checkWhole.ts'
import { sqliteError } from '../store/sqlite/error.ts'
import { openForReading } from '../store/sqlite/openForReading.ts'
import { readPieces } from '../store/sqlite/read.ts'
import { storeAddress } from '../store/storeAddress.ts'
import type { FillProgress } from './fillStore.ts'

export interface LoadBackupOptions extends Pick<OpenStoreOptions, 'redisTls'> {
  signal?: AbortSignal
  onProgress?: (progress: FillProgress) => void
  /** A row of the backup cannot be used, and is left out. */
  onProblem: (problem: string) => void
}

/**
 * Writes all rows of a backup, or of any SQLite store, into the store at `url`, which is made if missing;
 * rows that only the store has stay. If it is stopped, the store says that it is being filled, and another
 * run does the rest. Returns the numbers of rows that were written. Memory: a batch.
 * @throws NearrankError USAGE; INPUT: there is no backup, or the store holds other features; CONFLICT,
 * DAMAGED, DISK, UNAVAILABLE, ABORTED
 */
export async function loadBackup(
  backup: string,
  url: string,
  { redisTls, signal, onProgress, onProblem }: LoadBackupOptions,
): Promise<Record<Side, number>> {
  const action = `load ${backup}`
  await checkPlaces(backup, url)
  const { database, layout, close } = await openForReading(backup, action)
  try {
    checkWhole(database, action) // before the target is touched
    const store = await openStore(url, { layout, ...(redisTls && { redisTls }) })
    try {
      const written = { users: 0, restaurants: 0 }
      await store.setFilling(true)
      for (const side of SIDES) {
        const rowsTotal = Number(database.prepare(`SELECT count(*) AS count FROM ${side}`).get()?.count)
        const onBadRow = (problem: string) => onProblem(`A row of ${backup} is left out: ${problem}`)
        for (const { batch } of readPieces(database, { side, layout, onBadRow })) {
          if (signal?.aborted)
            throw new NearrankError(
              'ABORTED',
              `Loading ${backup} was stopped at row ${written[side]} of ${rowsTotal} ${side}. The same command writes all rows again.`,
            )
          await store.write(changesOf(batch, layout))
          written[side] += batch.ids.length
          onProgress?.({ stage: 'write', side, rowsDone: written[side], rowsTotal })
        }
      }
      await store.setFilling(false)
      return written
    } finally {
      await store.close()
    }
  } catch (error) {
    throw sqliteError(error, action) // of the backup: the store makes its own readable
  } finally {
    close()
  }
}

async function checkPlaces(backup: string, url: string): Promise<void> {
  const scheme = /^(sqlite|rediss?):/i.exec(backup)?.[0]
  if (scheme !== undefined)
    throw new NearrankError(
      'USAGE',
      // The rest of the address stays unsaid: it may hold a password.
      `Cannot load: --from must be the path of a file, found an address (${scheme}…); ${
        scheme.toLowerCase() === 'sqlite:' ? `leave out ${scheme}` : 'only SQLite stores can be loaded'
      }`,
    )
  const { kind, path } = storeAddress(url)
  if (kind === 'sqlite' && (await isSameFile(backup, path)))
    throw new NearrankError(
      'INPUT',
      `Cannot load ${backup} into ${url}: they are the same file; choose another store`,
    )
}

function changesOf(batch: FeatureBatch, layout: StoreLayout): Change[] {
  const { side, ids, latitude, longitude } = batch
  const width = layout[side].features
  const changes: Change[] = []
  for (const [i, id] of ids.entries()) {
    const own =
      'values' in batch
        ? { values: batch.values[i] }
        : { features: batch.features.subarray(i * width, (i + 1) * width) }
    const place = { latitude: latitude?.[i] ?? Number.NaN, longitude: longitude?.[i] ?? Number.NaN }
    changes.push(side === 'users' ? { side, id, ...own } : { side, id, ...own, ...place })
  }
  return changes
}
