import type { FeaturesOf, FeatureSpec, OverlapFeature } from '../featureSpec.ts'
import { FIRST_CODE, MISSING_CODE, UNSEEN_CODE } from '../rowShape.ts'
import type { KindEncoder } from './encodedPair.ts'
import { codeOperand, operandsOf } from './operands.ts'

/**
 * How many values both have, and their share of all that either has. Values without a code are not seen, nor
 * is a value of a list for the second time.
 */
export function encodeOverlap(pair: OverlapFeature, features: FeaturesOf, pairNumbers: number): KindEncoder {
  const [a, b] = operandsOf(pair).map(([of, name]) => codeOperand(features, of, name, pairNumbers)!)
  const [fixed, varying] = a.of === 'restaurant' ? [b, a] : [a, b]
  const codeOf = new Map(valuesOf(varying.feature)?.map((value, i) => [value, FIRST_CODE + i]))
  // By the fixed one's code, the other's of the same value; 0: it has none.
  const same = [0, 0, ...(valuesOf(fixed.feature) ?? []).map((value) => codeOf.get(value) ?? 0)]
  const isShared = new Uint8Array(FIRST_CODE + codeOf.size) // by the varying one's code
  const shares: number[] = [] // the codes for which it is set
  let fixedCount = 0
  return {
    setUser: (rows) => {
      for (const code of shares) isShared[code] = 0
      shares.length = 0
      fixedCount = 0
      const { u32, at } = rows[fixed.of]
      for (let slot = 0; slot < fixed.slots; slot++) {
        if (!counts(u32, at + fixed.at, slot)) continue
        fixedCount++
        const code = same[u32[at + fixed.at + slot]]
        if (code === 0) continue
        isShared[code] = 1
        shares.push(code)
      }
    },
    encodeInto: ({ f32 }, number, _, rows) => {
      const { u32, at } = rows[varying.of]
      let count = 0
      let shared = 0
      for (let slot = 0; slot < varying.slots; slot++) {
        if (!counts(u32, at + varying.at, slot)) continue
        count++
        shared += isShared[u32[at + varying.at + slot]]
      }
      const all = fixedCount + count - shared
      f32[number] = shared
      f32[number + 1] = all > 0 ? shared / all : 0
    },
  }
}

/**
 * Whether a value of a list counts: it is there, and not for the second time. Of values that were never seen,
 * none is another's like.
 */
function counts(codes: Uint32Array, at: number, slot: number): boolean {
  const code = codes[at + slot]
  if (code === MISSING_CODE) return false
  if (code === UNSEEN_CODE) return true
  for (let before = 0; before < slot; before++) if (codes[at + before] === code) return false
  return true
}

/** The values that a feature's codes stand for; undefined: it has no vocabulary. */
export function valuesOf(feature: FeatureSpec): readonly string[] | undefined {
  if (feature.kind !== 'category' && feature.kind !== 'categories') return undefined
  return feature.buckets === undefined ? feature.values : undefined
}
