import { readdir, realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import picomatch from 'picomatch'
import { NearrankError } from '../errors.ts'
import { diskError, isMissing } from '../files.ts'

const FILES_MAX = 100_000
const ENTRIES_SEEN_MAX = 100_000

/** What to look for below a folder, and what was found. */
interface Search {
  pattern: string // as given, for messages
  matches: (name: string) => boolean // by the path below the folder, with forward slashes
  isDeep: boolean // in folders at any depth; false: in those with as many parts as `depth` at most
  depth: number
  skipsHidden: boolean
  found: string[]
  entriesLeft: number // to look at
}

const EVERY_PARQUET = '**/*.parquet'

/**
 * The files that a pattern names, in no order: a path, or a glob; below `folder`, unless it is absolute.
 * Links are followed. A folder that it names stands for the Parquet files below it, as Spark writes a table.
 *
 * What is hidden is no data, by the rule of Spark and Arrow: names that begin with a dot or an underscore,
 * except `_key=value`. A pattern that spells such a name out finds it.
 * @throws NearrankError INPUT for a folder that cannot be read, and more than 100,000 files.
 */
export async function pathsOf(pattern: string, folder: string): Promise<string[]> {
  // First as it stands: a name may contain what means something in a glob.
  const literal = resolve(folder, pattern)
  const there = await stat(literal).catch(() => undefined)
  if (there?.isDirectory()) return parquetBelow(literal)
  if (there) return [literal]
  const { base, glob } = picomatch.scan(pattern)
  if (glob === '') return []
  const parts = glob.split('/')
  const search: Search = {
    pattern,
    matches: picomatch(glob, { dot: true, nonegate: true }),
    isDeep: /\*\*|[{(]/.test(glob),
    depth: parts.length,
    skipsHidden: !parts.some((part) => /^[._]/.test(part)),
    found: [],
    entriesLeft: Number.POSITIVE_INFINITY,
  }
  await collect(resolve(folder, base), [], search, new Set())
  return search.found
}

/** Whether a pattern is more than a path. */
export function isGlob(pattern: string): boolean {
  return picomatch.scan(pattern).glob !== ''
}

/** All Parquet files below a folder, but for hidden ones, in no order. @throws NearrankError as `pathsOf`. */
async function parquetBelow(folder: string): Promise<string[]> {
  const search = everyParquet(folder)
  await collect(folder, [], search, new Set())
  return search.found
}

/**
 * The same for who can do without: none if a folder cannot be read, or holds too much to look at in a second
 * or two.
 */
export async function parquetSeenBelow(folder: string): Promise<string[]> {
  const search = { ...everyParquet(folder), entriesLeft: ENTRIES_SEEN_MAX }
  try {
    await collect(folder, [], search, new Set())
    return search.found
  } catch (error) {
    if (error instanceof NearrankError) return []
    throw error
  }
}

/** Of paths that lead to the same file by links only the first. */
export async function withoutTwins(paths: readonly string[]): Promise<string[]> {
  const known = new Set<string>()
  const own: string[] = []
  for (const path of paths) {
    const real = await realpath(path).catch(() => path)
    if (!known.has(real)) own.push(path)
    known.add(real)
  }
  return own
}

function everyParquet(pattern: string): Search {
  const matches = picomatch(EVERY_PARQUET, { dot: true })
  const entriesLeft = Number.POSITIVE_INFINITY
  return { pattern, matches, isDeep: true, depth: 0, skipsHidden: true, found: [], entriesLeft }
}

/** `names`: of the folders from the first one down to this. `above`: where these really are. */
async function collect(
  folder: string,
  names: readonly string[],
  search: Search,
  above: ReadonlySet<string>,
): Promise<void> {
  const real = await realpath(folder).catch(() => folder)
  if (above.has(real)) return // a link that leads back
  const within = new Set([...above, real])
  const entries = await entriesOf(folder)
  search.entriesLeft -= entries.length
  if (search.entriesLeft < 0)
    throw new NearrankError('INPUT', `Cannot look for files in ${search.pattern}: there are too many`)
  for (const entry of entries) {
    if (search.skipsHidden && isHidden(entry.name)) continue
    const path = join(folder, entry.name)
    const own = [...names, entry.name]
    const isMatch = search.matches(own.join('/'))
    if (!(entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path))))) {
      if (isMatch) add(search, path)
    } else if (isMatch) {
      const { found, entriesLeft } = search
      const every = { ...everyParquet(search.pattern), found, entriesLeft }
      await collect(path, [], every, within)
    } else if (search.isDeep || own.length < search.depth) {
      await collect(path, own, search, within)
    }
  }
}

function add({ pattern, found }: Search, path: string): void {
  found.push(path)
  if (found.length > FILES_MAX)
    throw new NearrankError('INPUT', `Cannot use ${pattern}: it matches more than ${FILES_MAX} files`)
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || (name.startsWith('_') && !name.includes('='))
}

/** Whether there is a folder at `path`, or a link to one. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    const { message } = diskError(error, `look for files in ${folder}`)
    throw new NearrankError('INPUT', message, { cause: error })
  }
}
