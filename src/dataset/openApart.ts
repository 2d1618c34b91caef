import { NearrankError } from '../errors.ts'
import { fittedBy } from './clicks/fittedBy.ts'
import { type Apart, callApart } from './apart/callApart.ts'
import { findRows } from './clicks/openRows.ts'
import { findTables } from './tables/openTables.ts'
import { findValues } from './tables/openValues.ts'
import { readTables, type Tables } from './tables/readTables.ts'
import { type PackedValues, readValues } from './tables/readValues.ts'
import type { Side } from '../features/featureSpec.ts'
import { DATA_OPTION, DATASET_OPTIONS, type DatasetOptions, type Split, type OpenOptions } from './options.ts'
import type { Pack, PackRequest } from './packProcess.ts'
import { type PackedRows, readRows } from './clicks/readRows.ts'

/** What is sent to the process that packs: plain data only, and of a caller's options only these. */
const SENT = new Set([
  ...Object.keys(DATA_OPTION),
  ...Object.keys(DATASET_OPTIONS),
  'memoryBytes',
  'fitted',
  'grows',
  'replayed',
  'keepColumns',
])

type Options = DatasetOptions & OpenOptions

/**
 * As `openTables`, but Parquet is read in a process of its own: what the reader takes and does not give back
 * is gone with it, and a file that crashes it crashes nothing else. Cost: 0.2 s, where there is no pack yet.
 * What needs the tables mostly packs more, so the process is kept for a moment.
 */
export async function openTablesApart(options: Options): Promise<Apart<{ tables: Tables }>> {
  const found = await findTables(options)
  if (found) return { tables: found, peakRssBytes: process.memoryUsage.rss() }
  const { folders, peakRssBytes } = await packApart(options, { rows: null, values: null, isKept: true })
  const [folder] = folders
  return { tables: (await readTables(folder)) ?? vanished(folder), peakRssBytes }
}

/**
 * As `openRows` for each of the splits, the first of which fits or grows what `options` has not; those
 * without a pack are packed in a process of its own.
 */
export async function openRowsApart(
  options: Options,
  tables: Tables,
  splits: Split[],
): Promise<Apart<{ packs: PackedRows[] }>> {
  const packs: PackedRows[] = []
  let { fitted, grows = false } = options
  let packed: Apart<{ folders: string[] }> | undefined
  try {
    for (const [i, split] of splits.entries()) {
      const now = { ...options, ...(fitted && { fitted }), grows }
      let pack = await findRows(now, tables, split)
      if (!pack) {
        const rows = { splits: splits.slice(i), tables: tables.directory }
        packed ??= await packApart(now, { rows, values: null })
        const folder = packed.folders[i - splits.length + packed.folders.length]
        pack = (await readRows(folder, split)) ?? vanished(folder)
      }
      packs.push(pack)
      if (!fitted || grows) fitted = fittedBy(tables, pack)
      grows = false
    }
    return { packs, peakRssBytes: packed?.peakRssBytes ?? process.memoryUsage.rss() }
  } catch (error) {
    for (const pack of packs) await pack.close()
    throw error
  }
}

/** As `openValues`; what is not packed yet is packed in a process of its own. */
export async function openValuesApart(
  options: Options,
  tables: Tables,
  sides: readonly Side[],
): Promise<PackedValues> {
  const found = await findValues(options, tables, sides)
  if (found) return found
  const { folders } = await packApart(options, { rows: null, values: { sides, tables: tables.directory } })
  const [folder] = folders
  return (await readValues(folder)) ?? vanished(folder)
}

async function packApart(
  options: Options,
  { isKept = false, ...what }: Pick<PackRequest, 'rows' | 'values'> & { isKept?: boolean },
): Promise<Apart<{ folders: string[] }>> {
  const { data, signal, onProgress } = options
  const plain = Object.entries(options).filter(([key, value]) => SENT.has(key) && value !== undefined)
  const request: PackRequest = {
    options: Object.fromEntries(plain) as unknown as PackRequest['options'],
    ...what,
  }
  const module = new URL('./packProcess', import.meta.url)
  const { result, peakRssBytes } = await callApart<Pack>({
    module,
    request,
    action: 'pack',
    data,
    isKept,
    signal,
    onProgress,
  })
  return { folders: result, peakRssBytes }
}

function vanished(directory: string): never {
  throw new NearrankError(
    'DAMAGED',
    `Cannot use the packed data in ${directory}: it was removed while it was being opened; run again`,
  )
}
