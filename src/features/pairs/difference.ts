import type { DifferenceFeature, FeaturesOf } from '../featureSpec.ts'
import type { EncodePair } from './encodedPair.ts'
import { numberOperand, operandsOf } from './operands.ts'

/** The first number less the second, and its absolute value; both 0 if one of the two was missing. */
export function encodeDifference(pair: DifferenceFeature, features: FeaturesOf): EncodePair {
  const [a, b] = operandsOf(pair).map(([of, name]) => numberOperand(features, of, name)!)
  return ({ f32 }, number, _, rows) => {
    const [own, other] = [rows[a.of], rows[b.of]]
    const isMissing =
      (a.flagAt !== undefined && own.f32[own.at + a.flagAt] === 1) ||
      (b.flagAt !== undefined && other.f32[other.at + b.flagAt] === 1)
    const difference = isMissing ? 0 : own.f32[own.at + a.at] - other.f32[other.at + b.at]
    f32[number] = difference
    f32[number + 1] = Math.abs(difference)
  }
}
