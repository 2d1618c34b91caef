import { dirname } from 'node:path'
import { NearrankError } from '../errors.ts'
import { type ApartRun, serveApart } from './apart/serveApart.ts'
import { openRows } from './clicks/openRows.ts'
import type { DatasetOptions, OpenOptions, Split } from './options.ts'
import { openTables } from './tables/openTables.ts'
import { openValues } from './tables/openValues.ts'
import { readTables, type Tables } from './tables/readTables.ts'
import type { Side } from '../features/featureSpec.ts'
import { fittedBy } from './clicks/fittedBy.ts'

/**
 * What the process that packs is asked to do: one of the splits, the rows of the tables as values, or, where
 * both are null, the feature tables themselves. `tables`: the folder of the packed feature tables.
 */
export interface PackRequest {
  options: DatasetOptions & Pick<OpenOptions, 'memoryBytes' | 'fitted' | 'grows' | 'replayed' | 'keepColumns'>
  rows: { splits: Split[]; tables: string } | null
  values: { sides: readonly Side[]; tables: string } | null
}

export type Pack = typeof pack

// The main module of that process, see openApart.ts.
serveApart(pack)

/** Returns the folders of the packs. */
async function pack({ options, rows, values }: PackRequest, run: ApartRun): Promise<string[]> {
  const open = { ...options, ...run }
  if (values) {
    const tables = await packedTables(values.tables)
    return [(await openValues(open, tables, values.sides)).directory]
  }
  if (rows === null) return [(await openTables(open)).directory]
  const tables = await packedTables(rows.tables)
  const folders: string[] = []
  let { fitted, grows = false } = options
  for (const split of rows.splits) {
    const packed = await openRows({ ...open, ...(fitted && { fitted }), grows }, tables, split)
    if (!fitted || grows) fitted = fittedBy(tables, packed)
    grows = false
    folders.push(dirname(packed.path))
    await packed.close()
  }
  return folders
}

async function packedTables(folder: string): Promise<Tables> {
  const tables = await readTables(folder)
  if (!tables) throw new NearrankError('INTERNAL', `the packed tables ${folder} are gone`)
  return tables
}
