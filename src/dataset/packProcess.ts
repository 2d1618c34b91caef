import { dirname } from 'node:path'
import type { ErrorCode } from '../errors.ts'
import { messageOf, NearrankError } from '../errors.ts'
import { openTables } from './tables/openTables.ts'
import { openValues } from './tables/openValues.ts'
import { readTables, type Tables } from './tables/readTables.ts'
import type { Side } from '../features/featureSpec.ts'
import type { DatasetOptions, Split, OpenOptions, OpenProgress } from './options.ts'
import { peakRssBytes } from '../peakMemory.ts'
import { openRows } from './clicks/openRows.ts'

/**
 * What the process that packs is asked to do: one of the splits, the rows of the tables as values, or, where
 * both are null, the feature tables themselves. `tables`: the folder of the packed feature tables.
 */
export interface PackRequest {
  options: DatasetOptions & Pick<OpenOptions, 'memoryBytes' | 'threads' | 'fitted'>
  rows: { splits: Split[]; tables: string } | null
  values: { sides: readonly Side[]; tables: string } | null
}

/** What it answers: progress, then one of the others. */
export type PackAnswer =
  | { type: 'progress'; progress: OpenProgress }
  | { type: 'done'; folders: string[]; peakRssBytes: number }
  | { type: 'failed'; code: ErrorCode; message: string }

// The main module of that process, see openApart.ts. Ctrl+C reaches every
// process of a terminal: the parent decides what it means.
const controller = new AbortController()
process.on('SIGINT', () => {})
process.on('disconnect', () => controller.abort())
process.on('message', (message: PackRequest | 'abort') => {
  if (message === 'abort') controller.abort()
  else void answer(message)
})

async function answer(request: PackRequest): Promise<void> {
  const send = (message: PackAnswer) => {
    process.send?.(message)
  }
  try {
    const folders = await pack(request, (progress) => send({ type: 'progress', progress }))
    send({ type: 'done', folders, peakRssBytes: peakRssBytes() })
  } catch (error) {
    if (error instanceof NearrankError) send({ type: 'failed', code: error.code, message: error.message })
    else
      send({
        type: 'failed',
        code: 'INTERNAL',
        message: error instanceof Error ? (error.stack ?? '') : messageOf(error),
      })
  }
  if (process.connected) process.disconnect?.()
}

async function pack(
  { options, rows, values }: PackRequest,
  onProgress: (progress: OpenProgress) => void,
): Promise<string[]> {
  const open = { ...options, signal: controller.signal, onProgress }
  if (values) {
    const tables = await packedTables(values.tables)
    return [(await openValues(open, tables, values.sides)).directory]
  }
  if (rows === null) return [(await openTables(open)).directory]
  const tables = await packedTables(rows.tables)
  const folders: string[] = []
  for (const split of rows.splits) {
    const packed = await openRows(open, tables, split)
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
