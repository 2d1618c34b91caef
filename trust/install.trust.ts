import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { smallData } from '../test/training/dataFixture.ts'
import { trust } from './trust.ts'

const ROOT = join(import.meta.dirname, '..')
const LIMIT_MIB = 512
const UID = 1000

// $1 cgroup, or nothing; $2 app; the rest: the command
const SCRIPT = `
test -z "$1" || echo $$ > "$1/cgroup.procs"
ip link set lo up
mount --bind "$2" "$2" && mount -o remount,ro,bind "$2"
shift 2
exec "$@"`

trust(
  'It runs without a network, as an unprivileged user, with its own files read-only, in 512 MiB, under the permission model of Node',
  { small: 1, night: 1 },
  async ({ t }) => {
    const isRoot = process.getuid?.() === 0
    const namespaces = ['--net', '--mount', ...(isRoot ? [] : ['--map-root-user'])]
    if (spawnSync('unshare', [...namespaces, 'ip', 'link', 'set', 'lo', 'up']).status !== 0) {
      t.skip('this machine gives nobody a network of their own (unshare, ip)')
      return ''
    }
    assert.ok(existsSync(join(ROOT, 'dist')), 'the package is built: npm run build')
    const { data, folder } = await smallData({ rows: 20_000, requests: 0 })
    const app = join(folder, 'app')
    const work = join(folder, 'work')
    for (const path of [app, work]) mkdirSync(path)
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(ROOT, file), join(app, file))
    const install = 'ci --offline --omit=dev --ignore-scripts --no-audit --no-fund'.split(' ')
    const installed = spawnSync('unshare', [...namespaces, 'npm', ...install], { cwd: app, encoding: 'utf8' })
    assert.equal(
      installed.status,
      0,
      `${installed.stderr} (npm's cache must hold what npm ci has installed here)`,
    )
    for (const part of ['bin', 'dist', 'wasm']) cpSync(join(ROOT, part), join(app, part), { recursive: true })
    cpSync(process.execPath, join(app, 'node'))
    const script = stripTypeScriptTypes(readFileSync(join(ROOT, 'trust/confinedRun.ts'), 'utf8'))
    writeFileSync(join(app, 'confinedRun.mjs'), script)
    chmodSync(folder, 0o755)
    if (isRoot) execFileSync('chown', ['-R', `${UID}:${UID}`, data, work])

    const nobody = isRoot ? ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups'] : []
    const group = memoryGroup()
    const command = [...nobody, join(app, 'node'), join(app, 'confinedRun.mjs'), app, data, work]
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      [...namespaces, 'sh', '-ec', SCRIPT, 'sh', group?.path ?? '', app, ...command],
      { encoding: 'utf8', timeout: 120_000 },
    )
    const peak = group?.end()
    assert.equal(status, 0, stderr)
    const seen = JSON.parse(stdout) as { uid: number; isReadOnly: boolean; isOffline: boolean }
    assert.deepEqual(
      { ...seen, uid: seen.uid !== 0 || !isRoot },
      { uid: true, isReadOnly: true, isOffline: true },
    )
    const memory =
      peak === undefined
        ? 'no memory cgroup can be made here'
        : `a cgroup of ${LIMIT_MIB} MiB, of which ${peak} MiB were used, the cache of files included`
    return `npm ci --offline, then train, serve, rank and stop under --permission as user ${seen.uid}, without a network; ${memory}`
  },
)

/** A group of processes with a limit of memory and no swap, version 1 or 2; undefined where none can be made. */
function memoryGroup(): { path: string; end: () => number } | undefined {
  const bytes = String(LIMIT_MIB * 2 ** 20)
  for (const [home, limit, peak] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.max_usage_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max', 'memory.peak'],
  ]) {
    const path = join(home, `nearrank-trust-${process.pid}`)
    try {
      mkdirSync(path)
      writeFileSync(join(path, limit), bytes)
    } catch {
      continue
    }
    const end = () => {
      const used = Number(readFileSync(join(path, peak), 'utf8'))
      rmdirSync(path)
      return Math.round(used / 2 ** 20)
    }
    return { path, end }
  }
  return undefined
}
