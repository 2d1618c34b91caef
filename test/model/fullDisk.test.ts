import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from './modelFixtures.ts'

const CHILD = fileURLToPath(new URL('saveOnFullDisk.ts', import.meta.url))

// $1: node, $2: the child, $3: the place
const MOUNTED = 'mount -t tmpfs -o size=72k tmpfs "$3" && exec "$1" "$2" "$3"'
const LIMITED = 'ulimit -f 96 && exec "$1" "$2" "$3"' // blocks of 512 or 1024 bytes

test('a file system that is full: the earlier model stays, whole', { skip: cannotMount() }, async (t) => {
  const inNamespace = ['--map-root-user', '--mount', 'sh', '-c', MOUNTED, 'sh']
  check(execFileSync('unshare', [...inNamespace, process.execPath, CHILD, await temporaryDirectory(t)]), {
    model: /^DISK Cannot save the model as .*model: the disk is full; .*\(ENOSPC\)$/,
    file: /^DISK Cannot write .*checkpoint: the disk is full; .*\(ENOSPC\)$/,
  })
})

test('a limit on the size of files: the earlier model stays, whole', {
  skip: process.platform === 'win32' && 'Windows has no ulimit',
}, async (t) => {
  check(execFileSync('sh', ['-c', LIMITED, 'sh', process.execPath, CHILD, await temporaryDirectory(t)]), {
    model: /^DISK Cannot save the model as .*model: the file would exceed the size limit; .*\(EFBIG\)$/,
    file: /^DISK Cannot write .*checkpoint: the file would exceed the size limit.*\(EFBIG\)$/,
  })
})

function check(output: Buffer, expected: { model: RegExp; file: RegExp }): void {
  const { errors, settings, entries } = JSON.parse(output.toString())
  assert.equal(errors.length, 2, 'the small model was saved, the big one and the file were not')
  assert.match(errors[0], expected.model)
  assert.match(errors[1], expected.file)
  assert.equal(settings.seed, 1)
  assert.deepEqual(entries, ['model'], 'nothing half-written stays')
}

function cannotMount(): string | false {
  const mount = ['--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()] // seen by itself alone
  const { status } = spawnSync('unshare', mount, { stdio: 'ignore' })
  return status !== 0 && 'this machine lets nobody mount a small file system of their own (unshare)'
}
