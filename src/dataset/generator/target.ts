import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { DATASET_FILE, readDatasetInfo } from '../datasetInfo.ts'
import {
  diskError,
  errnoOf,
  isMissing,
  listSiblings,
  siblingPath,
  staleSiblings,
  syncDirectory,
  writeNewFile,
} from '../../files.ts'

const TEMPORARY = 'dataset' // folders in progress are siblings of this name
const MOVING = 'dataset.moving' // stands in the folder while files are being put into place
const OWN = new Set([
  'user_features.parquet',
  'restaurant_features.parquet',
  'requests.parquet',
  'train',
  'test',
  DATASET_FILE,
  '.nearrank',
])
const OWN_CLICKS = /^(?:train|test)_\d+\.parquet$/

/**
 * Fills `out` with what `build` puts into a temporary folder inside it (so that `out` may be a mount point):
 * an earlier dataset is removed only once the new one is complete, and `dataset.json` comes last. When
 * anything fails before that, `out` is as it was.
 */
export async function replaceDataset<T>(out: string, build: (folder: string) => Promise<T>): Promise<T> {
  const target = resolve(out)
  const temporary = join(target, TEMPORARY)
  const folder = siblingPath(temporary, 'new')
  await checkTarget(target)
  let created: string | undefined
  try {
    created = await mkdir(target, { recursive: true })
    for (const path of await staleSiblings(temporary)) await rm(path, { recursive: true, force: true })
    await mkdir(folder)
  } catch (error) {
    throw diskError(error, `generate into ${out}`)
  }
  try {
    const result = await build(folder)
    await moveIntoPlace(folder, target)
    return result
  } finally {
    await rm(folder, { recursive: true, force: true })
    if (created !== undefined) await rmdir(target).catch(() => undefined) // only when nothing came of it
  }
}

async function moveIntoPlace(folder: string, target: string): Promise<void> {
  try {
    await rm(join(target, MOVING), { force: true })
    await writeNewFile(join(target, MOVING), '')
    await rm(join(target, DATASET_FILE), { force: true })
    for (const name of OWN) await rm(join(target, name), { recursive: true, force: true })
    const names = await readdir(folder)
    for (const name of names.filter((candidate) => candidate !== DATASET_FILE))
      await rename(join(folder, name), join(target, name))
    await syncDirectory(target)
    await rename(join(folder, DATASET_FILE), join(target, DATASET_FILE))
    await rm(join(target, MOVING))
    await syncDirectory(target)
  } catch (error) {
    throw diskError(error, `put the generated files into ${target}`)
  }
}

/**
 * @throws NearrankError INPUT when the folder holds anything but a dataset of ours, or the remains of one.
 */
async function checkTarget(target: string): Promise<void> {
  const names = await readdir(target).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOTDIR') throw foreign(target, 'it is not a folder')
    if (isMissing(error)) return []
    throw diskError(error, `generate into ${target}`)
  })
  const temporary = await listSiblings(join(target, TEMPORARY))
  const rest = names.filter((name) => !temporary.includes(join(target, name)))
  if (rest.length === 0) return
  const stranger = rest.find((name) => !OWN.has(name) && name !== MOVING)
  if (stranger !== undefined) throw foreign(target, `it holds ${stranger}`)
  for (const split of ['train', 'test']) {
    const files = rest.includes(split) ? await readdir(join(target, split)).catch(() => ['']) : []
    const other = files.find((name) => !OWN_CLICKS.test(name))
    if (other !== undefined) throw foreign(target, `it holds ${split}/${other}`)
  }
  if (rest.includes(MOVING)) return
  if (!(await readDatasetInfo(target)))
    throw foreign(target, `it holds ${rest[0]} but no ${DATASET_FILE} of Nearrank's`)
}

function foreign(target: string, what: string): NearrankError {
  return new NearrankError(
    'INPUT',
    `Cannot generate into ${target}: ${what}, and only an empty folder or an earlier generated dataset is replaced; choose another folder`,
  )
}
