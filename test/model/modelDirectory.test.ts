import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadModelFiles, saveModel } from '../../src/model/modelDirectory.ts'
import { encodeSafetensors } from '../../src/model/safetensors.ts'
import {
  modelContent,
  randomWeights,
  SMALL_NETWORK,
  saveSeed,
  seedOf,
  temporaryDirectory,
} from './modelFixtures.ts'

test('a saved model comes back, in exactly five files', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'deep', 'er', 'model')
  await saveSeed(directory, 1)
  assert.equal(await seedOf(directory), 1)
  const { description } = await loadModelFiles(directory)
  const { weights, onnx, formatVersion, ...content } = description
  assert.deepEqual(content, modelContent(SMALL_NETWORK, 1))
  assert.equal(formatVersion, 1)
  for (const { file, bytes, sha256 } of [weights, onnx]) {
    const data = await readFile(join(directory, file))
    assert.equal(data.length, bytes)
    assert.equal(createHash('sha256').update(data).digest('hex'), sha256)
  }
  assert.deepEqual((await readdir(directory)).toSorted(), [
    'model.json',
    'model.onnx',
    'report.html',
    'report.md',
    'weights.safetensors',
  ])
})

test('an earlier model is replaced whole and nothing is left beside it', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'model')
  await saveSeed(directory, 1)
  await saveSeed(directory, 2, { userFeatures: 2, restaurantFeatures: 1, hidden: [], activations: [] })
  assert.equal(await seedOf(directory), 2)
  assert.deepEqual(await readdir(parent), ['model'])
})

test('the same model gives the same bytes in every file', async (t) => {
  const parent = await temporaryDirectory(t)
  await saveSeed(join(parent, 'a'), 1)
  await saveSeed(join(parent, 'b'), 1)
  for (const name of await readdir(join(parent, 'a')))
    assert.deepEqual(await readFile(join(parent, 'a', name)), await readFile(join(parent, 'b', name)), name)
})

test('weights that are not the network’s, or not finite, are not saved and the earlier model stays', async (t) => {
  const directory = join(await temporaryDirectory(t), 'model')
  await saveSeed(directory, 1)
  const weights = randomWeights(SMALL_NETWORK, 2)
  weights.get('model.1.bias')!.data[1] = Number.NaN
  const model = { description: modelContent(SMALL_NETWORK, 2), report: '' }
  await assert.rejects(saveModel(directory, { ...model, weights }), {
    code: 'INTERNAL',
    message: /tensor model\.1\.bias must be finite, element 1 is NaN/,
  })
  weights.delete('model.1.bias')
  await assert.rejects(saveModel(directory, { ...model, weights }), { message: /model\.1\.bias is missing/ })
  assert.equal(await seedOf(directory), 1)
})

test('each damage is found and named', async (t) => {
  const parent = await temporaryDirectory(t)
  const good = join(parent, 'good')
  await saveSeed(good, 1)
  const json = await readFile(join(good, 'model.json'), 'utf8')
  const weights = await readFile(join(good, 'weights.safetensors'))
  const flipped = Uint8Array.from(weights)
  flipped[weights.length - 1] ^= 1
  const otherWeights = encodeSafetensors(randomWeights(SMALL_NETWORK, 2), { format: 'pt' })

  const cases: [
    name: string,
    harm: (directory: string) => Promise<unknown>,
    code: string,
    message: RegExp,
  ][] = [
    ['no model.json', (d) => rm(join(d, 'model.json')), 'INPUT', /model\.json: there is no such file/],
    ['no weights', (d) => rm(join(d, 'weights.safetensors')), 'INPUT', /safetensors: there is no such file/],
    ['cut model.json', (d) => truncate(join(d, 'model.json'), 100), 'DAMAGED', /not valid JSON/],
    ['empty model.json', (d) => truncate(join(d, 'model.json'), 0), 'DAMAGED', /not valid JSON/],
    ['not UTF-8', (d) => writeFile(join(d, 'model.json'), Buffer.of(0x22, 0xff, 0x22)), 'DAMAGED', /UTF-8/],
    [
      'newer format',
      (d) => writeFile(join(d, 'model.json'), json.replace('"formatVersion": 1', '"formatVersion": 9')),
      'INPUT',
      /found 9.*upgrade/,
    ],
    [
      'one digit of the description',
      (d) => writeFile(join(d, 'model.json'), json.replace('"rows": 10', '"rows": 11')),
      'DAMAGED',
      /does not match its checksum/,
    ],
    [
      'one bit',
      (d) => writeFile(join(d, 'weights.safetensors'), flipped),
      'DAMAGED',
      /checksum in model\.json/,
    ],
    ['cut weights', (d) => truncate(join(d, 'weights.safetensors'), 50), 'DAMAGED', /\(50 bytes\)/],
    [
      'other weights',
      (d) => writeFile(join(d, 'weights.safetensors'), otherWeights),
      'DAMAGED',
      /checksum in/,
    ],
    [
      'huge weights',
      (d) => truncate(join(d, 'weights.safetensors'), 2 ** 40),
      'DAMAGED',
      /at most \d+ bytes/,
    ],
    [
      'weights a directory',
      async (d) => {
        await rm(join(d, 'weights.safetensors'))
        await mkdir(join(d, 'weights.safetensors'))
      },
      'INPUT',
      /it must be a file/,
    ],
  ]
  for (const [name, harm, code, message] of cases) {
    const directory = join(parent, name)
    await saveSeed(directory, 1)
    await harm(directory)
    await assert.rejects(loadModelFiles(directory), { name: 'NearrankError', code, message }, name)
  }
})

test('weights that fit their checksum but not their network are refused', async (t) => {
  const directory = join(await temporaryDirectory(t), 'model')
  await saveSeed(directory, 1)
  for (const [change, message] of [
    [(tensors) => tensors.delete('model.3.bias'), /tensor model\.3\.bias is missing/],
    [
      (tensors) => tensors.set('model.9.bias', tensors.get('model.3.bias')!),
      /model\.9\.bias does not belong to this/,
    ],
    [(tensors) => tensors.get('model.3.bias')!.data.fill(Infinity), /model\.3\.bias must be finite/],
    [(tensors) => tensors.get('model.0.weight')!.shape.push(1), /model\.0\.weight must have shape \[4, 5\]/],
  ] satisfies [change: (tensors: ReturnType<typeof randomWeights>) => unknown, message: RegExp][]) {
    const tensors = randomWeights(SMALL_NETWORK, 1)
    change(tensors)
    const bytes = encodeSafetensors(tensors)
    await writeFile(join(directory, 'weights.safetensors'), bytes)
    const { checksum: _, ...description } = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8'))
    description.weights.sha256 = createHash('sha256').update(bytes).digest('hex')
    description.weights.bytes = bytes.length
    const checksum = createHash('sha256').update(JSON.stringify(description)).digest('hex')
    await writeFile(join(directory, 'model.json'), JSON.stringify({ ...description, checksum }))
    await assert.rejects(loadModelFiles(directory), { code: 'DAMAGED', message })
  }
})

test('what is no directory says so', async (t) => {
  const parent = await temporaryDirectory(t)
  await writeFile(join(parent, 'file'), '')
  await assert.rejects(loadModelFiles(join(parent, 'none')), {
    code: 'INPUT',
    message: /found nothing there/,
  })
  await assert.rejects(loadModelFiles(join(parent, 'file')), { code: 'INPUT', message: /found a file/ })
  await assert.rejects(loadModelFiles(join(parent, 'file', 'x')), {
    code: 'INPUT',
    message: /found nothing there/,
  })
  await assert.rejects(loadModelFiles(parent), {
    code: 'INPUT',
    message: /model\.json: there is no such file/,
  })
  assert.deepEqual(await readdir(parent), ['file'])
})
