import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { buildFolder } from '../../src/dataset/pack/packFolder.ts'
import { siblingPath } from '../../src/files.ts'
import { withFolder } from './fixture.ts'

describe('buildFolder', () => {
  test('puts the folder into place when it is complete', () =>
    withFolder(async (home) => {
      await buildFolder(join(home, 'deep/er'), 'made', async (folder) => {
        assert.ok(!(await readdir(join(home, 'deep/er'))).includes('made'))
        await writeFile(join(folder, 'a'), 'done')
      })
      assert.equal(await readFile(join(home, 'deep/er/made/a'), 'utf8'), 'done')
      assert.deepEqual(await readdir(join(home, 'deep/er')), ['made'])
    }))

  test('leaves nothing behind when building fails', () =>
    withFolder(async (home) => {
      const build = async (folder: string) => {
        await writeFile(join(folder, 'a'), 'half')
        throw new Error('no luck')
      }
      await assert.rejects(buildFolder(home, 'made', build), /no luck/)
      assert.deepEqual(await readdir(home), [])
    }))

  test('lets the folder stay that another one finished first', () =>
    withFolder(async (home) => {
      await buildFolder(home, 'made', async (folder) => {
        await buildFolder(home, 'made', async (other) => {
          await writeFile(join(other, 'a'), 'first')
          await writeFile(join(other, 'manifest.json'), '{}')
        })
        await writeFile(join(folder, 'a'), 'second')
      })
      assert.equal(await readFile(join(home, 'made/a'), 'utf8'), 'first')
      assert.deepEqual(await readdir(home), ['made'])
    }))

  test('removes what a dead process left, whatever it was making, and leaves alone what a live one makes', () =>
    withFolder(async (home) => {
      const mine = siblingPath(join(home, 'pack'), 'new')
      const dead = spawnSync(process.execPath, ['-e', '']).pid
      const left = mine.replace(`-${process.pid}-`, `-${dead}-`)
      await mkdir(mine)
      await mkdir(left)
      await writeFile(join(left, 'users.f32'), 'half')
      await mkdir(join(home, 'tables-0'))
      await buildFolder(home, 'made', async () => {})
      assert.deepEqual((await readdir(home)).toSorted(), [basename(mine), 'made', 'tables-0'])
    }))
})
