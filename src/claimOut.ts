import { mkdir, rm, rmdir, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { NearrankError } from './errors.ts'
import { diskError, listSiblings, resolveTarget, siblingPath, staleSiblings } from './files.ts'

const RANDOM_CHARS = 8 // at the end of a sibling's name
const REFRESH_MS = 3600 * 1000 // far less than the day after which a sibling counts as left behind

const own = new Set<string>()

/** What a run would do in a place, for messages. */
const ACTIONS = {
  train: { does: 'train into', shares: 'replace the same checkpoints' },
  tune: { does: 'tune in', shares: 'keep their trials in the same file' },
  score: { does: 'score into', shares: 'write the same files' },
} as const

/**
 * Claims the place of a model, or a folder, for one run, by an empty file beside it: two would replace what
 * the other writes. A claim whose process has ended counts for nothing. Two that start at the same moment may
 * both be refused.
 * @returns gives it back. It never rejects.
 * @throws NearrankError CONFLICT if another run has it, DISK
 */
export async function claimOut(
  out: string,
  what: keyof typeof ACTIONS = 'train',
): Promise<() => Promise<void>> {
  const target = await resolveTarget(out)
  const { does, shares } = ACTIONS[what]
  const action = `${does} ${out}`
  const claim = siblingPath(target, 'run')
  try {
    const made = await mkdir(dirname(target), { recursive: true })
    await writeFile(claim, '', { flag: 'wx' })
    own.add(claim)
    const refresh = setInterval(() => void utimes(claim, new Date(), new Date()).catch(() => {}), REFRESH_MS)
    const release = async () => {
      clearInterval(refresh)
      own.delete(claim)
      await rm(claim, { force: true }).catch(() => {})
      if (made !== undefined) await removeEmpty(dirname(target), made)
    }
    refresh.unref()
    try {
      await checkAlone(target, claim, { action, shares })
    } catch (error) {
      await release()
      throw error
    }
    return release
  } catch (error) {
    throw diskError(error, action)
  }
}

async function checkAlone(
  target: string,
  claim: string,
  { action, shares }: { action: string; shares: string },
): Promise<void> {
  const stale = new Set(await staleSiblings(target))
  const ofProcess = (path: string) => basename(path).slice(0, -RANDOM_CHARS)
  for (const other of await listSiblings(target, 'run')) {
    if (other === claim) continue
    // In a container that is started again, the process has the number of the one that was killed.
    const wasKilled = ofProcess(other) === ofProcess(claim) && !own.has(other)
    if (!stale.has(other) && !wasKilled)
      throw new NearrankError(
        'CONFLICT',
        `Cannot ${action}: another run writes there, and both would ${shares}; wait until it has ended, or choose another --out (if none is running, delete ${other})`,
      )
    await rm(other, { force: true })
  }
}

/** Removes folders that were made for the claim, from `folder` up to `first`, unless something is in them. */
async function removeEmpty(folder: string, first: string): Promise<void> {
  try {
    for (let path = folder; path.startsWith(first); path = dirname(path)) await rmdir(path)
  } catch {
    // It holds the model, or a checkpoint.
  }
}
