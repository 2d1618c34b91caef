export type Side = 'users' | 'restaurants'

export const SIDES = ['users', 'restaurants'] as const
export const SINGULAR = {
  users: 'user',
  restaurants: 'restaurant',
  context: 'context',
  pairs: 'pair',
} as const

/**
 * Where a feature comes from: a side's table, the click or request itself, or user and restaurant together.
 */
export type Source = Side | 'context' | 'pairs'

export const SOURCES = ['users', 'restaurants', 'context', 'pairs'] as const

export const SCALES = ['log', 'rank'] as const

/** A number, as it is or scaled. */
export interface NumberFeature {
  name: string
  kind: 'number'
  clip?: readonly [low: number, high: number] // what is beyond becomes the bound
  scale?: (typeof SCALES)[number] // log(1 + |x|) with the sign of x; or the share of rows that have less
  knots?: readonly number[] // of a rank: quantiles of the training rows, evenly spaced
  missing?: MissingNumber // absent: training saw none missing, and none may be
}

/** What becomes of a number that is missing. */
export interface MissingNumber {
  value: number // takes its place: the mean of the others
  flag: boolean // a second number follows: 1 if it was missing, else 0
}

/** One of some values: a row of an embedding table. */
export interface CategoryFeature {
  name: string
  kind: 'category'
  id?: true // it is the row's own id
  position?: true // it is the click's place on the screen: learned, and unknown to who ranks
  values: readonly string[] // the vocabulary, most frequent first; the code of values[i] is i + 2
  buckets?: number // in place of a vocabulary: the code of a value is 2 + its hash modulo this
  dim: number // numbers of an embedding row; 0: there is none, and only pairs use the codes
}

/** Several of some values, in no order: the mean of their embedding rows. */
export interface CategoriesFeature {
  name: string
  kind: 'categories'
  values: readonly string[]
  buckets?: number // as of a category
  dim: number
  maxValues: number // further ones are left out
}

/** Words, hashed: the mean of their embedding rows. */
export interface TextFeature {
  name: string
  kind: 'text'
  buckets: number // the code of a word is 2 + its hash modulo this
  dim: number
  maxValues: number
}

/** A list of numbers of one length. */
export interface VectorFeature {
  name: string
  kind: 'vector'
  length: number
  missing?: { values: readonly number[]; flag: boolean } // as of a number, for the whole list
}

/** A moment: the days since 1970 as a number, parts of the date and the day as categories. */
export interface TimeFeature {
  name: string
  kind: 'time'
  parts: readonly TimePart[]
  zone?: string // whose clocks tell the parts; absent: UTC
  dim: number
  missing: MissingNumber // of the days; parts have a code of their own for it
}

/** How far the restaurant is from the user: its logarithm as a number, a bucket as a category. */
export interface DistanceFeature {
  name: string
  kind: 'distance'
  dim: number
}

/** What a pair may be made of. */
export const OPERANDS = ['user', 'restaurant', 'context'] as const
export type Operand = (typeof OPERANDS)[number]
export const SOURCE_OF = { user: 'users', restaurant: 'restaurants', context: 'context' } as const

/** The names of the features that a pair is made of; of a part of a time FEATURE.PART. */
export type Operands = { [O in Operand]?: string }

/** How many values two features have in common. */
export interface OverlapFeature extends Operands {
  name: string
  kind: 'overlap'
}

/** One number less another, and how far apart they are. */
export interface DifferenceFeature extends Operands {
  name: string
  kind: 'difference'
}

/** Two categories together, each combination of their codes a category of its own. */
export interface CrossFeature extends Operands, Combination {
  name: string
  kind: 'cross'
  dim: number
  maxValues: number // combinations of lists; further ones are left out
}

/**
 * How often the rows of a code, or of a combination of codes, were clicked: as a logit, drawn towards the
 * mean of all rows, and the logarithm of how many rows that is from.
 */
export interface RateFeature extends Operands, Combination {
  name: string
  kind: 'rate'
  prior: number // rows of the mean rate that every code has beside its own
  folds: number // in training, a row's rate is from the rows of the other folds
  rows: readonly number[] // [buckets], in training
  clicks: readonly number[] // [buckets], of these
}

/** Combinations of codes, numbered; hashed if there are more than `buckets`. */
export interface Combination {
  sizes: readonly number[] // codes that each operand has, in the order of OPERANDS
  buckets: number
}

/** What a pair of user, restaurant and context is, beyond each of them: computed, and stored by nobody. */
export type PairFeature = DistanceFeature | OverlapFeature | DifferenceFeature | CrossFeature | RateFeature

/** A place: the cell of a grid that it lies in, for each size one category, hashed. */
export interface CellFeature {
  name: string
  kind: 'cell'
  place?: true // it is the row's own: of a restaurant, or where the user is
  columns?: readonly [latitude: string, longitude: string] // that it is from; absent: one, a list of both
  sizesM: readonly number[] // of a cell, metres
  buckets: number // of each size
  dim: number
}

export const TIME_PARTS = ['days', 'hour', 'weekday', 'month'] as const
export type TimePart = (typeof TIME_PARTS)[number]

/** One feature, fitted: what training saw decides how a value is encoded from then on. */
export type FeatureSpec =
  | NumberFeature
  | CategoryFeature
  | CategoriesFeature
  | TextFeature
  | VectorFeature
  | TimeFeature
  | CellFeature

/** The features of a model, in the order of its inputs. */
export interface FeaturesOf extends Record<Side, FeatureSpec[]> {
  context?: FeatureSpec[] // absent: none
  pairs?: PairFeature[] // absent: none
}

export type FeatureKind = FeatureSpec['kind']

/** Features that are one number each, none of them ever missing. */
export function numberFeatures(names: readonly string[]): NumberFeature[] {
  return names.map((name) => ({ name, kind: 'number' }))
}

/** Whether a number becomes another one. */
export function isScaled({ clip, scale }: NumberFeature): boolean {
  return clip !== undefined || scale !== undefined
}

/** Whether all of them are: then a row is a vector of numbers, and everything is as in version 0.1. */
export function arePlainNumbers(features: readonly FeatureSpec[]): features is NumberFeature[] {
  return features.every(
    (feature) => feature.kind === 'number' && feature.missing === undefined && !isScaled(feature),
  )
}

/**
 * Those that a store keeps: all but a row's own id and its own place, which it has anyway. If there is
 * nothing else, they are kept as values, too, so that a row is never empty.
 */
export function storedFeatures(features: readonly FeatureSpec[]): readonly FeatureSpec[] {
  const others = features.filter((feature) => !isOwnId(feature) && !isOwnPlace(feature))
  return others.length > 0 ? others : features
}

/** Whether a feature is the row's own id. */
export function isOwnId(feature: FeatureSpec): boolean {
  return feature.kind === 'category' && feature.id === true
}

/** Whether a feature is the row's own place. */
export function isOwnPlace(feature: FeatureSpec): boolean {
  return feature.kind === 'cell' && feature.place === true
}

/** Where on the screen a click was. Who ranks does not know it yet. */
export function isPosition(feature: FeatureSpec): boolean {
  return feature.kind === 'category' && feature.position === true
}

/** Those of the context that a request tells by name: all but where the user is, and positions. */
export function toldFeatures(context: readonly FeatureSpec[]): FeatureSpec[] {
  return context.filter((feature) => !isOwnPlace(feature) && !isPosition(feature))
}

export function namesOf(features: readonly FeatureSpec[]): string[] {
  return features.map(({ name }) => name)
}
