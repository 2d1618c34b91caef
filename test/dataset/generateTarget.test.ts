import assert from 'node:assert/strict'
import { once } from 'node:events'
import { spawn, spawnSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { generate } from '../../src/dataset/generator/generate.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { isError, withFolder } from './fixture.ts'
import { SMALL, digests } from './generateFixture.ts'

describe('generate', () => {
  test('replaces an earlier dataset whole, and nothing else', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'data')
      await generate({ ...SMALL, out, files: 6 })
      await openTables({ data: out })
      await generate({ ...SMALL, out, testRows: 0 })
      assert.deepEqual((await readdir(join(out, 'train'))).length, 4)
      assert.ok(!(await readdir(out)).includes('test'))
      assert.ok(!(await readdir(out)).includes('.nearrank'))
      for (const stranger of ['train/mine.parquet', 'notes.txt']) {
        await generate({ ...SMALL, out: join(folder, stranger.length.toString()) })
        await writeFile(join(folder, stranger.length.toString(), stranger), 'mine')
        const before = await digests(join(folder, stranger.length.toString()))
        await assert.rejects(
          generate({ ...SMALL, out: join(folder, stranger.length.toString()), seed: 9 }),
          isError('INPUT', new RegExp(`it holds ${stranger}`)),
        )
        assert.deepEqual(await digests(join(folder, stranger.length.toString())), before)
      }
      await mkdir(join(folder, 'other/train'), { recursive: true })
      await assert.rejects(
        generate({ ...SMALL, out: join(folder, 'other') }),
        isError('INPUT', /it holds train but no dataset.json/),
      )
      await writeFile(join(folder, 'file'), '')
      await assert.rejects(
        generate({ ...SMALL, out: join(folder, 'file') }),
        isError('INPUT', /it is not a folder/),
      )
    }))

  test('stopped half-way, it leaves things as they were', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'data')
      await generate({ ...SMALL, out })
      const before = await digests(out)
      for (const target of [out, join(folder, 'new')]) {
        const abort = new AbortController()
        const onProgress = ({ stage }: { stage: string }) => stage === 'train' && abort.abort()
        await assert.rejects(
          generate({ ...SMALL, out: target, rows: 3_000_000, seed: 9, signal: abort.signal, onProgress }),
          isError('ABORTED'),
        )
      }
      assert.deepEqual(await digests(out), before)
      assert.deepEqual(await readdir(folder), ['data'])
      const abort = AbortSignal.abort()
      await assert.rejects(generate({ ...SMALL, out, signal: abort }), isError('ABORTED'))
    }))

  test('killed half-way, it leaves a folder that the next run replaces', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'data')
      const url = new URL('../../src/dataset/generator/generate.ts', import.meta.url).href
      const options = JSON.stringify({ ...SMALL, out, rows: 3_000_000 })
      const code = `import { generate } from ${JSON.stringify(url)}
        await generate({ ...${options}, onProgress: ({ stage }) => stage === 'train' && process.stdout.write('.') })`
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exit = once(child, 'exit')
      await Promise.race([once(child.stdout, 'data'), exit])
      child.kill('SIGKILL')
      await exit
      const left = await readdir(out)
      assert.ok(left.length === 1 && left[0].startsWith('.dataset.new-'), left.join())
      await generate({ ...SMALL, out })
      assert.equal((await readdir(out)).length, 6)
    }))

  test('on a disk that is full: an error that says so, and nothing half-written', (t) =>
    withFolder(async (folder) => {
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status !== 0)
        return t.skip('a file system of a given size can be mounted by root on Linux alone')
      try {
        const out = join(folder, 'data')
        await assert.rejects(generate({ ...SMALL, out, rows: 2_000_000 }), isError('DISK', /disk is full/))
        assert.deepEqual(await readdir(folder), [])
      } finally {
        spawnSync('umount', [folder])
      }
    }))

  test('refuses counts that make no dataset', async () => {
    for (const [options, pattern] of [
      [{ rows: 0 }, /rows must be an integer from 1/],
      [{ users: 1.5 }, /users/],
      [{ seed: -1 }, /seed/],
      [{ files: 0 }, /files/],
      [{ testRows: Number.NaN }, /testRows.*NaN/],
      [{ candidates: 91 }, /91 distinct candidates need at least that number of restaurants, found 90/],
    ] as const)
      await assert.rejects(generate({ ...SMALL, out: 'nowhere', ...options }), isError('USAGE', pattern))
  })
})
