import type { FeaturesOf, PairFeature } from '../featureSpec.ts'
import { embeddingsOf, numbersOf, rowShape } from '../rowShape.ts'
import { encodeCross } from './cross.ts'
import { encodeDifference } from './difference.ts'
import { encodeDistance } from './distance.ts'
import type { EncodePair } from './encodedPair.ts'
import { encodeOverlap } from './overlap.ts'

/** Writes what the pairs become for one user, one restaurant and one context. */
export interface PairEncoder {
  encodeInto: EncodePair
  numbers: number
  codes: number
}

/** The one way from a pair to its numbers and codes: packing and ranking take it. */
export function pairEncoder(pairs: readonly PairFeature[], features: FeaturesOf): PairEncoder {
  const { numbers, codes } = rowShape(pairs)
  const encoders = pairs.map((pair) => encodeOf(pair, features, numbers))
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

function encodeOf(pair: PairFeature, features: FeaturesOf, pairNumbers: number): EncodePair {
  switch (pair.kind) {
    case 'distance':
      return encodeDistance
    case 'overlap':
      return encodeOverlap(pair, features, pairNumbers)
    case 'difference':
      return encodeDifference(pair, features)
    case 'cross':
      return encodeCross(pair, features, pairNumbers)
  }
}
