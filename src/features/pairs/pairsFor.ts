import { NearrankError } from '../../errors.ts'
import {
  type DeclaredEntry,
  type DeclaredPair,
  declaredPair,
  type SourceDeclaration,
} from '../declaration.ts'
import {
  type FeaturesOf,
  type FeatureSpec,
  type Operand,
  OPERANDS,
  type PairFeature,
  SOURCE_OF,
} from '../featureSpec.ts'
import { combinations } from './combination.ts'
import { codeOperand, numberOperand, operandFeature, operandsOf } from './operands.ts'
import { valuesOf } from './overlap.ts'
import { rateProblem } from './rate.ts'

const PAIR_DIM = 4 // numbers of an embedding row
const CROSS_BUCKETS = 4096
const CROSS_VALUES_MAX = 16
const RATE_BUCKETS = 65_536 // of combinations
const RATE_PRIOR = 20
const RATE_FOLDS = 5
const SHARED_MIN = 2 // values that two vocabularies have in common
const SHARED_SHARE_MIN = 0.5 // of the smaller one

/** The features of user and restaurant together: those that their features and places allow. */
export function inferPairs(
  { users, restaurants }: FeaturesOf,
  { hasPlaces }: { hasPlaces: boolean },
): PairFeature[] {
  const pairs: PairFeature[] = []
  if (hasPlaces) pairs.push({ name: 'distance', kind: 'distance', dim: PAIR_DIM })
  for (const user of users)
    for (const restaurant of restaurants)
      if (shareValues(user, restaurant))
        pairs.push({
          name: `${user.name}~${restaurant.name}`,
          kind: 'overlap',
          user: user.name,
          restaurant: restaurant.name,
        })
  return pairs
}

/**
 * The pairs that are inferred and those that are declared.
 * @throws NearrankError USAGE where one is declared of features that there are not.
 */
export function pairsFor(
  features: FeaturesOf,
  { hasPlaces, declared }: { hasPlaces: boolean; declared: SourceDeclaration },
): PairFeature[] {
  const pairs = inferPairs(features, { hasPlaces }).filter(({ name }) => !declared.has(name))
  for (const [name, entry] of declared) if (entry !== false) pairs.push(fitPair(name, entry, features))
  return pairs
}

/** Whether two features are of the same values: lists of cuisines, say. */
function shareValues(a: FeatureSpec, b: FeatureSpec): boolean {
  if (a.kind !== 'categories' && b.kind !== 'categories') return false
  const [own, other] = [valuesOf(a), valuesOf(b)]
  return own !== undefined && other !== undefined && areShared(own, other)
}

/** Whether two vocabularies are of the same values. */
export function areShared(own: readonly string[], other: readonly string[]): boolean {
  const known = new Set(own)
  const shared = other.filter((value) => known.has(value)).length
  return shared >= SHARED_MIN && shared >= SHARED_SHARE_MIN * Math.min(own.length, other.length)
}

function fitPair(name: string, entry: Exclude<DeclaredEntry, false>, features: FeaturesOf): PairFeature {
  const declared = declaredPair(name, entry)
  const { dim = PAIR_DIM } = declared
  if (declared.kind === 'distance') return { name, kind: 'distance', dim }
  const problem = operandsProblem(declared, features)
  if (problem !== undefined) throw new NearrankError('USAGE', `Cannot use the features: ${problem}`)
  const operands = Object.fromEntries(operandsOf(declared))
  if (declared.kind === 'overlap' || declared.kind === 'difference')
    return { name, kind: declared.kind, ...operands }
  const codes = operandsOf(declared).map(([of, operand]) => codeOperand(features, of, operand, 0)!)
  const sizes = codes.map((operand) => operand.codes)
  const buckets = (most: number) => Math.min(combinations(sizes), declared.buckets ?? most)
  if (declared.kind === 'rate')
    return {
      name,
      kind: 'rate',
      ...operands,
      sizes,
      buckets: sizes.length === 1 ? sizes[0] : buckets(RATE_BUCKETS),
      prior: declared.prior ?? RATE_PRIOR,
      folds: declared.folds ?? RATE_FOLDS,
      rows: [], // counted when the clicks are packed
      clicks: [],
    }
  const lists = codes.reduce((product, { slots }) => product * slots, 1)
  return {
    name,
    kind: 'cross',
    ...operands,
    sizes,
    buckets: buckets(CROSS_BUCKETS),
    dim,
    maxValues: Math.min(lists, declared.maxValues ?? CROSS_VALUES_MAX),
  }
}

/** What is wrong with pairs of such features; undefined: nothing. */
export function pairsProblem(pairs: readonly PairFeature[], features: FeaturesOf): string | undefined {
  for (const pair of pairs) {
    if (pair.kind === 'distance') continue
    const problem = operandsProblem(pair, features)
    if (problem !== undefined) return problem
    if (pair.kind !== 'cross' && pair.kind !== 'rate') continue
    const sizes = operandsOf(pair).map(([of, name]) => codeOperand(features, of, name, 0)!.codes)
    if (sizes.join() !== pair.sizes.join())
      return `the pair ${pair.name} must be of ${sizes.join(' and ')} codes, found ${pair.sizes.join(' and ')}`
    if (combinations(sizes) < pair.buckets)
      return `the pair ${pair.name} must have at most ${combinations(sizes)} buckets, found ${pair.buckets}`
    const counts = pair.kind === 'rate' ? rateProblem(pair) : undefined
    if (counts !== undefined) return counts
  }
  return undefined
}

const WANTED = {
  overlap: 'that are categories with a vocabulary',
  difference: 'that are numbers or times with days',
  cross: 'that are categories, or parts of times',
  rate: 'that are single categories, or parts of times',
} as const

function operandsProblem(pair: DeclaredPair, features: FeaturesOf): string | undefined {
  if (pair.kind === 'distance') return undefined
  const operands = operandsOf(pair)
  const [least, most] = pair.kind === 'rate' ? [1, 3] : [2, 2]
  if (operands.length < least || operands.length > most)
    return `the pair ${pair.name} must name ${least === most ? 'two features, each' : 'a feature, or two or three, each'} of another of ${OPERANDS.join(', ')}, found ${operands.length}`
  for (const [of, name] of operands) {
    const own = features[SOURCE_OF[of]] ?? []
    if (isOperand(pair.kind, features, of, name)) continue
    const feature = operandFeature(own, name)
    const found = feature ? `is of the kind ${feature.kind}` : 'is no feature'
    return `the pair ${pair.name} must be of features ${WANTED[pair.kind]}, found ${of}.${name}, which ${found}`
  }
  return undefined
}

function isOperand(
  kind: Exclude<PairFeature['kind'], 'distance'>,
  features: FeaturesOf,
  of: Operand,
  name: string,
): boolean {
  if (kind === 'difference') return numberOperand(features, of, name) !== undefined
  const operand = codeOperand(features, of, name, 0)
  if (kind === 'overlap') return operand !== undefined && valuesOf(operand.feature) !== undefined
  return operand !== undefined && (kind === 'cross' || ['category', 'time'].includes(operand.feature.kind))
}
