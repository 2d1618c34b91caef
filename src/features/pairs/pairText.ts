import { countedText, type FeatureWords, numberText, textsOf } from '../encodedText.ts'
import type { PairFeature } from '../featureSpec.ts'
import { FIRST_CODE, MISSING_CODE } from '../rowShape.ts'
import type { RawValue } from '../values.ts'

/**
 * What is shown as the value of a pair. `operands`: the values of the features that it is made of, in their
 * order; `distanceM`: NaN if it is not known.
 */
export function pairValue({ kind }: PairFeature, operands: readonly RawValue[], distanceM: number): RawValue {
  switch (kind) {
    case 'distance':
      return Number.isNaN(distanceM) ? null : Math.round(1000 * distanceM) / 1000
    case 'overlap': {
      const [own, other] = operands.map(textsOf)
      return [...new Set(own)].filter((text) => other.includes(text))
    }
    case 'difference':
    case 'cross':
    case 'rate':
      return operands.map(singleValue)
  }
}

/** What the encoder made of a pair with such a value, in words. */
export function pairText(pair: PairFeature, value: RawValue, { numbers, codes }: FeatureWords): string {
  switch (pair.kind) {
    case 'distance':
      return codes[0] === MISSING_CODE ? 'not known' : `bucket ${codes[0] - FIRST_CODE}`
    case 'overlap':
      return `${numbers[0]} in common, ${percent(numbers[1])} of all`
    case 'difference':
      return Array.isArray(value) && value.includes(null)
        ? `missing, ${numberText(numbers[0])} instead`
        : numberText(numbers[0])
    case 'cross':
      return countedText(codes, 'combination')
    case 'rate':
      return `${percent(1 / (1 + Math.exp(-numbers[0])))} of ${Math.round(Math.expm1(numbers[1]))} rows`
  }
}

/** A list as one text. */
function singleValue(value: RawValue): RawValue {
  return Array.isArray(value) ? textsOf(value).join(', ') : (value ?? null)
}

/** To three digits. */
function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`
}
