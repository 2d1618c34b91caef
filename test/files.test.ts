import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { NearrankError } from '../src/errors.ts'
import {
  diskError,
  errnoOf,
  listSiblings,
  siblingPath,
  staleSiblings,
  writeFileAtomic,
} from '../src/files.ts'

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nearrank-files-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

test('a file is made, with its directories, and replaced; nothing is left beside it', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'a', 'b', 'file.bin')
  for (const data of ['text é', Uint8Array.of(0, 255, 7), '', 'x'.repeat(1e6)]) {
    await writeFileAtomic(path, data)
    assert.deepEqual(await readFile(path), Buffer.from(data))
    assert.deepEqual(await readdir(join(directory, 'a', 'b')), ['file.bin'])
  }
})

test('parts of any length are written one behind the other', async (t) => {
  const path = join(await temporaryDirectory(t), 'file.bin')
  const piece = 2 ** 20
  for (const lengths of [
    [],
    [0],
    [3, 0, 1],
    [piece - 1, 1, 1, piece, 0, piece + 1, 5],
    [2 * piece + 3, 2, piece],
    Array.from({ length: 5000 }, (_, i) => i % 7),
  ]) {
    const parts = lengths.map((length, i) => Buffer.alloc(length, i + 1))
    await writeFileAtomic(path, parts)
    assert.ok((await readFile(path)).equals(Buffer.concat(parts)), lengths.slice(0, 9).join(', '))
  }
})

test('readers during replacements and writers that race always see one whole file', async (t) => {
  const path = join(await temporaryDirectory(t), 'file')
  await writeFileAtomic(path, contentOf(0))
  const writing = new AbortController()
  const write = async () => {
    for (let round = 0; round < 10; round++)
      await Promise.all([1, 2, 3].map((digit) => writeFileAtomic(path, contentOf(digit))))
    writing.abort()
  }
  const seen = new Set<string>()
  const read = async () => {
    while (!writing.signal.aborted) {
      const text = await readFile(path, 'utf8')
      assert.equal(text, contentOf(Number(text[0])))
      seen.add(text[0])
    }
  }
  await Promise.all([write(), read()])
  assert.ok(seen.size > 1, 'the reader met more than one version')
  assert.deepEqual(await readdir(join(path, '..')), ['file'])
})

test('a symbolic link is followed and stays', async (t) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'real'))
  await symlink(join('real', 'file'), join(directory, 'link'))
  for (const text of ['made', 'replaced']) {
    await writeFileAtomic(join(directory, 'link'), text)
    assert.equal(await readFile(join(directory, 'real', 'file'), 'utf8'), text)
  }
  assert.ok((await lstat(join(directory, 'link'))).isSymbolicLink())
})

test('a directory, a pipe, a path through a file and a link to itself are refused', async (t) => {
  const directory = await temporaryDirectory(t)
  const at = (name: string) => join(directory, name)
  await mkdir(at('folder'))
  await writeFile(at('file'), 'x')
  await symlink('loop', at('loop'))
  const cases: [path: string, code: string, message: RegExp][] = [
    [at('folder'), 'INPUT', /it must be a file, found a folder/],
    [join(at('file'), 'below'), 'DISK', /part of the path is not a folder.*ENOTDIR/],
    [at('loop'), 'DISK', /ELOOP/],
    [at('n'.repeat(201)), 'INPUT', /at most 200 bytes long, found 201/],
  ]
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [at('pipe')])
    cases.push([at('pipe'), 'INPUT', /found a device or pipe/])
  }
  if (process.platform === 'linux')
    cases.push([
      '/sys/nearrank-test',
      'DISK',
      /^Cannot write \/sys\/nearrank-test: (permission|the operation|the file system)/,
    ])
  for (const [path, code, message] of cases)
    await assert.rejects(writeFileAtomic(path, 'x'), { name: 'NearrankError', code, message }, path)
  const left = ['file', 'folder', 'loop', ...(process.platform === 'win32' ? [] : ['pipe'])]
  assert.deepEqual((await readdir(directory)).toSorted(), left)
  assert.equal(await readFile(at('file'), 'utf8'), 'x')
})

test('a write killed at any moment leaves the old bytes or the new ones (8 kills)', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'file')
  const script = `
    import { writeFileAtomic } from ${JSON.stringify(new URL('../src/files.ts', import.meta.url).href)}
    for (let i = 0; ; i++) {
      await writeFileAtomic(${JSON.stringify(path)}, String(i % 10).repeat(500_000))
      process.stdout.write('.')
    }`
  let interrupted = 0
  for (let kill = 0; kill < 8; kill++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.stdout.resume()
    await sleep(Math.random() * 30)
    child.kill('SIGKILL')
    await once(child, 'close')
    const text = await readFile(path, 'utf8')
    assert.equal(text, text[0].repeat(500_000))
    interrupted += (await readdir(directory)).length > 1 ? 1 : 0
  }
  assert.ok(interrupted > 0, 'no kill came in the middle of a write')
  await writeFileAtomic(path, 'x')
  assert.deepEqual(await readdir(directory), ['file'], 'the next write cleans up')
})

test('siblings belong to their target alone and to who made them', async (t) => {
  const directory = await temporaryDirectory(t)
  const target = join(directory, 'model')
  const mine = siblingPath(target, 'new')
  const ended = siblingPath(target, 'old').replace(`-${process.pid}-`, '-4194999-')
  const foreign = [
    '.model.new-',
    '.model.new-1-2-3',
    '.model.bak-00000000-1-00000000',
    'model.new-00000000-1-00000000',
  ]
  const others = [
    siblingPath(join(directory, 'model.new'), 'new'),
    siblingPath(join(directory, 'mode'), 'new'),
  ]
  for (const name of [...foreign, ...[mine, ended, ...others].map((path) => basename(path))])
    await writeFile(join(directory, name), '')
  assert.deepEqual((await listSiblings(target)).toSorted(), [mine, ended].toSorted())
  assert.deepEqual(await listSiblings(target, 'old'), [ended])
  assert.deepEqual(await staleSiblings(target), [ended])
  assert.deepEqual(await listSiblings(join(directory, 'none', 'model')), [])
})

test('system errors become sentences with a way out; others pass or keep their text', async () => {
  const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
  const error = diskError(full, 'write x')
  assert.equal(
    error.message,
    'Cannot write x: the disk is full; free some space or choose another path (ENOSPC)',
  )
  assert.deepEqual([error.code, error.cause], ['DISK', full])
  const own = new NearrankError('INPUT', 'mine')
  assert.equal(diskError(own, 'write x'), own)
  assert.equal(diskError(new Error('odd'), 'write x').message, 'Cannot write x: odd')
  assert.equal(diskError('thrown', 'write x').message, 'Cannot write x: thrown')
  const missing = await stat(fileURLToPath(new URL('none', import.meta.url))).catch(errnoOf)
  assert.equal(missing, 'ENOENT')
})

function contentOf(digit: number): string {
  return String(digit).repeat(300_000)
}
