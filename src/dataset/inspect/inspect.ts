import { readFile } from 'node:fs/promises'
import { diskError, writeFileAtomic } from '../../files.ts'
import { checkFileToReplace } from '../../fileToReplace.ts'
import { CALLBACKS, checkOptions } from '../../options/checkOptions.ts'
import { callApart } from '../apart/callApart.ts'
import { dataFolder } from '../sources.ts'
import { type InspectOptions, INSPECT_OPTIONS } from './inspectOptions.ts'
import type { InspectApart } from './inspectProcess.ts'
import type { Inspection } from './report.ts'

/**
 * What is in a folder of data, what training would make of each column, and what looks wrong. Dirty data is
 * reported, not refused; nothing is packed. Cost: 20 s of processor time on two threads for 55 M clicks, and
 * memory that does not grow with their number.
 * @throws NearrankError USAGE; INPUT if the folder or both feature tables are missing; DISK; ABORTED.
 */
export async function inspect(options: InspectOptions): Promise<Inspection> {
  checkOptions({ ...INSPECT_OPTIONS, ...CALLBACKS }, options, 'inspect')
  const started = performance.now()
  const { out, signal, onProgress, ...given } = options
  if (out !== undefined) await checkOut(out)
  const data = await dataFolder(given)
  const { result, peakRssBytes } = await callApart<InspectApart>({
    module: new URL('./inspectProcess', import.meta.url),
    request: { options: given, data },
    action: 'inspect',
    data: options.data,
    signal,
    onProgress,
  })
  if (out !== undefined) {
    // Columns of the clicks stay for a flag to name.
    const names = Object.keys(result.leftOut).filter((name) => !name.startsWith('context.'))
    const none = Object.fromEntries(names.map((name) => [name, false]))
    const text = JSON.stringify({ features: { ...result.features, ...none } }, null, 2)
    await writeFileAtomic(out, `${text}\n`)
  }
  const seconds = (performance.now() - started) / 1000
  return { ...result, seconds, peakRssBytes }
}

/** An earlier one of ours is replaced, but for one to which somebody has added other settings. */
async function checkOut(out: string): Promise<void> {
  const isOurs = async (first: Buffer, path: string) =>
    first.toString().startsWith('{') && hasFeaturesAlone(await readFile(path, 'utf8'))
  try {
    await checkFileToReplace(out, 'the features', isOurs)
  } catch (error) {
    throw diskError(error, `write the features ${out}`)
  }
}

function hasFeaturesAlone(text: string): boolean {
  try {
    return Object.keys(JSON.parse(text) as object).join() === 'features'
  } catch {
    return false
  }
}
