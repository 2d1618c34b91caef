import type { CrossFeature, FeaturesOf } from '../featureSpec.ts'
import { FIRST_CODE, MISSING_CODE } from '../rowShape.ts'
import { combine } from './combination.ts'
import type { EncodePair } from './encodedPair.ts'
import { codeOperand, operandsOf } from './operands.ts'

/** Each combination of a code of one feature and a code of the other, missing ones left out. */
export function encodeCross(pair: CrossFeature, features: FeaturesOf, pairNumbers: number): EncodePair {
  const [a, b] = operandsOf(pair).map(([of, name]) => codeOperand(features, of, name, pairNumbers)!)
  const { maxValues } = pair
  const combined = combine(pair)
  return ({ u32 }, _, code, rows) => {
    const [own, other] = [rows[a.of], rows[b.of]]
    let count = 0
    for (let i = 0; i < a.slots && count < maxValues; i++) {
      const first = own.u32[own.at + a.at + i]
      if (first === MISSING_CODE) continue
      for (let k = 0; k < b.slots && count < maxValues; k++) {
        const second = other.u32[other.at + b.at + k]
        if (second !== MISSING_CODE) u32[code + count++] = FIRST_CODE + combined(first, second, 0)
      }
    }
    u32.fill(MISSING_CODE, code + count, code + maxValues)
  }
}
