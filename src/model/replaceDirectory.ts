import { access, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NearrankError } from '../errors.ts'
import { errnoOf, isMissing, listSiblings, siblingPath, staleSiblings, syncDirectory } from '../files.ts'

// No system call of Node's exchanges two directories, so a replacement is two renames: the old one aside, the
// new one in. Between them `target` does not exist; whoever finds it so puts the one aside back. Both renames
// fail rather than overwrite, so that any number of processes may do this at once: each finds a whole
// directory.

const ATTEMPTS_MAX = 100 // each fails only where another process won a race of microseconds
const TAKEN = new Set(['ENOTEMPTY', 'EEXIST', ...(process.platform === 'win32' ? ['EPERM', 'EACCES'] : [])])

/**
 * Puts the complete, synced directory `replacement` in the place of `target`, whatever stands there, and
 * removes what it replaced and what killed processes left behind. If it fails, what stood there is put back,
 * even if the disk fails last, when the names are to be made durable; system errors are thrown as they are.
 */
export async function replaceDirectory(target: string, replacement: string): Promise<void> {
  // Listed before the new one is in: a directory aside that is listed now is needed by nobody afterwards.
  const leftovers = await staleSiblings(target)
  const { ino } = await stat(replacement)
  const aside: string[] = []
  try {
    for (let attempt = 1; (await tryRename(replacement, target)) !== 'done'; attempt++) {
      await access(replacement) // gone: then the target must not be moved aside for it
      if (attempt === ATTEMPTS_MAX)
        throw new NearrankError(
          'DISK',
          `Cannot replace ${target}: other processes replaced it ${ATTEMPTS_MAX} times in the meantime; let only one at a time write there`,
        )
      const old = siblingPath(target, 'old')
      if ((await tryRename(target, old)) === 'done') aside.push(old)
      else await sleep(Math.random() * 5)
    }
  } catch (error) {
    await recoverDirectory(target)
    throw error
  }
  try {
    await syncDirectory(dirname(target))
  } catch (error) {
    // Another process may have put its own there meanwhile: that one stays.
    const there = await stat(target).catch(() => undefined)
    if (there?.ino === ino && (await tryRename(target, replacement)) === 'done')
      await recoverDirectory(target)
    throw error
  }
  // It is done: what the disk will not remove now, the next one who replaces it does.
  for (const path of [...aside, ...leftovers]) await discard(target, path).catch(() => undefined)
}

/**
 * Puts back what a process that was killed between the two renames had moved aside; touches nothing where
 * `target` exists.
 */
export async function recoverDirectory(target: string): Promise<void> {
  if (await exists(target)) return
  const candidates: { path: string; changedMs: number }[] = []
  for (const path of await listSiblings(target, 'old')) {
    const entry = await stat(path).catch(() => undefined)
    if (entry !== undefined) candidates.push({ path, changedMs: entry.ctimeMs })
  }
  candidates.sort((a, b) => b.changedMs - a.changedMs)
  for (const { path } of candidates) {
    const result = await tryRename(path, target)
    if (result === 'done') return syncDirectory(dirname(target))
    if (result === 'taken') return
  }
}

/** Renamed first, so that what is called `old` is whole for certain. */
async function discard(target: string, path: string): Promise<void> {
  const doomed = siblingPath(target, 'del')
  if ((await tryRename(path, doomed)) === 'done') await rm(doomed, { recursive: true, force: true })
}

/** `taken`: something stands at `to`; `gone`: nothing at `from`. Another process was first, then. */
async function tryRename(from: string, to: string): Promise<'done' | 'taken' | 'gone'> {
  try {
    await rename(from, to)
    return 'done'
  } catch (error) {
    if (TAKEN.has(errnoOf(error))) return 'taken'
    if (isMissing(error)) return 'gone'
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
