import type { FeaturesOf, PairFeature } from '../featureSpec.ts'
import { numbersOf, rowShape } from '../rowShape.ts'
import { encodeCross } from './cross.ts'
import { encodeDifference } from './difference.ts'
import { encodeDistance } from './distance.ts'
import type { KindEncoder } from './encodedPair.ts'
import { encodeOverlap } from './overlap.ts'
import { encodeRate, rateTable } from './rate.ts'

/** Writes what the pairs become for one user, one restaurant and one context. */
export interface PairEncoder extends Required<KindEncoder> {
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
  const encode = encoders.map(({ encodeInto }) => encodeInto)
  const numberWidths = pairs.map(numbersOf)
  const codeWidths = pairs.map((pair) => rowShape([pair]).codes)
  return {
    numbers,
    codes,
    setUser: (pair) => {
      for (const { setUser } of encoders) setUser?.(pair)
    },
    encodeInto: (to, number, code, pair) => {
      for (let i = 0; i < encode.length; i++) {
        encode[i](to, number, code, pair)
        number += numberWidths[i]
        code += codeWidths[i]
      }
    },
  }
}

function encodeOf(
  pair: PairFeature,
  features: FeaturesOf,
  pairNumbers: number,
  rates: Float32Array | null,
): KindEncoder {
  switch (pair.kind) {
    case 'distance':
      return { encodeInto: encodeDistance }
    case 'overlap':
      return encodeOverlap(pair, features, pairNumbers)
    case 'difference':
      return { encodeInto: encodeDifference(pair, features) }
    case 'cross':
      return { encodeInto: encodeCross(pair, features, pairNumbers) }
    case 'rate':
      return { encodeInto: encodeRate(pair, features, pairNumbers, rates) }
  }
}
