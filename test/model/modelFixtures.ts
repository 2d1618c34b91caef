import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type FeatureSpec, namesOf, type Side } from '../../src/features/featureSpec.ts'
import { loadModelFiles, saveModel } from '../../src/model/modelDirectory.ts'
import type { ModelContent } from '../../src/model/modelFile.ts'
import { inputsOf, linearLayers, type Network, type StateDict } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'

/** A new directory that is removed after the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nearrank-model-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export const SMALL_NETWORK: Network = {
  userFeatures: 3,
  restaurantFeatures: 2,
  hidden: [4, 3],
  activations: ['none', 'relu'],
}

/** Weights uniform in ±1/√inputs, as training starts with; embeddings in ±1. */
export function randomWeights(network: Network, seed: number): StateDict {
  const random = new Random(seed)
  const weights: StateDict = new Map()
  for (const { name, codes, dim } of network.embeddings ?? []) {
    const data = Float32Array.from({ length: codes * dim }, () => 2 * random.float() - 1)
    weights.set(`embedding.${name}.weight`, { shape: [codes, dim], data })
  }
  for (const { name, inputs, outputs } of linearLayers(network)) {
    const bound = 1 / Math.sqrt(inputs)
    const draw = () => (2 * random.float() - 1) * bound
    weights.set(`${name}.weight`, {
      shape: [outputs, inputs],
      data: Float32Array.from({ length: outputs * inputs }, draw),
    })
    weights.set(`${name}.bias`, { shape: [outputs], data: Float32Array.from({ length: outputs }, draw) })
  }
  return weights
}

/** A description of a model of `network`; `seed` stands in its settings. */
export function modelContent(network: Network, seed: number): ModelContent {
  return {
    createdBy: { name: 'nearrank', version: '0.1.0' },
    columns: {
      userId: 'user_id',
      restaurantId: 'restaurant_id',
      click: 'click',
      latitude: 'latitude',
      longitude: 'longitude',
      userFeatures: names(network.userFeatures),
      restaurantFeatures: names(network.restaurantFeatures),
    },
    network,
    preset: 'default',
    settings: { seed, learningRate: 1e-8 },
    simd: 'strict',
    dataFingerprint: 'abc123',
    metrics: null,
    epochs: [{ epoch: 1, rows: 10, loss: 0.5 }],
    ledger: [{ epoch: 1, rows: 10, files: [{ file: 'train_00.parquet', rows: 10 }] }],
    constraints: [],
    training: { seconds: 1.5, threads: 2 },
  }
}

/** The same of a model with such features, with two layers behind them. */
export function featureModelContent(features: Record<Side, FeatureSpec[]>, seed: number): ModelContent {
  const network: Network = { ...inputsOf(features), hidden: [4, 3], activations: ['none', 'relu'] }
  const content = modelContent(network, seed)
  const columns = {
    ...content.columns,
    userFeatures: namesOf(features.users),
    restaurantFeatures: namesOf(features.restaurants),
  }
  return { ...content, columns, features }
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `f${i}`)
}

/** Saves a model whose weights, settings and report tell its seed. */
export function saveSeed(directory: string, seed: number, network: Network = SMALL_NETWORK): Promise<void> {
  return saveModel(directory, {
    description: modelContent(network, seed),
    weights: randomWeights(network, seed),
    report: `# Model ${seed}\n`,
    page: `<h1>Model ${seed}</h1>\n`,
  })
}

/** The seed of the model in `directory`, after proving that all five files are of the same one. */
export async function seedOf(directory: string): Promise<number> {
  const { description, weights } = await loadModelFiles(directory)
  const { seed } = description.settings as { seed: number }
  assert.deepEqual(weights, randomWeights(description.network, seed))
  assert.equal(await readFile(join(directory, 'report.md'), 'utf8'), `# Model ${seed}\n`)
  assert.equal(await readFile(join(directory, 'report.html'), 'utf8'), `<h1>Model ${seed}</h1>\n`)
  const onnx = createHash('sha256').update(await readFile(join(directory, 'model.onnx')))
  assert.equal(onnx.digest('hex'), description.onnx.sha256)
  return seed
}

/** Saves a model like the one in `like`, whose scores are no finite numbers. */
export async function saveOverflowingModel(directory: string, like: string): Promise<void> {
  const { description } = await loadModelFiles(like)
  const { network, columns } = description
  const weights = randomWeights(network, 1)
  for (const { data } of weights.values()) data.fill(3e38)
  const content = { ...modelContent(network, 1), columns }
  await saveModel(directory, { description: content, weights, report: '# Report\n' })
}
