// Preloaded by disk.trust.ts into a run and its packing process: the disk fails once, at a given operation.
import fs, { appendFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/** `role:n:errno:FILE`: operation n (from 1) of the main process or of the one that packs, told in a file; `count:FILE`: none. */
const [role, at, errno, told] = (process.env.NEARRANK_FAILING_DISK ?? '').split(':')
const ownRole = process.argv[1]?.endsWith('main.ts') ? 'main' : 'packing'
let operations = 0

function fail(): void {
  operations++
  if (role === ownRole && operations === Number(at)) {
    appendFileSync(told, `${errno}\n`)
    throw Object.assign(new Error(`${errno}: injected, operation ${at}`), { code: errno, syscall: 'write' })
  }
}

type Call = (this: unknown, ...args: unknown[]) => unknown

function failing(target: object, names: string[]): void {
  const methods = target as Record<string, Call>
  for (const name of names) {
    const real = methods[name]
    methods[name] = function (...args) {
      const [bytes, flags] = args
      try {
        if (name !== 'open' || (typeof flags === 'string' && /[wa+]/.test(flags))) fail()
      } catch (error) {
        // As a disk that fills up does: a part is written.
        if (name === 'write' && bytes instanceof Uint8Array)
          return Promise.resolve(real.call(this, bytes.subarray(0, bytes.length >> 1))).then(() =>
            Promise.reject(error),
          )
        return Promise.reject(error)
      }
      return real.apply(this, args)
    }
  }
}

if (isMainThread) {
  const probe = await open(process.execPath)
  failing(Object.getPrototypeOf(probe) as object, [
    'write',
    'writev',
    'writeFile',
    'sync',
    'datasync',
    'truncate',
  ])
  await probe.close()
  failing(fs.promises, ['rename', 'mkdir', 'open'])
  syncBuiltinESMExports()
  process.on('exit', () => {
    if (role === 'count') appendFileSync(at, `${ownRole} ${operations}\n`)
  })
}
