import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NearrankError } from '../../src/errors.ts'
import { type FeatureSpec, type Side, TIME_PARTS } from '../../src/features/featureSpec.ts'
import { loadModelFiles, saveModel } from '../../src/model/modelDirectory.ts'
import { formatModelFile, type ModelDescription, parseModelFile } from '../../src/model/modelFile.ts'
import type { Network } from '../../src/model/network.ts'
import { encodeSafetensors } from '../../src/model/safetensors.ts'
import { featureModelContent, modelContent, randomWeights, temporaryDirectory } from './modelFixtures.ts'

const where = 'm/model.json'
const seal = { sha256: 'a'.repeat(64), bytes: 1 }
const seals = {
  weights: { file: 'weights.safetensors' as const, ...seal },
  onnx: { file: 'model.onnx' as const, ...seal },
}

const FEATURES: Record<Side, FeatureSpec[]> = {
  users: [
    { name: 'age', kind: 'number', missing: { value: 41.5, flag: true } },
    { name: 'city', kind: 'category', values: ['ไทย', '', '__proto__', 'a"b\\'], dim: 4 },
    {
      name: 'joined',
      kind: 'time',
      parts: ['days', 'hour'],
      dim: 4,
      missing: { value: 19_000, flag: false },
    },
  ],
  restaurants: [
    { name: 'tags', kind: 'categories', values: ['x', 'y'], dim: 8, maxValues: 3 },
    { name: 'menu', kind: 'text', buckets: 16, dim: 4, maxValues: 5 },
    { name: 'taste', kind: 'vector', length: 2, missing: { values: [1, 2], flag: true } },
  ],
}

function description(features = FEATURES): ModelDescription {
  return { formatVersion: 2, ...featureModelContent(features, 7), ...seals }
}

/** `value` as a model.json with the right checksum, so that a test reaches what stands behind it. */
function textOf(value: object): string {
  const checksum = createHash('sha256').update(JSON.stringify(value)).digest('hex')
  return JSON.stringify({ ...value, checksum })
}

/** The description with the value at `path` replaced, or its last key removed where `value` is undefined. */
function changed(path: string, value: unknown, whole: object = description()): object {
  const copy = structuredClone(whole) as Record<string, unknown>
  const keys = path.split('.')
  let at = copy
  const last = keys.pop() ?? ''
  for (const key of keys) at = at[key] as Record<string, unknown>
  if (value === undefined) delete at[last]
  else at[last] = value
  return copy
}

const dim = fc.integer({ min: 1, max: 8 }).map((four) => 4 * four)
const float = fc.integer({ min: -1000, max: 1000 }).map((eighths) => eighths / 8)
const missing = fc.record({ value: float, flag: fc.boolean() })
const values = fc.uniqueArray(fc.string(), { maxLength: 5 })
const maxValues = fc.integer({ min: 1, max: 6 })

/** Any fitted feature, but for its name. */
const fitted = fc.oneof(
  fc.record({ kind: fc.constant('number' as const) }),
  fc.record({ kind: fc.constant('number' as const), missing }),
  fc.record({ kind: fc.constant('category' as const), values, dim }),
  fc.record({ kind: fc.constant('categories' as const), values, dim, maxValues }),
  fc.record({ kind: fc.constant('text' as const), buckets: fc.integer({ min: 1, max: 99 }), dim, maxValues }),
  fc.integer({ min: 1, max: 5 }).chain((length) =>
    fc.record({
      kind: fc.constant('vector' as const),
      length: fc.constant(length),
      missing: fc.record({
        values: fc.array(float, { minLength: length, maxLength: length }),
        flag: fc.boolean(),
      }),
    }),
  ),
  fc.record({
    kind: fc.constant('time' as const),
    parts: fc.shuffledSubarray([...TIME_PARTS], { minLength: 1 }),
    dim,
    missing,
  }),
)

const side = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 5 }), fitted), {
    selector: ([name]) => name,
    minLength: 1,
    maxLength: 4,
  })
  .map((named) => named.map(([name, feature]): FeatureSpec => ({ name, ...feature })))

test('any features come back as they are, in format 2', () => {
  fc.assert(
    fc.property(fc.record({ users: side, restaurants: side }), (features) => {
      const whole = description(features)
      const text = formatModelFile(whole)
      assert.deepEqual(parseModelFile(text, { where }), JSON.parse(JSON.stringify(whole)))
      assert.equal(formatModelFile(parseModelFile(text, { where })), text)
    }),
    { numRuns: 200 },
  )
})

test('any change of the text gives the same description or a NearrankError', () => {
  const text = formatModelFile(description())
  fc.assert(
    fc.property(
      fc.nat({ max: text.length - 1 }),
      fc.nat({ max: 3 }),
      fc.constantFrom('', '"', '{', '}', '0', '9', ' ', ',', 'x', '\n', '[', '-'),
      (at, removed, inserted) => {
        const other = text.slice(0, at) + inserted + text.slice(at + removed)
        try {
          assert.deepEqual(parseModelFile(other, { where }), description())
        } catch (error) {
          assert.ok(error instanceof NearrankError, String(error))
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('what contradicts the features is refused, with a right checksum too', () => {
  const inputs = /the inputs of the network must be those of the features/
  const cases: [path: string, value: unknown, message: RegExp][] = [
    ['formatVersion', 1, /features must be listed in format 2, and only there/],
    ['features', undefined, /features must be listed in format 2, and only there/],
    [
      'features.users.0.name',
      'height',
      /columns\.userFeatures must name the features of users in their order/,
    ],
    ['columns.userFeatures', ['city', 'age', 'joined'], /must name the features of users in their order/],
    ['columns.userFeatures', ['age', 'age', 'joined'], /columns\.userFeatures names a feature twice/],
    ['columns.restaurantFeatures', ['tags', 'menu'], /must name the features of restaurants in their order/],
    ['network.userFeatures', 2, inputs], // age and its flag, days
    ['network.restaurantFeatures', 2, inputs],
    ['network.embeddings', undefined, inputs],
    ['network.embeddings', [], /network\.embeddings must not have fewer than 1/],
    ['network.embeddings.0.name', 'user.town', inputs],
    ['network.embeddings.0.side', 'restaurants', inputs],
    ['network.embeddings.0.codes', 7, inputs],
    ['network.embeddings.0.codes', 1, /network\.embeddings\.0\.codes must be >= 2/],
    ['network.embeddings.0.dim', 8, inputs],
    ['network.embeddings.0.dim', 6, /network\.embeddings\.0\.dim must be multiple of 4/],
    ['network.embeddings.2.slots', 4, inputs],
    ['features.users.1.values', ['a', 'b', 'c'], inputs],
    [
      'features.users.1.values',
      ['a', 3],
      /features\.users\.1\.values must be an array of at most \d+ texts, found \["a",3\]/,
    ],
    ['features.users.1.dim', 8, inputs],
    ['features.users.2.parts', ['days'], inputs],
    ['features.users.2.parts', ['hour'], inputs],
    ['features.users.0.missing', undefined, inputs],
    ['features.restaurants.0.maxValues', 4, inputs],
    ['features.restaurants.1.buckets', 17, inputs],
    [
      'features.restaurants.2.length',
      3,
      /features\.restaurants: feature taste must have 3 numbers .*, found 2/,
    ],
    ['features.restaurants.2.missing.values', [1], /feature taste must have 2 numbers .*, found 1/],
    ['features.restaurants.2.missing.values.1', 1e39, /taste must have a 32-bit float .*, found 1e\+39/],
    ['features.users.0.missing.value', -4e38, /feature age must have a 32-bit float .*, found -4e\+38/],
    ['features.restaurants.0.values', ['x', 'x'], /features\.restaurants: feature tags has a value twice/],
  ]
  for (const [path, value, message] of cases)
    assert.throws(
      () => parseModelFile(textOf(changed(path, value)), { where }),
      { name: 'NearrankError', code: 'DAMAGED', message },
      `${path} = ${JSON.stringify(value)}`,
    )
  for (const path of ['features.users.0.kind', 'features.users.1.colour', 'features.users.2.parts.0'])
    assert.throws(() => parseModelFile(textOf(changed(path, 'other')), { where }), { code: 'DAMAGED' }, path)
})

test('embeddings in another order than the features are another network', () => {
  const { network } = description()
  const swapped = changed('network.embeddings', network.embeddings!.toReversed())
  assert.throws(() => parseModelFile(textOf(swapped), { where }), /inputs of the network/)
})

test('a file of version 1 is read as before, and can have neither features nor embeddings', () => {
  const network: Network = { userFeatures: 2, restaurantFeatures: 1, hidden: [4], activations: ['relu'] }
  const first: ModelDescription = { formatVersion: 1, ...modelContent(network, 1), ...seals }
  const text = formatModelFile(first)
  assert.doesNotMatch(text, /features"|embeddings/)
  assert.deepEqual(parseModelFile(text, { where }), first)
  const tables = [{ name: 'user.f0', side: 'users', codes: 3, dim: 4, slots: 1 }]
  const cases: [object, RegExp][] = [
    [changed('network.embeddings', tables, first), /inputs of the network/],
    [changed('formatVersion', 2, first), /features must be listed in format 2/],
  ]
  for (const [wrong, message] of cases)
    assert.throws(() => parseModelFile(textOf(wrong), { where }), { code: 'DAMAGED', message })
})

test('a saved model with features comes back; an embedding that is missing or of another shape is refused', async (t) => {
  const directory = join(await temporaryDirectory(t), 'model')
  const content = featureModelContent(FEATURES, 1)
  const weights = randomWeights(content.network, 1)
  await saveModel(directory, { description: content, weights, report: '' })
  const loaded = await loadModelFiles(directory)
  assert.deepEqual(loaded.weights, weights)
  assert.equal(loaded.description.formatVersion, 2)
  assert.deepEqual(loaded.description.features, FEATURES)

  const name = 'embedding.user.city.weight'
  const { shape, data } = weights.get(name)!
  assert.deepEqual(shape, [6, 4])
  const cases: [change: (tensors: typeof weights) => unknown, message: RegExp][] = [
    [(tensors) => tensors.delete(name), /tensor embedding\.user\.city\.weight is missing/],
    [
      (tensors) => tensors.set(name, { shape: [5, 4], data: data.slice(4) }),
      /embedding\.user\.city\.weight must have shape \[6, 4\], found \[5, 4\]/,
    ],
    [
      (tensors) => tensors.set(name, { shape: [4, 6], data }),
      /embedding\.user\.city\.weight must have shape \[6, 4\], found \[4, 6\]/,
    ],
    [
      (tensors) => tensors.set(name, { shape, data: data.map((x, i) => (i === 9 ? Number.NaN : x)) }),
      /embedding\.user\.city\.weight must be finite, element 9 is NaN/,
    ],
    [
      (tensors) => tensors.set('embedding.user.town.weight', { shape, data }),
      /embedding\.user\.town\.weight does not belong to this network/,
    ],
  ]
  for (const [change, message] of cases) {
    const tensors = new Map(weights)
    change(tensors)
    await assert.rejects(saveModel(directory, { description: content, weights: tensors, report: '' }), {
      code: 'INTERNAL',
      message,
    })
    // The same in a file that fits its checksum.
    const bytes = encodeSafetensors(tensors)
    await writeFile(join(directory, 'weights.safetensors'), bytes)
    const { checksum: _, ...told } = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8'))
    told.weights.sha256 = createHash('sha256').update(bytes).digest('hex')
    told.weights.bytes = bytes.length
    await writeFile(join(directory, 'model.json'), textOf(told))
    await assert.rejects(loadModelFiles(directory), { code: 'DAMAGED', message })
  }
})

test('thousands of features with long names come back too', async (t) => {
  const directory = join(await temporaryDirectory(t), 'model')
  const many = Array.from({ length: 2000 }, (_, i): FeatureSpec => {
    return { name: `${'ชื่อ'.repeat(150)} ${i}`, kind: 'category', values: [], dim: 4 }
  })
  const content = featureModelContent({ users: many, restaurants: FEATURES.restaurants }, 1)
  const weights = randomWeights(content.network, 1)
  await saveModel(directory, { description: content, weights, report: '' })
  assert.equal((await loadModelFiles(directory)).weights.size, weights.size)
})
