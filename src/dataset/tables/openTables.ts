import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { namesOf, type Side } from '../../features/featureSpec.ts'
import type { DatasetOptions, OpenOptions } from '../options.ts'
import { buildFolder } from '../pack/packFolder.ts'
import { removeStale, writeManifest } from '../pack/packManifest.ts'
import { withDuckDb } from '../parquet/duckdb.ts'
import {
  checkUnchanged,
  columnNames,
  dataFolder,
  featureSource,
  fingerprintOf,
  keyOf,
  packHome,
} from '../sources.ts'
import { type PackedTable, readTables, type Tables, TABLES_FORMAT } from './readTables.ts'
import { packTable } from './packTable.ts'
import { planTables } from './tablePlan.ts'

const PREFIX = 'tables-'

/**
 * The feature tables of a dataset, packed on first use (a second for 1 M users of
 * 30 features) and found again by a fingerprint of their sources.
 * @throws NearrankError INPUT naming file, column and row; DISK; DAMAGED; ABORTED.
 */
export async function openTables(options: DatasetOptions & OpenOptions): Promise<Tables> {
  const data = await dataFolder(options)
  const home = packHome(options, data)
  const sources = [
    await featureSource(options, data, 'users'),
    await featureSource(options, data, 'restaurants'),
  ]
  return withDuckDb(options, async (connection) => {
    const plans = await planTables(connection, options, sources)
    const taken = plans.map(({ idColumn, features, places }) => [idColumn, namesOf(features), places])
    const fingerprint = fingerprintOf(sources, TABLES_FORMAT, taken)
    const key = keyOf(data, sources, columnNames(options), options.userFeatures, options.restaurantFeatures)
    const directory = join(home, PREFIX + fingerprint)
    const found = await readTables(directory)
    if (found) return found
    await buildFolder(home, PREFIX + fingerprint, async (folder) => {
      const packed: Partial<Record<Side, PackedTable>> = {}
      for (const plan of plans) {
        const onRows = (rowsDone: number) =>
          options.onProgress?.({ stage: plan.side, rowsDone, rowsTotal: plan.file.rows })
        packed[plan.side] = await packTable(connection, plan, { folder, signal: options.signal, onRows })
      }
      for (const source of sources) await checkUnchanged(source)
      await writeManifest(folder, { format: TABLES_FORMAT, fingerprint, key, ...packed })
    })
    const made = await readTables(directory)
    if (!made) throw new NearrankError('INTERNAL', `the pack ${directory} is not where it was written`)
    await removeStale(home, PREFIX + fingerprint, PREFIX, key)
    return made
  })
}
