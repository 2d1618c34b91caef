import type { FeatureSpec, PairFeature, TimePart } from './featureSpec.ts'

/** Codes that every embedding table has; its vocabulary begins behind them. */
export const MISSING_CODE = 0
export const UNSEEN_CODE = 1 // or too rare in training to have a code of its own
export const FIRST_CODE = 2

/** A distance is also one of so many buckets. */
export const DISTANCE_BUCKETS = 32

const TIME_CODES: Record<Exclude<TimePart, 'days'>, number> = { hour: 24, weekday: 7, month: 12 }

/** An embedding table that a feature needs, and the codes that a row holds for it. */
export interface EmbeddingSpec {
  name: string // of the feature, or FEATURE.PART
  codes: number // rows of the table
  dim: number
  slots: number // codes in a row; 0 behind the last one of a list
  direct?: true // its numbers are added to the logit too, see `Network`
  additive?: true // and are no inputs of the layers
}

/** How many numbers a feature takes of a row. */
export function numbersOf(feature: FeatureSpec | PairFeature): number {
  if (isTwoNumbers(feature.kind)) return 2
  if (feature.kind === 'number') return feature.missing?.flag ? 2 : 1
  if (feature.kind === 'vector') return feature.length + (feature.missing?.flag ? 1 : 0)
  if (feature.kind === 'time' && feature.parts.includes('days')) return feature.missing.flag ? 2 : 1
  return 0
}

function isTwoNumbers(kind: (FeatureSpec | PairFeature)['kind']): boolean {
  return ['distance', 'overlap', 'difference', 'rate'].includes(kind)
}

/** Of which feature each number of a row is. */
export function numberNames(features: readonly (FeatureSpec | PairFeature)[]): string[] {
  return features.flatMap((feature) => Array.from({ length: numbersOf(feature) }, () => feature.name))
}

/** The embedding tables of a feature, in the order of its codes. */
export function embeddingsOf(feature: FeatureSpec | PairFeature): EmbeddingSpec[] {
  const { name, kind } = feature
  if (kind === 'number' || kind === 'vector') return []
  if (kind === 'overlap' || kind === 'difference' || kind === 'rate') return []
  const { dim } = feature
  if (kind === 'distance') return [{ name, codes: FIRST_CODE + DISTANCE_BUCKETS, dim, slots: 1 }]
  if (kind === 'time')
    return codedParts(feature.parts).map((part) => ({
      name: `${name}.${part}`,
      codes: FIRST_CODE + TIME_CODES[part],
      dim,
      slots: 1,
    }))
  if (kind === 'cell')
    return feature.sizesM.map((size) => ({
      name: `${name}.${size}m`,
      codes: FIRST_CODE + feature.buckets,
      dim,
      slots: 1,
    }))
  const own = feature.buckets ?? ('values' in feature ? feature.values.length : 0)
  const slots = kind === 'category' ? 1 : feature.maxValues
  const isAdditive = kind === 'category' && feature.position === true
  const isDirect = isAdditive || (kind === 'category' && feature.id === true && dim > 0)
  return [
    {
      name,
      codes: FIRST_CODE + own,
      dim,
      slots,
      ...(isDirect && { direct: true }),
      ...(isAdditive && { additive: true }),
    },
  ]
}

/** The parts of a moment that are categories. */
export function codedParts(parts: readonly TimePart[]): Exclude<TimePart, 'days'>[] {
  return parts.filter((part) => part !== 'days')
}

/** An encoded row: the numbers of all features, float32, then the codes of all features, uint32. */
export interface RowShape {
  numbers: number
  codes: number
  words: number // of four bytes, together
}

export function rowShape(features: readonly (FeatureSpec | PairFeature)[]): RowShape {
  let [numbers, codes] = [0, 0]
  for (const feature of features) {
    numbers += numbersOf(feature)
    for (const { slots } of embeddingsOf(feature)) codes += slots
  }
  return { numbers, codes, words: numbers + codes }
}

/** The length of a row in words of four bytes. */
export function widthOf(features: readonly (FeatureSpec | PairFeature)[]): number {
  return rowShape(features).words
}
