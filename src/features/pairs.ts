import { NearrankError } from '../errors.ts'
import { declaredOverlap, type SourceDeclaration } from './declaration.ts'
import type { FeatureSpec, OverlapFeature, PairFeature } from './featureSpec.ts'
import type { Words } from './encodeRow.ts'
import {
  DISTANCE_BUCKETS,
  embeddingsOf,
  FIRST_CODE,
  MISSING_CODE,
  numbersOf,
  rowShape,
  UNSEEN_CODE,
} from './rowShape.ts'

const FIRST_EDGE_M = 100 // of the second bucket; each further one is √2 times as far away
const DISTANCE_DIM = 4
const SHARED_MIN = 2 // values that two vocabularies have in common
const SHARED_SHARE_MIN = 0.5 // of the smaller one

/** An encoded row of a side: its words from `at` on. */
export interface EncodedRow extends Words {
  at: number
}

/** The features of user and restaurant together: those that their features and places allow. */
export function inferPairs(
  features: { users: readonly FeatureSpec[]; restaurants: readonly FeatureSpec[] },
  { hasPlaces }: { hasPlaces: boolean },
): PairFeature[] {
  const pairs: PairFeature[] = []
  if (hasPlaces) pairs.push({ name: 'distance', kind: 'distance', dim: DISTANCE_DIM })
  for (const user of features.users)
    for (const restaurant of features.restaurants)
      if (shareValues(user, restaurant))
        pairs.push({
          name: `${user.name}~${restaurant.name}`,
          kind: 'overlap',
          user: user.name,
          restaurant: restaurant.name,
        })
  return pairs
}

/**
 * The pairs that are inferred and those that are declared.
 * @throws NearrankError USAGE where one is declared of features that there are not.
 */
export function pairsFor(
  features: { users: readonly FeatureSpec[]; restaurants: readonly FeatureSpec[] },
  { hasPlaces, declared }: { hasPlaces: boolean; declared: SourceDeclaration },
): PairFeature[] {
  const inferred = inferPairs(features, { hasPlaces }).filter(({ name }) => !declared.has(name))
  const pairs = [...inferred]
  for (const [name, entry] of declared) {
    if (entry === false) continue
    const { dim = DISTANCE_DIM } = entry as { dim?: number }
    pairs.push(declaredOverlap(name, entry) ?? { name, kind: 'distance', dim })
  }
  const problem = pairsProblem(pairs, features)
  if (problem !== undefined) throw new NearrankError('USAGE', `Cannot use the features: ${problem}`)
  return pairs
}

/** Whether two features are of the same values: lists of cuisines, say. */
function shareValues(a: FeatureSpec, b: FeatureSpec): boolean {
  if (a.kind !== 'categories' && b.kind !== 'categories') return false
  const [own, other] = [valuesOf(a), valuesOf(b)]
  if (!own || !other) return false
  const known = new Set(own)
  const shared = other.filter((value) => known.has(value)).length
  return shared >= SHARED_MIN && shared >= SHARED_SHARE_MIN * Math.min(own.length, other.length)
}

function valuesOf(feature: FeatureSpec): readonly string[] | undefined {
  return feature.kind === 'category' || feature.kind === 'categories' ? feature.values : undefined
}

/** Writes what the pairs become for one user and one restaurant. */
export interface PairEncoder {
  /** `distanceM`: NaN if it is not known; numbers from word `number` on, codes from word `code` on. */
  encodeInto: (to: Words, number: number, code: number, pair: EncodedPair) => void
  numbers: number
  codes: number
}

export interface EncodedPair {
  user: EncodedRow
  restaurant: EncodedRow
  distanceM: number
}

/** The one way from a pair to its numbers and codes: packing and ranking take it. */
export function pairEncoder(
  pairs: readonly PairFeature[],
  features: { users: readonly FeatureSpec[]; restaurants: readonly FeatureSpec[] },
): PairEncoder {
  const { numbers, codes } = rowShape(pairs)
  const encoders = pairs.map((pair) =>
    pair.kind === 'distance' ? encodeDistance : encodeOverlap(pair, features),
  )
  const widths = pairs.map((pair) => [
    numbersOf(pair),
    embeddingsOf(pair).reduce((sum, { slots }) => sum + slots, 0),
  ])
  return {
    numbers,
    codes,
    encodeInto: (to, number, code, pair) => {
      for (let i = 0; i < encoders.length; i++) {
        encoders[i](to, number, code, pair)
        number += widths[i][0]
        code += widths[i][1]
      }
    },
  }
}

/** log(1 + metres), 1 if it is not known, and the bucket. */
function encodeDistance({ f32, u32 }: Words, number: number, code: number, { distanceM }: EncodedPair): void {
  const isKnown = distanceM >= 0
  f32[number] = isKnown ? Math.log1p(distanceM) : 0
  f32[number + 1] = isKnown ? 0 : 1
  u32[code] = isKnown ? FIRST_CODE + bucketOf(distanceM) : MISSING_CODE
}

function bucketOf(distanceM: number): number {
  if (distanceM < FIRST_EDGE_M) return 0
  return Math.min(DISTANCE_BUCKETS - 1, 1 + Math.floor(2 * Math.log2(distanceM / FIRST_EDGE_M)))
}

/** How many values both have, and their share of all that either has. Values without a code are not seen. */
function encodeOverlap(
  { user, restaurant }: OverlapFeature,
  features: { users: readonly FeatureSpec[]; restaurants: readonly FeatureSpec[] },
): PairEncoder['encodeInto'] {
  const own = slotsOf(features.users, user)
  const other = slotsOf(features.restaurants, restaurant)
  const codeOf = new Map(other.values.map((value, i) => [value, FIRST_CODE + i]))
  // By the user's code, the restaurant's of the same value; 0: it has none.
  const same = Uint32Array.from([0, 0, ...own.values.map((value) => codeOf.get(value) ?? 0)])
  return ({ f32 }, number, _, { user: u, restaurant: r }) => {
    const otherCount = distinct(r.u32, r.at + other.at, other.slots)
    const ownCount = distinct(u.u32, u.at + own.at, own.slots)
    let shared = 0
    for (let i = 0; i < own.slots; i++) {
      const code = u.u32[u.at + own.at + i]
      const isFirst = !holds(u.u32, u.at + own.at, i, code)
      if (same[code] !== 0 && isFirst && holds(r.u32, r.at + other.at, other.slots, same[code])) shared++
    }
    const all = ownCount + otherCount - shared
    f32[number] = shared
    f32[number + 1] = all > 0 ? shared / all : 0
  }
}

/** How many values a list has, each counted once; of values that were never seen, none is another's like. */
function distinct(codes: Uint32Array, at: number, slots: number): number {
  let count = 0
  for (let slot = 0; slot < slots; slot++) {
    const code = codes[at + slot]
    if (code !== MISSING_CODE && (code === UNSEEN_CODE || !holds(codes, at, slot, code))) count++
  }
  return count
}

function holds(codes: Uint32Array, at: number, slots: number, code: number): boolean {
  for (let slot = 0; slot < slots; slot++) if (codes[at + slot] === code) return true
  return false
}

/** Where the codes of a feature lie in a row, and what they stand for. */
function slotsOf(features: readonly FeatureSpec[], name: string) {
  let at = rowShape(features).numbers
  for (const feature of features) {
    const slots = embeddingsOf(feature).reduce((sum, table) => sum + table.slots, 0)
    if (feature.name === name) return { at, slots, values: valuesOf(feature) ?? [] }
    at += slots
  }
  return { at, slots: 0, values: [] }
}

/** What is wrong with pairs of such features; undefined: nothing. */
export function pairsProblem(
  pairs: readonly PairFeature[],
  features: { users: readonly FeatureSpec[]; restaurants: readonly FeatureSpec[] },
): string | undefined {
  for (const pair of pairs) {
    if (pair.kind === 'distance') continue
    for (const [name, own] of [
      [pair.user, features.users],
      [pair.restaurant, features.restaurants],
    ] as const) {
      const feature = own.find((one) => one.name === name)
      if (!feature || !valuesOf(feature))
        return `the pair ${pair.name} must be of features that are categories, found ${name}, which is ${feature ? `of the kind ${feature.kind}` : 'no feature'}`
    }
  }
  return undefined
}
