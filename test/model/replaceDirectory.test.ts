import assert from 'node:assert/strict'
import type { Stats } from 'node:fs'
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { type SiblingKind, siblingPath } from '../../src/files.ts'
import { loadModelFiles, recoverModelDirectory } from '../../src/model/modelDirectory.ts'
import { isError } from '../dataset/fixture.ts'
import { randomWeights, SMALL_NETWORK, saveSeed, seedOf, temporaryDirectory } from './modelFixtures.ts'

test('a symbolic link stays one: the model lands where it points, and is put back there', async (t) => {
  const parent = await temporaryDirectory(t)
  const real = join(parent, 'disk', 'real')
  await symlink(join('disk', 'real'), join(parent, 'link'))
  await saveSeed(join(parent, 'link'), 3) // the link leads to nothing yet
  await saveSeed(join(parent, 'link'), 4)
  assert.equal(await seedOf(real), 4)
  await rename(real, siblingPath(real, 'old'))
  assert.equal(await seedOf(join(parent, 'link')), 4)
  assert.ok((await lstat(join(parent, 'link'))).isSymbolicLink())
  assert.deepEqual(await readdir(join(parent, 'disk')), ['real'])
})

test('a model moved aside by a killed save is put back by loading, saving or recovery; the latest of several', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'model')
  for (const use of [
    async () => assert.equal(await seedOf(directory), 2),
    async () => recoverModelDirectory(directory),
    async () => saveSeed(directory, 2),
  ]) {
    for (const seed of [1, 2]) {
      await saveSeed(directory, seed)
      await rename(directory, siblingPath(directory, 'old'))
      await new Promise((resolve) => setTimeout(resolve, 20)) // the clock of file times ticks every few ms
    }
    await use()
    assert.equal(await seedOf(directory), 2)
    await rm(parent, { recursive: true })
    await mkdir(parent)
  }
})

test('recovery touches nothing where a model stands', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'model')
  await saveSeed(directory, 1)
  await rename(directory, siblingPath(directory, 'old'))
  await mkdir(directory)
  await writeFile(join(directory, 'mine.txt'), 'mine')
  await recoverModelDirectory(directory)
  assert.deepEqual(await readdir(directory), ['mine.txt'])
})

test('leftovers of processes that have ended, or a day old, are removed by the next save; others stay', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'model')
  await saveSeed(directory, 1)
  const alive = (kind: SiblingKind) => siblingPath(directory, kind)
  const ended = (kind: SiblingKind) => alive(kind).replace(`-${process.pid}-`, '-4194999-') // above Linux' highest id
  const elsewhere = (kind: SiblingKind) => alive(kind).replace(/-[0-9a-f]{8}-\d+-/, '-00000000-4194999-')
  const staying = [alive('new'), alive('old'), elsewhere('new'), elsewhere('del')]
  const going = [ended('new'), ended('old'), ended('del')]
  const dayOld = elsewhere('new')
  for (const path of [...staying, ...going, dayOld]) {
    await mkdir(path)
    await writeFile(join(path, 'model.onnx'), '')
  }
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000)
  await utimes(dayOld, yesterday, yesterday)
  await mkdir(join(parent, '.model.new-not-ours'))
  await saveSeed(directory, 2)
  const names = [...staying, directory].map((path) => basename(path))
  assert.deepEqual((await readdir(parent)).toSorted(), ['.model.new-not-ours', ...names].toSorted())
  assert.equal(await seedOf(directory), 2)
})

test('saves that race leave one of their models, whole, and nothing else', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'model')
  for (let round = 0; round < 10; round++) {
    await Promise.all([1, 2, 3, 4].map((seed) => saveSeed(directory, seed)))
    assert.ok([1, 2, 3, 4].includes(await seedOf(directory)))
    assert.deepEqual(await readdir(parent), ['model'])
  }
})

test('loads during saves always give a whole model', async (t) => {
  const directory = join(await temporaryDirectory(t), 'model')
  await saveSeed(directory, 0)
  const seen = new Set<number>()
  const saving = new AbortController()
  const load = async () => {
    while (!saving.signal.aborted) {
      const { description, weights } = await loadModelFiles(directory)
      const { seed } = description.settings as { seed: number }
      assert.deepEqual(weights, randomWeights(SMALL_NETWORK, seed))
      seen.add(seed)
    }
  }
  const saveAll = async () => {
    for (let seed = 1; seed <= 60; seed++) await saveSeed(directory, seed)
    saving.abort()
  }
  await Promise.all([saveAll(), load(), load()])
  assert.ok(seen.size > 5, `the loads met ${seen.size} models`)
})

test('a disk that fails last, at making the names durable, leaves the earlier model, or none, and nothing else', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'model')
  const probe = await open(parent)
  const handles = Object.getPrototypeOf(probe) as { sync: () => Promise<void>; stat: () => Promise<Stats> }
  await probe.close()
  const { sync } = handles
  const { ino } = await stat(parent)
  let isFailing = true
  t.after(() => (handles.sync = sync))
  handles.sync = async function (this: FileHandle) {
    if (isFailing && (await this.stat()).ino === ino) {
      isFailing = false
      throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'fsync' })
    }
    return sync.call(this)
  }
  const saving = () => saveSeed(directory, 2)
  await assert.rejects(saving, isError('DISK', /Cannot save the model/))
  assert.deepEqual(await readdir(parent), [])
  await saveSeed(directory, 1)
  isFailing = true
  await assert.rejects(saving, isError('DISK', /Cannot save the model/))
  assert.equal(await seedOf(directory), 1)
  assert.deepEqual(await readdir(parent), ['model'])
})
