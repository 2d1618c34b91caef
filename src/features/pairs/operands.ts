import {
  type FeaturesOf,
  type FeatureSpec,
  type Operand,
  OPERANDS,
  type Operands,
  SOURCE_OF,
} from '../featureSpec.ts'
import { embeddingsOf, numbersOf, rowShape } from '../rowShape.ts'

/** Where a pair finds the codes of one of its features. */
export interface CodeOperand {
  of: Operand
  at: number // word of the row
  slots: number
  codes: number // how many different ones there are
  feature: FeatureSpec
}

/** Where a pair finds a number of one of its features. */
export interface NumberOperand {
  of: Operand
  at: number
  flagAt: number | undefined // of the number that is 1 if this one was missing
}

/** The features that a pair is made of, in the order of OPERANDS. */
export function operandsOf(pair: Operands): [of: Operand, name: string][] {
  return OPERANDS.flatMap((of) => (pair[of] === undefined ? [] : [[of, pair[of]]]))
}

/** `feature`, or a part of it, `feature.part`; undefined: there is none of that name. */
export function operandFeature(features: readonly FeatureSpec[], name: string): FeatureSpec | undefined {
  return features.find((one) => one.name === name || embeddingsOf(one).some((table) => table.name === name))
}

/**
 * The codes of a feature, or of a part of a time. `pairNumbers`: those of the pairs, which lie between the
 * numbers and the codes of the context. undefined: it has none.
 */
export function codeOperand(
  features: FeaturesOf,
  of: Operand,
  name: string,
  pairNumbers: number,
): CodeOperand | undefined {
  const own = features[SOURCE_OF[of]] ?? []
  let at = rowShape(own).numbers + (of === 'context' ? pairNumbers : 0)
  for (const feature of own)
    for (const { name: table, slots, codes } of embeddingsOf(feature)) {
      if (table === name) return { of, at, slots, codes, feature }
      at += slots
    }
  return undefined
}

/** A number, or the days of a time; undefined: the feature is another. */
export function numberOperand(features: FeaturesOf, of: Operand, name: string): NumberOperand | undefined {
  let at = 0
  for (const feature of features[SOURCE_OF[of]] ?? []) {
    const numbers = numbersOf(feature)
    if (feature.name === name && numbers > 0 && (feature.kind === 'number' || feature.kind === 'time'))
      return { of, at, flagAt: feature.missing?.flag ? at + 1 : undefined }
    at += numbers
  }
  return undefined
}
