import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { siblingPath } from '../../src/files.ts'
import { saveModel } from '../../src/model/modelDirectory.ts'
import { checkOutDirectory } from '../../src/model/outDirectory.ts'
import { modelContent, randomWeights, SMALL_NETWORK, temporaryDirectory } from './modelFixtures.ts'

const model = {
  description: modelContent(SMALL_NETWORK, 1),
  weights: randomWeights(SMALL_NETWORK, 1),
  report: '',
}

test('nothing, an empty directory, a model, one with litter and one with half a report may be replaced', async (t) => {
  const parent = await temporaryDirectory(t)
  await mkdir(join(parent, 'empty'))
  await saveModel(join(parent, 'model'), model)
  await saveModel(join(parent, 'littered'), model)
  await writeFile(join(parent, 'littered', '.DS_Store'), '')
  await saveModel(join(parent, 'killed'), model)
  for (const report of ['report.md', 'report.html'])
    await writeFile(siblingPath(join(parent, 'killed', report), 'new'), 'half a rep')
  for (const name of ['none', join('no', 'parent', 'either'), 'empty', 'model', 'littered', 'killed']) {
    await checkOutDirectory(join(parent, name))
    await saveModel(join(parent, name), model)
  }
  assert.deepEqual((await readdir(parent)).toSorted(), ['empty', 'killed', 'littered', 'model', 'no', 'none'])
})

test('checking makes nothing', async (t) => {
  const parent = await temporaryDirectory(t)
  await checkOutDirectory(join(parent, 'a', 'b'))
  assert.deepEqual(await readdir(parent), [])
})

test('anything else is refused by check and save alike, and stays as it is', async (t) => {
  const parent = await temporaryDirectory(t)
  const at = (name: string) => join(parent, name)
  for (const name of ['other', 'foreign', 'extra', 'damaged', 'partial']) await mkdir(at(name))
  await writeFile(at('file'), 'x')
  await writeFile(join(at('other'), 'notes.txt'), 'x')
  await writeFile(join(at('foreign'), 'model.json'), '{"createdBy":{"name":"another"},"formatVersion":1}')
  await writeFile(join(at('damaged'), 'model.json'), '{"createdBy":{"name":"nearrank"')
  await writeFile(join(at('partial'), 'model.onnx'), 'x')
  await saveModel(at('model'), model)
  for (const name of await readdir(at('model')))
    await writeFile(join(at('extra'), name), await readFile(join(at('model'), name)))
  await writeFile(join(at('extra'), 'thesis.tex'), 'x')

  const cases: [path: string, message: RegExp][] = [
    [at('file'), /it must be a folder, found a file/],
    [join(at('file'), 'model'), /file is not a folder/],
    [at('other'), /it holds notes\.txt, which is not part of a Nearrank model/],
    [at('foreign'), /but no model\.json of Nearrank's/],
    [at('damaged'), /but no model\.json of Nearrank's/],
    [at('partial'), /it holds model\.onnx, but no model\.json/],
    [at('extra'), /it holds thesis\.tex, which is not part of a Nearrank model/],
    [at('x'.repeat(250)), /at most 200 bytes long, found 250/],
    ['/', /root of a file system/],
  ]
  const before = await contentsOf(parent)
  for (const [path, message] of cases) {
    const expected = { name: 'NearrankError', code: 'INPUT', message }
    await assert.rejects(checkOutDirectory(path), expected, path)
    await assert.rejects(saveModel(path, model), expected, path)
  }
  assert.deepEqual(await contentsOf(parent), before)
})

test('a mount point is refused before anything is written', {
  skip: process.platform !== 'linux' && 'needs /dev/shm',
}, async () => {
  await assert.rejects(checkOutDirectory('/dev/shm'), { code: 'INPUT', message: /mount point/ })
})

/** Every path below `directory`, files with their bytes. */
async function contentsOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name)
    return `${path} ${entry.isFile() ? (await readFile(path)).toString('base64') : dirname(path)}`
  })
  return (await Promise.all(lines)).toSorted()
}
