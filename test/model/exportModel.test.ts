import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { exportModel } from '../../src/model/exportModel.ts'
import { saveModel } from '../../src/model/modelDirectory.ts'
import { modelContent, randomWeights, SMALL_NETWORK, temporaryDirectory } from './modelFixtures.ts'

const FILES = { onnx: 'model.onnx', safetensors: 'weights.safetensors' } as const

async function savedModel(parent: string): Promise<string> {
  const directory = join(parent, 'model')
  await saveModel(directory, {
    description: modelContent(SMALL_NETWORK, 1),
    weights: randomWeights(SMALL_NETWORK, 1),
    report: '',
  })
  return directory
}

for (const format of ['onnx', 'safetensors'] as const)
  test(`${format}: the bytes that saving wrote, even where they were lost or another model is in the way`, async (t) => {
    const parent = await temporaryDirectory(t)
    const directory = await savedModel(parent)
    const own = join(directory, FILES[format])
    const expected = await readFile(own)
    if (format === 'onnx') await rm(own)
    const out = join(parent, 'new', `x.${format}`)
    for (const _ of ['made', 'replaced']) {
      assert.deepEqual(await exportModel(directory, { format, out }), { path: out, bytes: expected.length })
      assert.deepEqual(await readFile(out), expected)
      await writeFile(out, expected.with(expected.length - 1, expected[expected.length - 1] ^ 1)) // of another model
    }
    await writeFile(out, 'something else')
    await assert.rejects(exportModel(directory, { format, out }), {
      code: 'INPUT',
      message: /another file is there, which would be lost/,
    })
    await exportModel(directory, { format, out: own })
    assert.deepEqual(await readFile(own), expected)
    assert.deepEqual(await readdir(join(parent, 'new')), [`x.${format}`])
  })

test('what cannot be exported is refused and nothing is written', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = await savedModel(parent)
  await mkdir(join(parent, 'folder'))
  const out = join(parent, 'x.onnx')
  const format = 'onnx'
  const cases: [
    directory: string,
    options: { format: 'onnx'; out: string },
    code: string,
    message: RegExp,
  ][] = [
    [directory, { format: 'pickle' as 'onnx', out }, 'USAGE', /one of onnx, safetensors, found "pickle"/],
    [directory, { format, out: join(directory, 'weights.safetensors') }, 'INPUT', /the model's own files/],
    [directory, { format, out: join(directory, 'copy.onnx') }, 'INPUT', /the model's own files/],
    [directory, { format, out: join(parent, 'folder') }, 'INPUT', /found a folder/],
    [join(parent, 'folder'), { format, out }, 'INPUT', /no such file/],
  ]
  for (const [from, options, code, message] of cases)
    await assert.rejects(exportModel(from, options), { name: 'NearrankError', code, message })
  await writeFile(join(directory, 'weights.safetensors'), 'x')
  await assert.rejects(exportModel(directory, { format, out }), { code: 'DAMAGED' })
  assert.deepEqual((await readdir(parent)).toSorted(), ['folder', 'model'])
  assert.equal((await readdir(directory)).length, 4)
})
