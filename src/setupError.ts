import { messageOf, NearrankError } from './errors.ts'
import { errnoOf } from './files.ts'

const INSTALL =
  'in a clone, run npm ci; elsewhere npm install; both without --omit=optional, on this kind of machine, with a lock file that lists its packages'

const FLAGS: Record<string, string> = {
  FileSystemRead: '--allow-fs-read',
  FileSystemWrite: '--allow-fs-write',
  WorkerThreads: '--allow-worker',
  ChildProcess: '--allow-child-process',
  Net: '--allow-net',
}

/**
 * `error` as one to read if it says that Node cannot load a package, or must not do what is needed. Such an
 * error may come from anywhere. Others, and those that are readable already: undefined.
 */
export function setupError(error: unknown): NearrankError | undefined {
  if (!(error instanceof Error) || error instanceof NearrankError) return undefined
  const problem = packageProblem(error) ?? permissionProblem(error)
  return problem === undefined ? undefined : new NearrankError('SETUP', problem, { cause: error })
}

function packageProblem(error: Error): string | undefined {
  const code = errnoOf(error)
  const message = messageOf(error).split('\n')[0]
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
    const name = /^Cannot find (?:module|package) '((?:@[^/'\\]+\/)?[^./'\\:][^/'\\:]*)/.exec(message)?.[1]
    return name && `Cannot go on: the package ${name} must be installed, found none; ${INSTALL}`
  }
  if (code === 'ERR_DLOPEN_FAILED')
    return `Cannot go on: a native package must fit this machine, and cannot be loaded (${message}); ${INSTALL}`
  // DuckDB's own words.
  if (message.startsWith('Error loading duckdb native binding'))
    return `Cannot go on: DuckDB must have a package for this machine, found none (${message}); use another one`
  return undefined
}

function permissionProblem(error: Error): string | undefined {
  const code = errnoOf(error)
  if (code !== 'ERR_ACCESS_DENIED' && code !== 'ERR_DLOPEN_DISABLED') return undefined
  const { permission, resource } = error as Error & { permission?: string; resource?: string }
  const flag = code === 'ERR_DLOPEN_DISABLED' ? '--allow-addons' : FLAGS[permission ?? '']
  const allowed = flag?.startsWith('--allow-fs') && resource ? `${flag}=${resource}` : flag
  return `Cannot go on: the permission model of Node does not allow it (${messageOf(error)}); start node ${
    allowed ? `with ${allowed}` : 'with further --allow flags'
  }, see docs/operating.md#permissions`
}
