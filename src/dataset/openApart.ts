import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { NearrankError } from '../errors.ts'
import { findRows } from './clicks/openRows.ts'
import { findTables } from './tables/openTables.ts'
import { findValues } from './tables/openValues.ts'
import { readTables, type Tables } from './tables/readTables.ts'
import { type PackedValues, readValues } from './tables/readValues.ts'
import type { Side } from '../features/featureSpec.ts'
import { DATA_OPTION, DATASET_OPTIONS, type DatasetOptions, type Split, type OpenOptions } from './options.ts'
import type { PackAnswer, PackRequest } from './packProcess.ts'
import { type PackedRows, readRows } from './clicks/readRows.ts'

const STDERR_CHARACTERS_MAX = 2000
const ABORT_MS_MAX = 10_000

/** What is sent to the process that packs: plain data only, and of a caller's options only these. */
const SENT = new Set([
  ...Object.keys(DATA_OPTION),
  ...Object.keys(DATASET_OPTIONS),
  'memoryBytes',
  'threads',
  'fitted',
])

type Options = DatasetOptions & OpenOptions

/** What was opened, and the most that this process and the one that packed have had in memory together. */
type Apart<T> = T & { peakRssBytes: number }

/**
 * As `openTables`, but Parquet is read in a process of its own: what the reader takes and does not give back
 * is gone with it, and a file that crashes it crashes nothing else. Cost: 0.2 s, where there is no pack yet.
 */
export async function openTablesApart(options: Options): Promise<Apart<{ tables: Tables }>> {
  const found = await findTables(options)
  if (found) return { tables: found, peakRssBytes: process.memoryUsage.rss() }
  const { folders, peakRssBytes } = await packApart(options, { rows: null, values: null })
  const [folder] = folders
  return { tables: (await readTables(folder)) ?? vanished(folder), peakRssBytes }
}

/** As `openRows` for each of the splits; those without a pack are packed in a process of its own. */
export async function openRowsApart(
  options: Options,
  tables: Tables,
  splits: Split[],
): Promise<Apart<{ packs: PackedRows[] }>> {
  const packs: (PackedRows | undefined)[] = []
  try {
    for (const split of splits) packs.push(await findRows(options, tables, split))
    const missing = splits.filter((_, i) => !packs[i])
    if (missing.length === 0) return { packs: packs as PackedRows[], peakRssBytes: process.memoryUsage.rss() }
    const packed = await packApart(options, {
      rows: { splits: missing, tables: tables.directory },
      values: null,
    })
    for (const [i, folder] of packed.folders.entries())
      packs[splits.indexOf(missing[i])] = (await readRows(folder, missing[i])) ?? vanished(folder)
    return { packs: packs as PackedRows[], peakRssBytes: packed.peakRssBytes }
  } catch (error) {
    for (const pack of packs) await pack?.close()
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
  what: Pick<PackRequest, 'rows' | 'values'>,
): Promise<Apart<{ folders: string[] }>> {
  const { signal, onProgress } = options
  signal?.throwIfAborted()
  const plain = Object.entries(options).filter(([key, value]) => SENT.has(key) && value !== undefined)
  const request: PackRequest = {
    options: Object.fromEntries(plain) as unknown as PackRequest['options'],
    ...what,
  }

  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  // The folder as an argument is for people who look at the list of processes.
  const child = fork(fileURLToPath(new URL(`./packProcess.${ending}`, import.meta.url)), [options.data], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr!.on(
    'data',
    (piece: Buffer) => (said = (said + piece.toString()).slice(-STDERR_CHARACTERS_MAX)),
  )
  let killer: NodeJS.Timeout | undefined
  const abort = () => {
    if (child.connected) child.send('abort')
    killer = setTimeout(() => child.kill('SIGKILL'), ABORT_MS_MAX)
  }
  signal?.addEventListener('abort', abort)
  try {
    return await new Promise((resolve, reject) => {
      let answer: Exclude<PackAnswer, { type: 'progress' }> | undefined
      child.on('message', (message: PackAnswer) => {
        if (message.type === 'progress') onProgress?.(message.progress)
        else answer = message
      })
      child.on('error', reject)
      child.on('close', (code, by) => {
        if (answer?.type === 'done')
          resolve({
            folders: answer.folders,
            peakRssBytes: answer.peakRssBytes + process.memoryUsage.rss(),
          })
        else if (answer) reject(new NearrankError(answer.code, answer.message))
        else reject(crashed(options.data, by ?? `exit code ${code}`, said))
      })
      child.send(request, (error) => error && reject(error))
    })
  } finally {
    clearTimeout(killer)
    signal?.removeEventListener('abort', abort)
  }
}

function crashed(data: string, how: string, said: string): NearrankError {
  const advice =
    how === 'SIGKILL'
      ? 'it was killed, by the system if memory ran out'
      : 'a damaged file may have crashed its reader'
  return new NearrankError(
    'INPUT',
    `Cannot pack the data in ${data}: the process that read it ended with ${how}; ${advice}${said && `\n${said}`}`,
  )
}

function vanished(directory: string): never {
  throw new NearrankError(
    'DAMAGED',
    `Cannot use the packed data in ${directory}: it was removed while it was being opened; run again`,
  )
}
