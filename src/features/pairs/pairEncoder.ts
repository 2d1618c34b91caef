import type { FeaturesOf, PairFeature } from '../featureSpec.ts'
import { embeddingsOf, numbersOf, rowShape } from '../rowShape.ts'
import { encodeCross } from './cross.ts'
import { encodeDifference } from './difference.ts'
import { encodeDistance } from './distance.ts'
import type { EncodePair } from './encodedPair.ts'
import { encodeOverlap } from './overlap.ts'
import { encodeRate, rateTable } from './rate.ts'

/** Writes what the pairs become for one user, one restaurant and one context. */
export interface PairEncoder {
  encodeInto: EncodePair
  numbers: number
  codes: number
}

/**
 * The one way from a pair to its numbers and codes: packing and ranking take it. `rates`: of each pair that
 * is a rate its table; null: it is not counted yet.
 */
export function pairEncoder(
  pairs: readonly PairFeature[],
  features: FeaturesOf,
  rates: readonly (Float32Array | null)[] = pairs.map(rateTable),
): PairEncoder {
  const { numbers, codes } = rowShape(pairs)
  const encoders = pairs.map((pair, i) => encodeOf(pair, features, numbers, rates[i]))
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

function encodeOf(
  pair: PairFeature,
  features: FeaturesOf,
  pairNumbers: number,
  rates: Float32Array | null,
): EncodePair {
  switch (pair.kind) {
    case 'distance':
      return encodeDistance
    case 'overlap':
      return encodeOverlap(pair, features, pairNumbers)
    case 'difference':
      return encodeDifference(pair, features)
    case 'cross':
      return encodeCross(pair, features, pairNumbers)
    case 'rate':
      return encodeRate(pair, features, pairNumbers, rates)
  }
}
