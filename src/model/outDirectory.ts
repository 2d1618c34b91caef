import { access, constants, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NearrankError } from '../errors.ts'
import { diskError, isMissing, listSiblings, resolveTarget, siblingPath } from '../files.ts'
import { MODEL_FILE, ONNX_FILE, PAGE_FILE, REPORT_FILE, WEIGHTS_FILE } from './modelFile.ts'

const OUR_FILES = new Set([MODEL_FILE, WEIGHTS_FILE, ONNX_FILE, REPORT_FILE, PAGE_FILE])
const LITTER = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']) // left by file managers
const SHOWN_MAX = 3

/**
 * Proves, touching nothing, that a model may be saved as `directory`: it does not exist yet, is empty, or
 * holds a model of Nearrank's and nothing else. For use before work begins that ends in `saveModel`.
 * @throws NearrankError INPUT where something else is there, DISK where the place cannot be written.
 */
export async function checkOutDirectory(directory: string): Promise<void> {
  const target = await resolveTarget(directory)
  const refuse = (problem: string) =>
    new NearrankError(
      'INPUT',
      `Cannot save a model as ${directory}: ${problem}. It would be replaced as a whole; choose a new or empty folder`,
    )
  siblingPath(target, 'new') // its name is not too long
  const parent = dirname(target)
  if (parent === target) throw refuse('it is the root of a file system')
  try {
    const there = await stat(target).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (there === undefined) return await checkParent(parent, directory)
    if (!there.isDirectory()) throw refuse('it must be a folder, found a file')
    if (there.dev !== (await stat(parent)).dev) throw refuse('it is a mount point, which cannot be renamed')
    await checkParent(parent, directory)
    // A report that was being written when its process was killed.
    const unfinished = new Set([
      ...(await listSiblings(join(target, REPORT_FILE))),
      ...(await listSiblings(join(target, PAGE_FILE))),
    ])
    const entries = (await readdir(target)).filter(
      (entry) => !LITTER.has(entry) && !unfinished.has(join(target, entry)),
    )
    if (entries.length === 0) return
    const foreign = entries.filter((entry) => !OUR_FILES.has(entry)).toSorted()
    if (foreign.length > 0) throw refuse(`it holds ${list(foreign)}, which is not part of a Nearrank model`)
    if (!(await isOurs(join(target, MODEL_FILE))))
      throw refuse(`it holds ${list(entries.toSorted())}, but no ${MODEL_FILE} of Nearrank's`)
  } catch (error) {
    throw diskError(error, `save a model as ${directory}`)
  }
}

/** The nearest parent that exists must be a directory that can be written. */
async function checkParent(parent: string, directory: string): Promise<void> {
  try {
    if (!(await stat(parent)).isDirectory())
      throw new NearrankError(
        'INPUT',
        `Cannot save a model as ${directory}: ${parent} is not a folder; choose another path`,
      )
    await access(parent, constants.W_OK | constants.X_OK)
  } catch (error) {
    if (!isMissing(error) || dirname(parent) === parent) throw error
    await checkParent(dirname(parent), directory)
  }
}

/**
 * Whether Nearrank, of any version, wrote this model.json. A damaged one is nobody's: it is not ours to
 * delete.
 */
async function isOurs(path: string): Promise<boolean> {
  try {
    const { createdBy, formatVersion } = JSON.parse(await readFile(path, 'utf8'))
    return createdBy.name === 'nearrank' && Number.isInteger(formatVersion)
  } catch {
    return false
  }
}

function list(entries: string[]): string {
  const more = entries.length - SHOWN_MAX
  return entries.slice(0, SHOWN_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
