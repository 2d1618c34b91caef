import { dirname } from 'node:path'
import { NearrankError } from '../errors.ts'
import { type ApartRun, serveApart } from './apart/serveApart.ts'
import { openRows } from './clicks/openRows.ts'
import type { DatasetOptions, OpenOptions, Split } from './options.ts'
import { openTables } from './tables/openTables.ts'
import { readTables } from './tables/readTables.ts'
import { fittedBy } from './clicks/fittedBy.ts'

/** What the process that packs is asked to do; `tables`: the folder of the packed feature tables. */
export interface PackRequest {
  options: DatasetOptions & Pick<OpenOptions, 'memoryBytes' | 'threads' | 'fitted'>
  rows: { splits: Split[]; tables: string } | null // null: the feature tables themselves
}

export type Pack = typeof pack

// The main module of that process, see openApart.ts.
serveApart(pack)

/** Returns the folders of the packs. */
async function pack({ options, rows }: PackRequest, run: ApartRun): Promise<string[]> {
  const open = { ...options, ...run }
  if (rows === null) return [(await openTables(open)).directory]
  const tables = await readTables(rows.tables)
  if (!tables) throw new NearrankError('INTERNAL', `the packed tables ${rows.tables} are gone`)
  const folders: string[] = []
  let { fitted } = options
  for (const split of rows.splits) {
    const packed = await openRows({ ...open, ...(fitted && { fitted }) }, tables, split)
    fitted ??= fittedBy(tables, packed)
    folders.push(dirname(packed.path))
    await packed.close()
  }
  return folders
}
