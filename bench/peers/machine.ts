import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { formatBytes } from '../../src/format.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGES = 'torch numpy polars lightgbm catboost onnxruntime fastapi uvicorn redis'.split(' ')
const ASK_VERSIONS = `import platform
from importlib.metadata import version
print("Python", platform.python_version())
for name in ${JSON.stringify(PACKAGES)}: print(name, version(name))`

/** Processor, cores, memory. */
export function machineText(): string {
  return `${cpus()[0].model.trim()}, ${availableParallelism()} cores, ${formatBytes(totalmem())}`
}

/** `8a674b5`, and whether there were changes beside it. */
export function commitText(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  const changes = git('status', '--porcelain') === '' ? '' : ' with changes'
  return `\`${git('rev-parse', '--short', 'HEAD')}\`${changes}`
}

/** Name and version of everything that took part. */
export function versionTexts(python: string): string[] {
  const packages = execFileSync(python, ['-c', ASK_VERSIONS], { encoding: 'utf8' }).trim().split('\n')
  const redis = redisVersion()
  return [
    `Node ${process.versions.node}`,
    ...packages.map((text) => text.replace('redis', 'redis-py')),
    redis === null ? 'no Redis' : `Redis ${redis}`,
  ]
}

/** Of redis-server; null where it is not installed. */
export function redisVersion(): string | null {
  try {
    return /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1] ?? null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
