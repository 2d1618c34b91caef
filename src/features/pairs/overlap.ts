import type { FeaturesOf, FeatureSpec, OverlapFeature } from '../featureSpec.ts'
import { FIRST_CODE, MISSING_CODE, UNSEEN_CODE } from '../rowShape.ts'
import type { EncodePair } from './encodedPair.ts'
import { codeOperand, operandsOf } from './operands.ts'

/** How many values both have, and their share of all that either has. Values without a code are not seen. */
export function encodeOverlap(pair: OverlapFeature, features: FeaturesOf, pairNumbers: number): EncodePair {
  const [own, other] = operandsOf(pair).map(([of, name]) => codeOperand(features, of, name, pairNumbers)!)
  const codeOf = new Map(valuesOf(other.feature)?.map((value, i) => [value, FIRST_CODE + i]))
  // By the first one's code, the second's of the same value; 0: it has none.
  const same = Uint32Array.from([
    0,
    0,
    ...(valuesOf(own.feature) ?? []).map((value) => codeOf.get(value) ?? 0),
  ])
  return ({ f32 }, number, _, rows) => {
    const [u, r] = [rows[own.of], rows[other.of]]
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

/** The values that a feature's codes stand for; undefined: it has no vocabulary. */
export function valuesOf(feature: FeatureSpec): readonly string[] | undefined {
  if (feature.kind !== 'category' && feature.kind !== 'categories') return undefined
  return feature.buckets === undefined ? feature.values : undefined
}
