import type { DuckDBConnection } from '@duckdb/node-api'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { arePlainNumbers, namesOf, type Side, SIDES } from '../../features/featureSpec.ts'
import type { DatasetOptions, OpenOptions } from '../options.ts'
import { buildFolder } from '../pack/packFolder.ts'
import { removeStale, writeManifest } from '../pack/packManifest.ts'
import { whilePagesAreChecked } from '../parquet/checksums/checkPages.ts'
import { withDuckDb } from '../parquet/duckdb.ts'
import {
  checkUnchanged,
  columnNames,
  dataFolder,
  fingerprintOf,
  keyOf,
  packHome,
  type SourceFile,
  tableSources,
} from '../sources.ts'
import { type PackedTable, readTables, type Tables, TABLES_FORMAT } from './readTables.ts'
import { tablePolicies, tableSettings } from '../policies.ts'
import { packTable } from './packTable.ts'
import { columnsFor } from './placeColumns.ts'
import { planTables, tableColumns, type TablePlan } from './tablePlan.ts'

const PREFIX = 'tables-'

/**
 * The feature tables of a dataset, packed on first use (a second for 1 M users of
 * 30 features) and found again by a fingerprint of their sources.
 * @throws NearrankError INPUT naming file, column and row; DISK; DAMAGED; ABORTED.
 */
export async function openTables(options: DatasetOptions & OpenOptions): Promise<Tables> {
  const place = await locate(options)
  return withDuckDb(options, async (connection) => {
    // Numbers that are chosen by their names are mostly whole, and to ask first takes a third of the time.
    const plan = (assumesWhole: boolean) => planTables(connection, options, place.tables, { assumesWhole })
    const { plans, isAssumed } = await plan(true)
    return openPlanned(connection, options, place, plans).catch(async (error: unknown) => {
      if (!isAssumed || !(error instanceof NearrankError) || error.code !== 'INPUT') throw error
      const read = await plan(false)
      return openPlanned(connection, options, place, read.plans)
    })
  })
}

async function openPlanned(
  connection: DuckDBConnection,
  options: DatasetOptions & OpenOptions,
  { home, sources, tables, key, settings }: Awaited<ReturnType<typeof locate>>,
  plans: TablePlan[],
): Promise<Tables> {
  const fingerprint = fingerprintOf(sources, TABLES_FORMAT, plans.map(takenBy), ...settings)
  const directory = join(home, PREFIX + fingerprint)
  const found = await readTables(directory)
  if (found && isPackFor(options, found)) return found
  await buildFolder(home, PREFIX + fingerprint, async (folder) => {
    const packed: Partial<Record<Side, PackedTable>> = {}
    for (const [i, plan] of plans.entries()) {
      const onRows = (rowsDone: number) =>
        options.onProgress?.({ stage: plan.side, rowsDone, rowsTotal: plan.file.rows })
      const run = { folder, policies: tablePolicies(options), onRows }
      const pages = { files: tables[i], isRead: readBy(plan), signal: options.signal }
      packed[plan.side] = await whilePagesAreChecked(pages, (signal) =>
        packTable(connection, plan, { ...run, signal }),
      )
    }
    for (const source of sources) await checkUnchanged(source)
    await writeManifest(folder, { format: TABLES_FORMAT, fingerprint, key, ...packed })
  })
  const made = await readTables(directory)
  if (!made) throw new NearrankError('INTERNAL', `the pack ${directory} is not where it was written`)
  await removeStale(home, PREFIX + fingerprint, PREFIX, key)
  return made
}

/**
 * The packed feature tables of a dataset as it is now; undefined where they have to be packed. Opens no
 * Parquet file: which columns were taken follows from the files and the options, and the pack tells them.
 * @throws NearrankError INPUT when a file of the dataset is missing.
 */
export async function findTables(options: DatasetOptions & OpenOptions): Promise<Tables | undefined> {
  const { home, sources, key, columns, settings } = await locate(options)
  const { fitted, grows } = options
  if (fitted && !grows) {
    const taken = SIDES.map((side) =>
      takenBy({ features: [...fitted[side]], ...tableColumns(side, columns) }),
    )
    const name = PREFIX + fingerprintOf(sources, TABLES_FORMAT, taken, ...settings)
    const tables = await readTables(join(home, name))
    return tables && isPackFor(options, tables) ? tables : undefined
  }
  for (const name of await readdir(home).catch(() => [])) {
    if (!name.startsWith(PREFIX)) continue
    // A damaged one is reported by who opens it by its name.
    const tables = await readTables(join(home, name)).catch(() => undefined)
    if (tables?.key !== key || !isPackFor(options, tables)) continue
    const taken = SIDES.map((side) => takenBy({ ...tables[side], ...tableColumns(side, columns) }))
    if (name === PREFIX + fingerprintOf(sources, TABLES_FORMAT, taken, ...settings)) return tables
  }
  return undefined
}

/** Whether a column is read for a table. */
export function readBy({
  idColumn,
  features,
  places,
}: Pick<TablePlan, 'idColumn' | 'features' | 'places'>): (column: string) => boolean {
  const read = new Set([idColumn, ...columnsFor(features), ...(places ?? [])])
  return (column) => read.has(column)
}

/** What is taken from a file, as the fingerprint has it. */
function takenBy({ idColumn, features, places }: Pick<TablePlan, 'idColumn' | 'features' | 'places'>) {
  const plain = [idColumn, namesOf(features), places]
  return arePlainNumbers(features) ? plain : [...plain, features]
}

async function locate(options: DatasetOptions & OpenOptions) {
  const data = await dataFolder(options)
  const columns = columnNames(options)
  const tables: SourceFile[][] = []
  for (const side of SIDES) tables.push(await tableSources(options, data, side))
  const sources = tables.flat()
  const settings = tableSettings(options)
  const { userFeatures, restaurantFeatures, ids = 'none', fitted } = options
  const chosen: unknown[] = [columns, userFeatures, restaurantFeatures, ...settings]
  if (ids !== 'none') chosen.push({ ids })
  if (options.features) chosen.push({ features: options.features })
  // Of one day's model the tables take the place of the day before's.
  if (fitted) chosen.push(options.grows ? { grows: true } : fitted)
  const key = keyOf(data, sources, ...chosen)
  const decisive = options.grows ? [...settings, { grows: fitted }] : settings
  return { home: packHome(options, data), sources, tables, key, columns, settings: decisive }
}

/** Whether `onMissing` allows what was left out of the tables; if not, packing says where it is. */
function isPackFor({ onMissing }: DatasetOptions, { users, restaurants }: Tables): boolean {
  return onMissing === 'drop' || [users, restaurants].every(({ ignored }) => !ignored?.nullIds)
}
