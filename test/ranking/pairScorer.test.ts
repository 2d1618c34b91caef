import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { wordsOf } from '../../src/features/encodeRow.ts'
import type { FeaturesOf, FeatureSpec, PairFeature } from '../../src/features/featureSpec.ts'
import { pairEncoder } from '../../src/features/pairs/pairEncoder.ts'
import { embeddingsOf, rowShape, widthOf } from '../../src/features/rowShape.ts'
import { naiveInputs, naiveLogits } from '../../src/model/naiveForward.ts'
import { clickRow, inputsOf, type Network, type StateDict } from '../../src/model/network.ts'
import { Random } from '../../src/random.ts'
import { PairScorer } from '../../src/ranking/pairScorer.ts'
import { createScoringMemory, type ScoringMemory } from '../../src/ranking/scoringMemory.ts'
import { randomWeights } from '../model/modelFixtures.ts'

const list = (name: string, values: string, maxValues: number): FeatureSpec => {
  return { name, kind: 'categories', values: values.split(''), dim: 4, maxValues }
}
const flagged = { value: 3, flag: true }
const USERS: FeatureSpec[] = [{ name: 'age', kind: 'number', missing: flagged }, list('likes', 'abcde', 5)]
const RESTAURANTS: FeatureSpec[] = [
  list('cuisines', 'eaxbc', 3),
  { name: 'city', kind: 'category', values: ['p', 'q'], dim: 8 },
  { name: 'price', kind: 'number' },
]
const CONTEXT: FeatureSpec[] = [
  { name: 'hour', kind: 'number', missing: flagged },
  { name: 'wish', kind: 'category', values: ['a', 'x'], dim: 4 },
]
const PAIRS: PairFeature[] = [
  { name: 'distance', kind: 'distance', dim: 4 },
  { name: 'taste', kind: 'overlap', user: 'likes', restaurant: 'cuisines' },
  { name: 'each', kind: 'cross', user: 'likes', restaurant: 'cuisines', ...crossed([7, 7], 20, 16), dim: 8 },
  { name: 'gap', kind: 'difference', user: 'age', restaurant: 'price' },
  { name: 'place', kind: 'cross', restaurant: 'city', context: 'wish', ...crossed([4, 4], 4096, 1), dim: 4 },
  { name: 'far', kind: 'distance', dim: 12 },
  {
    name: 'often',
    kind: 'rate',
    restaurant: 'city',
    context: 'wish',
    sizes: [4, 4],
    buckets: 16,
    prior: 5,
    folds: 3,
    rows: Array.from({ length: 16 }, (_, i) => 10 * i),
    clicks: Array.from({ length: 16 }, (_, i) => i % 7),
  },
  { name: 'wished', kind: 'overlap', restaurant: 'cuisines', context: 'wish' },
]

function crossed(sizes: number[], buckets: number, maxValues: number) {
  return { sizes, buckets: Math.min(buckets, sizes[0] * sizes[1]), maxValues }
}

const NETWORKS: Pick<Network, 'hidden' | 'activations'>[] = [
  { hidden: [13, 21], activations: ['none', 'relu'] },
  { hidden: [8], activations: ['relu'] },
  { hidden: [11, 6], activations: ['relu', 'relu'] },
  { hidden: [], activations: [] },
]

/** Any encoded row: numbers as they come, any code of each table, lists with nothing behind their end. */
function drawRow(random: Random, features: readonly FeatureSpec[]): Float32Array {
  const { f32, u32 } = wordsOf(new Float32Array(widthOf(features)))
  let at = rowShape(features).numbers
  for (let i = 0; i < at; i++) f32[i] = random.below(4) === 0 ? 1 : random.normal()
  for (const { codes, slots } of features.flatMap(embeddingsOf)) {
    const count = random.below(slots + 1)
    for (let slot = 0; slot < count; slot++) u32[at + slot] = random.below(codes)
    at += slots
  }
  return f32
}

interface World {
  random: Random
  features: FeaturesOf
  network: Network
  weights: StateDict
  rows: Float32Array[] // of the restaurants
  served: Float32Array // the same, as they are served
  memory: ScoringMemory
}

interface Case {
  pairs: PairFeature[]
  hasContext: boolean
  layers: (typeof NETWORKS)[number]
  seed: number
  simd: 'relaxed' | 'strict'
  precomputes: boolean
}

function world({ pairs, hasContext, layers, seed, simd, precomputes }: Case, restaurants = 150): World {
  const random = new Random(seed)
  const own = pairs.filter((pair) => hasContext || !('context' in pair))
  const features: FeaturesOf = {
    users: USERS,
    restaurants: RESTAURANTS,
    ...(hasContext && { context: CONTEXT }),
    pairs: own.length > 0 ? own : PAIRS.slice(0, 1),
  }
  const network: Network = { ...inputsOf(features), ...layers }
  const weights = randomWeights(network, seed)
  const memory = createScoringMemory({
    network,
    features,
    weights,
    restaurantsMax: restaurants,
    threads: 2,
    simd,
    ...(precomputes ? {} : { precomputeBytesMax: 0 }),
  })
  const rows = Array.from({ length: restaurants }, () => drawRow(random, RESTAURANTS))
  const width = widthOf(RESTAURANTS)
  const served = new Float32Array(restaurants * width)
  const codes = wordsOf(served).u32
  for (const [row, words] of rows.entries()) codes.set(wordsOf(words).u32, row * width)
  return { random, features, network, weights, rows, served, memory }
}

interface Request {
  user: Float32Array
  context: Float32Array
  candidates: Uint32Array
  distancesM: Float64Array
}

function drawRequest({ random, features, rows }: World, count: number): Request {
  const metres = () => (random.below(5) === 0 ? Number.NaN : 10 ** (7 * random.float()))
  return {
    user: drawRow(random, USERS),
    context: drawRow(random, features.context ?? []),
    candidates: Uint32Array.from({ length: count }, () => random.below(rows.length)),
    distancesM: Float64Array.from({ length: count }, metres),
  }
}

/** The logits by the unfolded network, one pair after another. */
function promised({ features, network, weights, rows }: World, request: Request): number[] {
  const encoder = pairEncoder(features.pairs ?? [], features)
  const own = rowShape(features.context ?? [])
  const context = wordsOf(request.context)
  return Array.from(request.candidates, (row, i) => {
    const click = wordsOf(new Float32Array(clickRow(network).words))
    click.u32.set(context.u32.subarray(0, own.numbers))
    click.u32.set(context.u32.subarray(own.numbers), own.numbers + encoder.numbers)
    const pair = {
      user: { ...wordsOf(request.user), at: 0 },
      restaurant: { ...wordsOf(rows[row]), at: 0 },
      context: { ...click, at: 0 },
      distanceM: request.distancesM[i],
    }
    encoder.setUser(pair)
    encoder.encodeInto(click, own.numbers, click.u32.length - encoder.codes, pair)
    const input = { users: request.user, restaurants: rows[row], click: click.f32 }
    return naiveLogits(network, weights, naiveInputs(network, weights)(input))[0]
  })
}

function assertScores(scorer: PairScorer, { user, context, candidates, distancesM }: Request, of: World) {
  const logits = new Float64Array(candidates.length + 1).fill(7)
  scorer.setUser(user, context)
  scorer.scoreInto(logits, candidates, candidates.length, distancesM)
  assert.equal(logits[candidates.length], 7, 'nothing is written behind the candidates')
  const wanted = promised(of, { user, context, candidates, distancesM })
  for (const [i, logit] of wanted.entries())
    assert.ok(
      Math.abs(logits[i] - logit) <= 2e-5 * (1 + Math.abs(logit)),
      `candidate ${i} of ${candidates.length}: ${logits[i]}, not ${logit}`,
    )
}

const cases = fc.record({
  pairs: fc.subarray(PAIRS, { minLength: 1 }),
  hasContext: fc.boolean(),
  layers: fc.constantFrom(...NETWORKS),
  seed: fc.nat(),
  simd: fc.constantFrom('relaxed' as const, 'strict' as const),
  precomputes: fc.boolean(),
})
const all: Case = {
  pairs: PAIRS,
  hasContext: true,
  layers: NETWORKS[0],
  seed: 1,
  simd: 'relaxed',
  precomputes: true,
}

describe('scores with pairs are those of the unfolded network', () => {
  test('of any pairs and network, for one user after another', () => {
    const counts = fc.array(fc.constantFrom(0, 1, 2, 3, 5, 63, 64, 65, 130), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(cases, counts, (one, own) => {
        const w = world(one)
        const scorer = new PairScorer(w.memory, w.served)
        scorer.updateRows(0, w.rows.length)
        for (const count of own) assertScores(scorer, drawRequest(w, count), w)
      }),
      { seed: 1, numRuns: 150 },
    )
  })

  test('a distance that nobody knows is missing', () => {
    const w = world(all)
    const scorer = new PairScorer(w.memory, w.served)
    scorer.updateRows(0, w.rows.length)
    const request = drawRequest(w, 70)
    const [known, unknown, told] = [0, 1, 2].map(() => new Float64Array(70))
    scorer.setUser(request.user, request.context)
    scorer.scoreInto(known, request.candidates, 70, new Float64Array(70).fill(500))
    scorer.scoreInto(unknown, request.candidates, 70)
    scorer.scoreInto(told, request.candidates, 70, new Float64Array(70).fill(Number.NaN))
    assert.deepEqual(unknown, told)
    assert.notDeepEqual(unknown, known)
  })

  test('a restaurant whose row has changed has its new score, its own part and the pair', () => {
    for (const precomputes of [true, false]) {
      const w = world({ ...all, precomputes })
      const scorer = new PairScorer(w.memory, w.served)
      scorer.updateRows(0, w.rows.length)
      const request = drawRequest(w, 100)
      assertScores(scorer, request, w)
      for (const row of request.candidates.slice(0, 9)) {
        w.rows[row] = drawRow(w.random, RESTAURANTS)
        wordsOf(w.served).u32.set(wordsOf(w.rows[row]).u32, row * widthOf(RESTAURANTS))
        scorer.updateRow(row)
      }
      assertScores(scorer, request, w)
    }
  })

  test('threads that share the memory do not write into one another', () => {
    const w = world(all)
    const scorers = [0, 1].map((thread) => new PairScorer(w.memory, w.served, thread))
    scorers[0].updateRows(0, w.rows.length)
    const requests = scorers.map(() => drawRequest(w, 70))
    for (const [i, scorer] of scorers.entries()) scorer.setUser(requests[i].user, requests[i].context)
    for (const [i, scorer] of scorers.entries()) {
      const { candidates, distancesM } = requests[i]
      const [found, alone] = [new Float64Array(70), new Float64Array(70)]
      scorer.scoreInto(found, candidates, 70, distancesM)
      const other = new PairScorer(w.memory, w.served, i)
      other.setUser(requests[i].user, requests[i].context)
      other.scoreInto(alone, candidates, 70, distancesM)
      assert.deepEqual(found, alone)
      assertScores(scorer, requests[i], w)
    }
  })
})
