import assert from 'node:assert/strict'
import { once } from 'node:events'
import { spawn, spawnSync } from 'node:child_process'
import { utimesSync } from 'node:fs'
import { mkdir, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  clickColumns,
  isError,
  openTrain,
  withFolder,
  writeLargeTables,
  writeParquetFile,
} from './fixture.ts'

describe('a file that is damaged inside', () => {
  test('is refused, or read with every one of its rows: none is lost in silence', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(300000) t(i)`)
      const path = join(data, 'train/a.parquet')
      const bytes = await readFile(path)
      let refused = 0
      for (let at = 100; at < bytes.length - 2048; at += Math.floor(bytes.length / 25)) {
        const damaged = Buffer.from(bytes)
        for (let i = 0; i < 2048; i++) damaged[at + i] ^= (at * 31 + i * 17) & 0xff
        await writeFile(path, damaged)
        try {
          const rows = await openTrain({ data })
          assert.equal(rows.rows, 300_000)
          await rows.close()
        } catch (error) {
          assert.ok(isError('INPUT', /train\/a.parquet/)(error))
          refused++
        }
      }
      assert.ok(refused > 5, `${refused} of 25`)
    }))

  test('is refused when it changes while it is being read', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(200000) t(i)`)
      const onProgress = ({ stage }: { stage: string }) =>
        stage === 'train' && utimesSync(join(data, 'train/a.parquet'), 1, 1)
      await assert.rejects(
        openTrain({ data, onProgress }),
        isError('INPUT', /train\/a.parquet: it was changed/),
      )
    }))
})

describe('a pack', () => {
  test('that is damaged is found by its checksum, block by block', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(140000) t(i)`)
      const rows = await openTrain({ data })
      const target = new Uint8Array(new SharedArrayBuffer(rows.blockRowsMax * 9))
      const bytes = await readFile(rows.path)
      bytes[rows.blocks[1].byteOffset + 100] ^= 4
      await writeFile(rows.path, bytes)
      await rows.readBlockInto(0, target)
      await assert.rejects(
        rows.readBlockInto(1, target),
        isError('DAMAGED', /block 1/, /train\/a.parquet/, /delete that folder/),
      )
      await rows.readBlockInto(2, target)
      await truncate(rows.path, bytes.length - 1)
      await assert.rejects(rows.readBlockInto(2, target), isError('DAMAGED', /ends at byte/))
      await rows.close()
      await assert.rejects(openTrain({ data }), isError('DAMAGED', /1259999 bytes, 1260000 were written/))
    }))

  test('may be made twice at once', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(200000) t(i)`)
      const packs = await Promise.all(Array.from({ length: 4 }, () => openTrain({ data })))
      for (const rows of packs) {
        assert.equal(rows.rows, 200_000)
        for (let i = 0; i < rows.blocks.length; i++) await rows.readBlockInto(i, new Uint8Array(65_536 * 9))
        await rows.close()
      }
      const left = await readdir(join(data, '.nearrank'))
      assert.deepEqual(
        left.filter((name) => name.startsWith('.pack')),
        [],
      )
    }))

  test('whose making was killed leaves a folder that the next run removes, and never one in place', () =>
    withFolder(async (data) => {
      await writeLargeTables(data)
      await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(3000000) t(i)`)
      const code = `
        import { openTables } from ${JSON.stringify(new URL('../../src/dataset/tables/openTables.ts', import.meta.url).href)}
        import { openRows } from ${JSON.stringify(new URL('../../src/dataset/clicks/openRows.ts', import.meta.url).href)}
        const onProgress = ({ stage }) => stage === 'train' && process.stdout.write('.')
        const options = { data: ${JSON.stringify(data)}, onProgress }
        await openRows(options, await openTables(options), 'train')`
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exit = once(child, 'exit')
      await Promise.race([once(child.stdout, 'data'), exit])
      child.kill('SIGKILL')
      await exit
      const home = join(data, '.nearrank')
      const killed = await readdir(home)
      assert.equal(killed.filter((name) => name.startsWith('.pack')).length, 1)
      assert.equal(killed.filter((name) => name.startsWith('rows-')).length, 0)
      const rows = await openTrain({ data })
      assert.equal(rows.rows, 3_000_000)
      await rows.close()
      assert.deepEqual(
        (await readdir(home)).filter((name) => name.startsWith('.pack')),
        [],
      )
    }))

  test('on a disk that is full: an error that says so, and nothing half-written', (t) =>
    withFolder(async (folder) => {
      const cache = join(folder, 'small')
      await mkdir(cache)
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', cache]).status !== 0)
        return t.skip('a file system of a given size can be mounted by root on Linux alone')
      try {
        const data = join(folder, 'data')
        await writeLargeTables(data)
        await writeParquetFile(data, 'train/a.parquet', `${clickColumns()} FROM range(500000) t(i)`)
        await assert.rejects(openTrain({ data, cache }), isError('DISK', /disk is full/, /free some space/))
        assert.deepEqual(
          (await readdir(cache)).map((name) => name.split('-')[0]),
          ['tables'],
        )
        await stat(data)
      } finally {
        spawnSync('umount', [cache])
      }
    }))
})
