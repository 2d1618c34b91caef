import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { diskError, errnoOf, siblingPath, staleSiblings, syncDirectory } from '../../files.ts'
import { MANIFEST } from './packManifest.ts'

const TEMPORARY = 'pack' // all folders in progress are siblings of this name, whatever they will be called

/**
 * Builds the folder `<home>/<name>`: `build` fills a temporary folder beside it, which is renamed into place
 * when complete and removed when anything fails. If another process finished the same folder first, that one
 * stays. What processes that were killed left behind is removed.
 */
export async function buildFolder(
  home: string,
  name: string,
  build: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = siblingPath(join(home, TEMPORARY), 'new')
  try {
    await mkdir(home, { recursive: true })
    for (const path of await staleSiblings(join(home, TEMPORARY)))
      await rm(path, { recursive: true, force: true })
    await mkdir(temporary)
  } catch (error) {
    const { message } = diskError(error, `keep packed data in ${home}`)
    const advice = 'choose a writable folder with `cache` (--cache)'
    throw new NearrankError('DISK', `${message}; ${advice}`, { cause: error })
  }
  try {
    await build(temporary)
    await moveIntoPlace(temporary, home, name)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function moveIntoPlace(temporary: string, home: string, name: string): Promise<void> {
  const place = join(home, name)
  try {
    await syncDirectory(temporary)
    await rename(temporary, place)
    await syncDirectory(home)
  } catch (error) {
    const isTaken = ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errnoOf(error)) && (await exists(place))
    if (!isTaken) throw diskError(error, `rename ${temporary} to ${place}`)
    if (await exists(join(place, MANIFEST))) return // another process was first
    // What stands there has lost its manifest and is of no use to anybody.
    await rm(place, { recursive: true, force: true })
    await rename(temporary, place)
    await syncDirectory(home)
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
