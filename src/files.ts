import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { messageOf, NearrankError } from './errors.ts'

/** What a temporary sibling is: being written, moved aside for its successor, being deleted, or a claim. */
export type SiblingKind = 'new' | 'old' | 'del' | 'run'

/** What a file will hold; parts are written one behind the other, and never put together in memory. */
export type FileData = Uint8Array | string | readonly Uint8Array[]

// 255 is the usual limit; a sibling's name is up to 40 bytes longer than its target's
const NAME_BYTES_MAX = 200
const PIECE_BYTES = 2 ** 20
const STALE_AFTER_MS = 24 * 3600 * 1000

const REASONS: Record<string, string> = {
  ENOSPC: 'the disk is full; free some space or choose another path',
  EDQUOT: 'the disk quota is used up; free some space or choose another path',
  EFBIG: 'the file would exceed the size limit; raise the limit or choose another path',
  EACCES: 'permission is denied; change the permissions or choose another path',
  EPERM: 'the operation is not permitted; change the permissions or choose another path',
  EROFS: 'the file system is read-only; choose another path',
  ENOTDIR: 'part of the path is not a folder; choose another path',
  EISDIR: 'it is a folder; choose another name',
  ENOENT: 'part of the path does not exist; create it or choose another path',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
  EBUSY: 'it is in use, or a mount point; choose a path inside it',
  EXDEV: 'it is on a different file system from its parent; choose a path inside it',
  EIO: 'the device reported an error; check the disk',
  EMFILE: 'too many files are open; raise the limit',
}

/**
 * `error` as one to read: `Cannot <action>: <reason>; <what to do> (<errno>)`, code DISK. NearrankErrors pass
 * unchanged.
 */
export function diskError(error: unknown, action: string): NearrankError {
  if (error instanceof NearrankError) return error
  const code = errnoOf(error)
  const reason = REASONS[code] ?? refusal(error) ?? messageOf(error)
  return new NearrankError('DISK', `Cannot ${action}: ${reason}${code === '' ? '' : ` (${code})`}`, {
    cause: error,
  })
}

/** What Node's permission model refuses, and how to allow it; undefined: it is something else. */
function refusal(error: unknown): string | undefined {
  if (errnoOf(error) !== 'ERR_ACCESS_DENIED') return undefined
  const { permission, resource } = error as { permission?: string; resource?: string }
  const flag = permission === 'FileSystemWrite' ? '--allow-fs-write' : '--allow-fs-read'
  return `the permission model of Node refuses it; start node with ${flag}${resource ? `=${resource}` : ''}`
}

/** The errno name (`ENOENT`, …) of a failed system call, or an empty string. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether a system call failed because its path leads nowhere. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error))
}

/**
 * Replaces the file `path` whole: whoever reads it, at any time and after any crash, finds the old bytes or
 * the new ones. Written beside, synced, renamed; missing parent directories are made; a symbolic link is
 * followed. `keepAs`: the old file gets this name, in the place of what had it; for a moment it has no other.
 * @throws NearrankError INPUT where something other than a file is in the way, DISK where writing fails.
 */
export async function writeFileAtomic(
  path: string,
  data: FileData,
  { keepAs }: { keepAs?: string } = {},
): Promise<void> {
  const target = await resolveTarget(path)
  const action = `write ${path}`
  try {
    const there = await statOrUndefined(target)
    // Renaming onto /dev/null or a pipe would replace it for everybody.
    if (there !== undefined && !there.isFile())
      throw new NearrankError(
        'INPUT',
        `Cannot ${action}: it must be a file, found ${there.isDirectory() ? 'a folder' : 'a device or pipe'}; choose another name`,
      )
    await mkdir(dirname(target), { recursive: true })
    const temporary = siblingPath(target, 'new')
    try {
      await writeNewFile(temporary, data)
      if (keepAs !== undefined && there !== undefined) await rename(target, keepAs)
      await rename(temporary, target)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    await syncDirectory(dirname(target))
    for (const leftover of await staleSiblings(target)) await rm(leftover, { recursive: true, force: true })
  } catch (error) {
    throw diskError(error, action)
  }
}

/** Writes and syncs a file that must not exist yet. System errors are thrown as they are. */
export async function writeNewFile(path: string, data: FileData): Promise<void> {
  const file = await openDurable(path)
  try {
    await file.writeFile(isParts(data) ? piecesOf(data) : data)
    await syncHandle(file)
  } finally {
    await file.close()
  }
}

/** Opens a new file that `syncHandle` will make durable. */
export async function openDurable(path: string): Promise<FileHandle> {
  const { O_CREAT, O_EXCL, O_SYNC, O_WRONLY } = constants
  return open(path, isSyncRefused() ? O_WRONLY | O_CREAT | O_EXCL | O_SYNC : 'wx')
}

/** Makes what was written to a file durable, unless `openDurable` saw to that at each write. */
export async function syncHandle(handle: FileHandle): Promise<void> {
  if (!isSyncRefused()) await handle.sync()
}

/** Makes the bytes of a file that another library wrote durable. @throws NearrankError DISK */
export async function syncFile(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r+')
    try {
      await syncHandle(handle)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw diskError(error, `write ${path}`)
  }
}

/** Whether Node runs with its permission model, which refuses fsync for all files. */
function isSyncRefused(): boolean {
  return process.permission !== undefined
}

function isParts(data: FileData): data is readonly Uint8Array[] {
  return Array.isArray(data)
}

/** `parts` in pieces worth a system call each: an ONNX model has thousands of small ones. */
function* piecesOf(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  const together = (some: Uint8Array[]) => (some.length === 1 ? some[0] : Buffer.concat(some))
  let small: Uint8Array[] = []
  let bytes = 0
  for (const part of parts) {
    if (bytes > 0 && bytes + part.length > PIECE_BYTES) {
      yield together(small)
      small = []
      bytes = 0
    }
    small.push(part)
    bytes += part.length
  }
  yield together(small)
}

/** Makes renames and new names in `directory` durable, where the platform can. */
export async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r')
    try {
      await syncHandle(handle)
    } finally {
      await handle.close()
    }
  } catch (error) {
    // Windows opens no directories; some network file systems sync none. The rename itself is done.
    if (!['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES'].includes(errnoOf(error))) throw error
  }
}

/**
 * The absolute path behind `path`, symbolic links followed, so that a replacement lands where the link
 * points; also where nothing is there (any more, or for a moment).
 */
export async function resolveTarget(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    return await realpath(absolute)
  } catch (error) {
    if (!isMissing(error)) throw diskError(error, `use ${path}`)
  }
  const link = await readlink(absolute).catch(() => undefined)
  // Ends: a link that leads back to itself is an error of realpath's (ELOOP).
  return link === undefined ? absolute : resolveTarget(resolve(await realpath(dirname(absolute)), link))
}

/** Whether both paths lead to one file, by whichever links; where nothing is, they do not. */
export async function isSameFile(path: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([path, other].map((file) => stat(file).catch(() => undefined)))
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}

/**
 * Only a folder without anything, or none yet, becomes one of ours: `file` will tell that it is.
 * @throws NearrankError INPUT beginning with `Cannot <action> <folder>`, DISK.
 */
export async function checkEmptyFolder(folder: string, file: string, action: string): Promise<void> {
  const entries = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw diskError(error, `${action} ${folder}`)
  })
  const foreign = entries.filter((entry) => !entry.startsWith(`.${file}.`))
  if (foreign.length > 0)
    throw new NearrankError(
      'INPUT',
      `Cannot ${action} ${folder}: it holds ${foreign.toSorted().slice(0, 3).join(', ')}, but no ${file} of Nearrank's; choose a new or empty folder (--out)`,
    )
}

/** A fresh name beside `target`: hidden, and telling which process on which machine made it, and for what. */
export function siblingPath(target: string, kind: SiblingKind): string {
  const name = basename(target)
  if (Buffer.byteLength(name) > NAME_BYTES_MAX)
    throw new NearrankError(
      'INPUT',
      `Cannot use ${target}: its name must be at most ${NAME_BYTES_MAX} bytes long, found ${Buffer.byteLength(name)}; choose a shorter one`,
    )
  return join(
    dirname(target),
    `.${name}.${kind}-${hostTag()}-${process.pid}-${randomBytes(4).toString('hex')}`,
  )
}

/** All temporary siblings of `target`, of one kind or of any. None where the parent directory is missing. */
export async function listSiblings(target: string, kind?: SiblingKind): Promise<string[]> {
  const directory = dirname(target)
  const entries = await readdir(directory).catch(() => [])
  return entries
    .filter((entry) => {
      const made = parseSibling(entry, basename(target))
      return made !== undefined && (kind === undefined || made.kind === kind)
    })
    .map((entry) => join(directory, entry))
}

/**
 * The temporary siblings of `target` that nobody will finish: their process on this machine has ended, or
 * they are a day old.
 */
export async function staleSiblings(target: string): Promise<string[]> {
  const stale: string[] = []
  for (const path of await listSiblings(target)) {
    const made = parseSibling(basename(path), basename(target))
    if (made === undefined) continue
    const changedMs = (await statOrUndefined(path))?.mtimeMs ?? Number.NaN
    const hasEnded = made.host === hostTag() && !isRunning(made.pid)
    if (hasEnded || Date.now() - changedMs > STALE_AFTER_MS) stale.push(path)
  }
  return stale
}

function parseSibling(entry: string, name: string): { kind: string; host: string; pid: number } | undefined {
  if (!entry.startsWith(`.${name}.`)) return undefined
  const match = /^(new|old|del|run)-([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{8}$/.exec(entry.slice(name.length + 2))
  return match === null ? undefined : { kind: match[1], host: match[2], pid: Number(match[3]) }
}

/** Eight hexadecimal digits of the machine's name: containers that share a disk do not share process ids. */
function hostTag(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM' // it runs as somebody else
  }
}

async function statOrUndefined(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
