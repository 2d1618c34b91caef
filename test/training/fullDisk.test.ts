import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { NearrankError } from '../../src/errors.ts'
import { train } from '../../src/training/train.ts'
import { smallData } from './dataFixture.ts'

test('a disk that fills up while a checkpoint is written: an error that says so, nothing half-written', async (t) => {
  const { data, folder } = await smallData()
  const place = join(folder, 'place')
  await mkdir(place)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', place]).status !== 0)
    return t.skip('mounting a small disk is not allowed here')
  try {
    // 43,521 parameters, four arrays of them: 680 KiB.
    const options = { data, out: join(place, 'model'), preset: 'reference' as const, checkpointSeconds: 0.01 }
    await assert.rejects(train(options), (error: unknown) => {
      assert.ok(error instanceof NearrankError, String(error))
      assert.equal(error.code, 'DISK')
      assert.match(error.message, /model\.checkpoint.*disk is full/)
      return true
    })
    assert.deepEqual(await readdir(place), [])
  } finally {
    spawnSync('umount', [place])
  }
})
