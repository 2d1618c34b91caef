import { NearrankError } from '../errors.ts'
import type { FeaturesOf, FeatureSpec, PairFeature } from './featureSpec.ts'
import { type ValueCount, VOCABULARY_MAX } from './fit.ts'
import { combinations } from './pairs/combination.ts'
import { codeOperand, operandsOf } from './pairs/operands.ts'
import { FIRST_CODE, UNSEEN_CODE } from './rowShape.ts'

/** Combinations of codes, before and after the vocabularies have grown. */
type Combined = Extract<PairFeature, { sizes: readonly number[] }>

/** A feature whose values have codes of their own. */
export function hasVocabulary(feature: FeatureSpec): feature is Extract<FeatureSpec, { values: unknown }> {
  return (feature.kind === 'category' || feature.kind === 'categories') && feature.buckets === undefined
}

/**
 * The same feature with the values it does not have yet behind those it has, so that every code keeps its
 * meaning. `maxSize`: values that it has in the end, at most; never fewer than now.
 */
export function grownFeature(
  feature: FeatureSpec,
  counts: readonly ValueCount[],
  maxSize = VOCABULARY_MAX,
): FeatureSpec {
  if (!hasVocabulary(feature)) return feature
  const known = new Set(feature.values)
  const further = counts.flatMap(([value]) => (known.has(value) ? [] : [value]))
  const room = Math.max(0, maxSize - feature.values.length)
  return { ...feature, values: [...feature.values, ...further.slice(0, room)] }
}

/**
 * A pair of features that have grown. Combinations that are numbered one after the other still are; a rate
 * keeps what was counted.
 * @throws NearrankError INPUT if there are too many combinations by now.
 */
export function grownPair(pair: PairFeature, features: FeaturesOf): PairFeature {
  if (pair.kind !== 'cross' && pair.kind !== 'rate') return pair
  const sizes = operandsOf(pair).map(([of, name]) => codeOperand(features, of, name, 0)!.codes)
  const count = combinations(sizes)
  const buckets = isNumbered(pair) ? count : pair.buckets
  if (buckets > VOCABULARY_MAX + FIRST_CODE)
    throw new NearrankError(
      'INPUT',
      `Cannot go on with the pair ${pair.name}: it may have at most ${VOCABULARY_MAX} combinations, found ${count} by now; train anew with buckets for it`,
    )
  const grown: Combined = { ...pair, sizes, buckets }
  if (grown.kind !== 'rate' || pair.kind !== 'rate') return grown
  const origins = Array.from({ length: buckets }, (_, bucket) => originOf(bucket, pair, grown))
  const kept = (counts: readonly number[]) => origins.map(({ bucket, isNew }) => (isNew ? 0 : counts[bucket]))
  return { ...grown, rows: kept(pair.rows), clicks: kept(pair.clicks) }
}

/**
 * Which combination of `old` the combination `bucket` of `grown` was; of one with a new value (`isNew`), the
 * one with an unseen value in its place.
 */
export function originOf(bucket: number, old: Combined, grown: Combined): { bucket: number; isNew: boolean } {
  if (!isNumbered(old)) return { bucket, isNew: false } // hashed: by the codes alone
  let [rest, factor, origin, isNew] = [bucket, 1, 0, false]
  for (let i = grown.sizes.length - 1; i >= 0; i--) {
    const code = rest % grown.sizes[i]
    rest = Math.floor(rest / grown.sizes[i])
    const isOld = code < old.sizes[i]
    origin += factor * (isOld ? code : UNSEEN_CODE)
    factor *= old.sizes[i]
    isNew ||= !isOld
  }
  return { bucket: origin, isNew }
}

function isNumbered({ sizes, buckets }: Combined): boolean {
  return combinations(sizes) <= buckets
}
