import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import * as ort from 'onnxruntime-web/wasm'
import { RowEncoder, wordsOf } from '../../src/features/encodeRow.ts'
import { type FeatureSpec, type Side, SIDES } from '../../src/features/featureSpec.ts'
import { rowShape, widthOf } from '../../src/features/rowShape.ts'
import type { RawValue } from '../../src/features/values.ts'
import { loadModelFiles } from '../../src/model/modelDirectory.ts'
import { naiveInputs, naiveLogits } from '../../src/model/naiveForward.ts'
import { inputsOf, type Network, type StateDict } from '../../src/model/network.ts'
import { encodeOnnx } from '../../src/model/onnx.ts'
import { Random } from '../../src/random.ts'
import { Ranker } from '../../src/ranking/ranker.ts'
import { recommend } from '../../src/ranking/recommend.ts'
import { openTables } from '../../src/dataset/tables/openTables.ts'
import { type FeatureTable, readFeaturesInto, readIds } from '../../src/dataset/tables/readTables.ts'
import { CrewLead } from '../../src/training/crew/crewLead.ts'
import { train } from '../../src/training/train.ts'
import { randomWeights } from '../model/modelFixtures.ts'
import { featureData } from '../training/featureData.ts'

ort.env.wasm.numThreads = 1

const AGE: FeatureSpec = { name: 'age', kind: 'number', missing: { value: 3, flag: true } }
const PRICE: FeatureSpec = { name: 'price', kind: 'number' }
const TASTE: FeatureSpec = {
  name: 'taste',
  kind: 'vector',
  length: 3,
  missing: { values: [1, 2, 3], flag: true },
}
const CITY: FeatureSpec = { name: 'city', kind: 'category', values: ['a', 'b', 'c'], dim: 4 }
const CUISINE: FeatureSpec = { name: 'cuisine', kind: 'category', values: ['x', 'y'], dim: 8 }
const LIKES: FeatureSpec = {
  name: 'likes',
  kind: 'categories',
  values: ['a', 'b', 'c'],
  dim: 8,
  maxValues: 4,
}
const TAGS: FeatureSpec = { name: 'tags', kind: 'categories', values: ['x', 'y'], dim: 4, maxValues: 2 }
const FIRST: FeatureSpec = { name: 'first', kind: 'categories', values: ['x', 'y'], dim: 4, maxValues: 1 }
const MENU: FeatureSpec = { name: 'menu', kind: 'text', buckets: 7, dim: 4, maxValues: 3 }
const JOINED: FeatureSpec = {
  name: 'joined',
  kind: 'time',
  parts: ['days', 'hour', 'weekday', 'month'],
  dim: 4,
  missing: { value: 20, flag: true },
}
const OPENED: FeatureSpec = {
  name: 'opened',
  kind: 'time',
  parts: ['month'],
  dim: 4,
  missing: { value: 0, flag: false },
}

const ID: FeatureSpec = { ...CITY, name: 'id', id: true }
const PLACE_ID: FeatureSpec = { ...CUISINE, name: 'id', id: true }

type Features = Record<Side, FeatureSpec[]>

const CASES: Record<string, Features & Pick<Network, 'hidden' | 'activations'>> = {
  'every kind, two layers': {
    users: [LIKES, AGE, CITY, JOINED],
    restaurants: [CUISINE, TASTE, MENU, PRICE, FIRST],
    hidden: [16, 9],
    activations: ['none', 'relu'],
  },
  'no numbers at all': {
    users: [CITY, LIKES],
    restaurants: [OPENED, TAGS],
    hidden: [7],
    activations: ['relu'],
  },
  'embeddings of users alone, three layers': {
    users: [LIKES],
    restaurants: [PRICE, TASTE],
    hidden: [9, 8, 5],
    activations: ['relu', 'none', 'relu'],
  },
  'embeddings of restaurants alone, no hidden layer': {
    users: [AGE],
    restaurants: [TAGS, CUISINE],
    hidden: [],
    activations: [],
  },
  'ids, two layers': {
    users: [LIKES, ID, AGE],
    restaurants: [PLACE_ID, TASTE],
    hidden: [16, 9],
    activations: ['none', 'relu'],
  },
  'ids, four layers': {
    users: [ID],
    restaurants: [PRICE],
    hidden: [9, 8, 5, 4],
    activations: ['relu', 'none', 'relu', 'relu'],
  },
  'ids alone, no hidden layer': {
    users: [ID],
    restaurants: [PLACE_ID],
    hidden: [],
    activations: [],
  },
}

/** Missing, unseen, empty and far too long ones among them. */
function drawValue(random: Random, { kind }: FeatureSpec): RawValue {
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)]
  const words = ['a', 'b', 'c', 'x', 'y', 'never seen']
  const list = () => Array.from({ length: random.below(7) }, () => pick(words))
  switch (kind) {
    case 'number':
      return Math.fround(random.normal())
    case 'vector':
      return random.below(4) === 0 ? null : [1, 2, 3].map(() => Math.fround(random.normal()))
    case 'category':
      return pick([null, ...words])
    case 'categories':
      return pick([null, [], list(), list(), list()])
    case 'text':
      return pick([null, '', list().join(' '), list().join(', ')])
    case 'time':
      return random.below(4) === 0 ? null : random.below(2e8)
    case 'cell':
      return random.below(4) === 0 ? null : [random.float() * 180 - 90, random.float() * 360 - 180]
  }
}

function drawRows(random: Random, features: FeatureSpec[], rows: number): Float32Array {
  const width = widthOf(features)
  const words = wordsOf(new Float32Array(rows * width))
  const encoder = new RowEncoder(features)
  for (let row = 0; row < rows; row++) {
    const values = features.map((feature) => {
      const isMissing = feature.kind === 'number' && feature.missing && random.below(3) === 0
      return isMissing ? null : drawValue(random, feature)
    })
    assert.equal(encoder.encodeInto(words, row * width, values), undefined)
  }
  return words.f32
}

function rowOf(rows: Float32Array, width: number, row: number): Float32Array {
  return rows.slice(row * width, (row + 1) * width)
}

/** Scores by ONNX Runtime of pairs of encoded rows. */
async function onnxScores(
  onnx: Uint8Array,
  features: Features,
  pairs: Record<Side, Float32Array>[],
): Promise<{ scores: Float32Array; inputs: readonly string[] }> {
  const numbers: number[] = []
  const codes: bigint[] = []
  for (const pair of pairs)
    for (const side of SIDES) {
      const { f32, u32 } = wordsOf(pair[side])
      const { numbers: count } = rowShape(features[side])
      numbers.push(...f32.subarray(0, count))
      codes.push(...Array.from(u32.subarray(count), BigInt))
    }
  const width = (side: Side) => rowShape(features[side])
  const wide = (of: 'numbers' | 'codes') => width('users')[of] + width('restaurants')[of]
  const session = await ort.InferenceSession.create(onnx)
  const feeds: Record<string, ort.Tensor> = {
    codes: new ort.Tensor('int64', BigInt64Array.from(codes), [pairs.length, wide('codes')]),
  }
  if (wide('numbers') > 0)
    feeds.numbers = new ort.Tensor('float32', Float32Array.from(numbers), [pairs.length, wide('numbers')])
  const { score } = await session.run(feeds)
  assert.deepEqual(score.dims, [pairs.length])
  const found = { scores: score.data as Float32Array, inputs: session.inputNames }
  await session.release()
  return found
}

/** Logits of all pairs, by the way that evaluating takes. */
async function scoredLogits(
  network: Network,
  weights: StateDict,
  rows: Record<Side, Float32Array>,
  counts: Record<Side, number>,
): Promise<Float32Array> {
  const lead = new CrewLead({
    shape: { network, ...counts, batchSize: 64, threads: 2, purpose: 'score' },
    simd: 'relaxed',
  })
  try {
    for (const side of SIDES) {
      const { at, stride } = lead.arena.tables[side]
      const width = rows[side].length / counts[side]
      for (let row = 0; row < counts[side]; row++)
        lead.floats(at + 4 * row * stride, width).set(rowOf(rows[side], width, row))
    }
    lead.setWeights(weights)
    await lead.run({ type: 'fold' })
    const pairs = counts.users * counts.restaurants
    await lead.run({ type: 'score' }, async () => {
      const { users, restaurants } = lead.chunk(0).rows
      for (let i = 0; i < pairs; i++) {
        users[i] = Math.floor(i / counts.restaurants)
        restaurants[i] = i % counts.restaurants
      }
      lead.publish(0, pairs)
      await lead.awaitDone(1)
      lead.publish(1, -1)
    })
    return lead.chunk(0).logits.slice(0, pairs)
  } finally {
    await lead.close()
  }
}

function ranked(
  { network, weights }: { network: Network; weights: StateDict },
  rows: Record<Side, Float32Array>,
  { user, restaurants, precompute }: { user: Float32Array; restaurants: number; precompute: boolean },
): number[] {
  const ranker = new Ranker({
    network,
    weights,
    restaurantFeatures: rows.restaurants,
    latitude: new Float64Array(restaurants),
    longitude: new Float64Array(restaurants),
    ...(precompute ? {} : { precomputeBytesMax: 0 }),
  })
  const candidateRows = Array.from({ length: restaurants }, (_, row) => row)
  const request = { latitude: 0, longitude: 0, size: restaurants, candidateRows }
  const scores: number[] = []
  for (const { id, score } of ranker.rank(user, request).restaurants) scores[Number(id)] = score
  return scores
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z))

for (const [name, { users, restaurants, hidden, activations }] of Object.entries(CASES))
  test(`ONNX Runtime, the ranker and the evaluation score as the unfolded network does: ${name}`, async () => {
    const features: Features = { users, restaurants }
    const network: Network = { ...inputsOf(features), hidden, activations }
    const weights = randomWeights(network, 3)
    // As they are, the scores of a deep network hardly differ.
    for (const { data } of weights.values()) for (const [i, value] of data.entries()) data[i] = 2 * value
    const random = new Random(4)
    const counts = { users: 9, restaurants: 40 }
    const rows = {
      users: drawRows(random, users, counts.users),
      restaurants: drawRows(random, restaurants, counts.restaurants),
    }
    const pairs = Array.from({ length: counts.users * counts.restaurants }, (_, i) => ({
      users: rowOf(rows.users, widthOf(users), Math.floor(i / counts.restaurants)),
      restaurants: rowOf(rows.restaurants, widthOf(restaurants), i % counts.restaurants),
    }))
    const wanted = pairs.map((pair) =>
      sigmoid(naiveLogits(network, weights, naiveInputs(network, weights)(pair))[0]),
    )
    assert.ok(Math.max(...wanted) - Math.min(...wanted) > 0.1, 'the scores differ from pair to pair')

    const onnx = encodeOnnx(network, weights, { producerVersion: '1' })
    const { scores, inputs } = await onnxScores(onnx, features, pairs)
    const hasNumbers = network.userFeatures + network.restaurantFeatures > 0
    assert.deepEqual(inputs, hasNumbers ? ['numbers', 'codes'] : ['codes'])
    const logits = await scoredLogits(network, weights, rows, counts)
    for (const precompute of [true, false])
      for (let user = 0; user < counts.users; user++) {
        const row = rowOf(rows.users, widthOf(users), user)
        const found = ranked({ network, weights }, rows, {
          user: row,
          restaurants: counts.restaurants,
          precompute,
        })
        for (const [restaurant, score] of found.entries()) {
          const pair = user * counts.restaurants + restaurant
          const where = `user ${user}, restaurant ${restaurant}`
          assert.ok(Math.abs(score - wanted[pair]) < 1e-5, `${where}: ranked ${score}, not ${wanted[pair]}`)
        }
      }
    for (const [pair, score] of wanted.entries()) {
      assert.ok(Math.abs(scores[pair] - score) < 1e-5, `pair ${pair}: ONNX ${scores[pair]}, not ${score}`)
      const own = sigmoid(logits[pair])
      assert.ok(Math.abs(own - score) < 1e-5, `pair ${pair}: evaluated ${own}, not ${score}`)
    }
    assert.equal((await onnxScores(onnx, features, [])).scores.length, 0)
  })

test('a trained model of real columns: its model.onnx gives the scores of recommend', async () => {
  const { data, folder } = await featureData()
  const model = join(folder, 'model')
  await train({ data, out: model, hidden: [24, 8], activations: ['none', 'relu'], epochs: 1, threads: 1 })
  const { description } = await loadModelFiles(model)
  const features = description.features!
  const tables = await openTables({ data })
  assert.deepEqual({ users: tables.users.features, restaurants: tables.restaurants.features }, features)
  const rowsOf = async (table: FeatureTable) => {
    const rows = new Float32Array(table.rows * widthOf(table.features))
    await readFeaturesInto(table, rows, widthOf(table.features))
    return rows
  }
  const [users, restaurants] = [await rowsOf(tables.users), await rowsOf(tables.restaurants)]
  const ids = await readIds(tables.restaurants)
  const onnx = await readFile(join(model, 'model.onnx'))
  for (const user of [0, 1, 2, 777]) {
    const where = { latitude: 13.5, longitude: 100.5, maxDistM: 1e7 }
    const request = { ...where, candidateRestaurantIds: null, size: 1000, sortByDistance: false }
    const answer = await recommend({ user, request }, { data, model })
    assert.equal(answer.restaurants.length, tables.restaurants.rows)
    const pairs = answer.restaurants.map(({ id }) => ({
      users: rowOf(users, widthOf(features.users), user),
      restaurants: rowOf(restaurants, widthOf(features.restaurants), ids.rowOf(Number(id))!),
    }))
    const { scores } = await onnxScores(onnx, features, pairs)
    for (const [i, { id, score }] of answer.restaurants.entries())
      assert.ok(Math.abs(scores[i] - score) < 1e-5, `restaurant ${id}: ONNX ${scores[i]}, not ${score}`)
  }
})
