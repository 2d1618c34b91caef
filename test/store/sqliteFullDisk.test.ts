import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../training/dataFixture.ts'

const CHILD = fileURLToPath(new URL('storeOnFullDisk.ts', import.meta.url))

// $1: node, $2: the child, $3: the place
const IN_NAMESPACE = ['--map-root-user', '--mount', 'sh', '-c']
const FULL = 'mount -t tmpfs -o size=200k tmpfs "$3" && exec "$1" "$2" "$3"'
const READ_ONLY =
  'mount -t tmpfs -o size=200k tmpfs "$3" && mount -o remount,ro "$3" && exec "$1" "$2" "$3" read-only'
const LIMITED = 'ulimit -f 96 && exec "$1" "$2" "$3"' // blocks of 512 or 1024 bytes

const skip = cannotMount()

test('a full disk: the write fails, health says why, what was acknowledged stays, and with room again the store goes on', {
  skip,
}, async () => {
  const { failures, acknowledged, kept, troubles } = await run('unshare', [...IN_NAMESPACE, FULL, 'sh'])
  assert.equal(failures.length, 1, failures.join('\n'))
  assert.match(failures[0], /^DISK Cannot write to the store .*: the disk is full; free some space/)
  assert.ok(acknowledged > 100)
  assert.equal(kept, acknowledged)
  const full = 'Writes to the store fail: the disk is full; free some space.'
  assert.deepEqual(troubles, [[full], null])
})

test('a limit on the size of files: the write fails, what was acknowledged stays', {
  skip: process.platform === 'win32' && 'Windows has no ulimit',
}, async () => {
  const { failures, acknowledged, kept } = await run('sh', ['-c', LIMITED, 'sh'])
  assert.ok(failures.length > 0)
  for (const failure of failures)
    assert.match(failure, /^DISK Cannot write to the store .*the system reported/)
  assert.ok(acknowledged > 100)
  assert.equal(kept, acknowledged)
})

test('a place that cannot be written to', { skip }, async () => {
  const { failures, acknowledged } = await run('unshare', [...IN_NAMESPACE, READ_ONLY, 'sh'])
  assert.equal(acknowledged, 0)
  assert.match(failures[0], /^DISK Cannot open the store .*check that its folder/)
})

async function run(
  program: string,
  before: string[],
): Promise<{ failures: string[]; acknowledged: number; kept: number; troubles: unknown }> {
  return JSON.parse(
    execFileSync(program, [...before, process.execPath, CHILD, await temporaryFolder()]).toString(),
  )
}

function cannotMount(): string | false {
  const mount = ['--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()] // seen by itself alone
  const { status } = spawnSync('unshare', mount, { stdio: 'ignore' })
  return status !== 0 && 'this machine lets nobody mount a small file system of their own (unshare)'
}
