import type { FeatureKind, NumberFeature, TimePart } from './featureSpec.ts'

/** What the values of a column are, whatever its file calls it. */
export type ValueType =
  | 'integer'
  | 'fraction'
  | 'boolean'
  | 'text'
  | 'time' // with an hour
  | 'date'
  | 'texts' // a list
  | 'numbers' // a list
  | 'other'

/** Of a feature's name: a pair is named after two features, an embedding after a feature and a part of it. */
export const NAME_CHARS_MAX = 400

/** Numbers of a vector. */
export const VECTOR_MAX = 4096

/** A feature before its data has been seen; options that are absent are chosen when it is fitted. */
export interface DeclaredFeature {
  name: string
  kind: FeatureKind
  isId?: true // it is the row's own id
  isPosition?: true // it is the click's place on the screen
  mayBeMissing?: true // later, even if training sees none missing: then the mean takes its place
  dim?: number // numbers of an embedding row
  minCount?: number // a value that is in fewer rows has no code of its own
  maxSize?: number // values that have one, at most
  maxValues?: number // of a list
  buckets?: number // of hashed words
  parts?: readonly TimePart[]
  zone?: string // whose clocks tell the parts of a time
  clip?: readonly [low: number, high: number] // of a number
  scale?: NonNullable<NumberFeature['scale']>
  missing?: number // in place of a number that is missing; absent: the mean
  isOwnPlace?: true // it is the row's own place
  columns?: readonly [latitude: string, longitude: string] // of a place that is in two of them
  sizesM?: readonly number[] // of the cells of a place
}

/** What is known of a column before it is decided whether, and as what, it becomes a feature. */
export interface ColumnFacts {
  name: string
  type: ValueType
  rows: number
  missing: number
  distinct: number // about, of those that are not missing; of a list's column: of the items
  lengths?: { min: number; max: number } // of lists that are not missing
}

/** A column that is no feature, and why. */
export interface LeftOut {
  name: string
  reason: string
}

/** Texts of which more than this share occur once are names or addresses: they say nothing about others. */
const DISTINCT_SHARE_MAX = 0.5
const DISTINCT_MIN = 20 // values; fewer are a category however many rows there are

/**
 * What a column becomes without a declaration: a feature, or a reason to leave it out, as a part of a
 * sentence.
 */
export function inferFeature(facts: ColumnFacts): DeclaredFeature | string {
  const { name, type, rows, missing, distinct, lengths } = facts
  const present = rows - missing
  if (present === 0) return 'it is missing in every row'
  if (rows > 1 && distinct <= 1 && missing === 0) return 'it has the same value in every row'
  switch (type) {
    case 'integer':
    case 'fraction':
      return { name, kind: 'number' }
    case 'boolean':
      return { name, kind: 'category' }
    case 'text':
      if (distinct > DISTINCT_MIN && distinct > DISTINCT_SHARE_MAX * present)
        return 'nearly every row has another text'
      return { name, kind: 'category' }
    case 'time':
      return { name, kind: 'time', parts: ['days', 'hour', 'weekday', 'month'] }
    case 'date':
      return { name, kind: 'time', parts: ['days', 'month'] }
    case 'texts':
      return { name, kind: 'categories' }
    case 'numbers':
      if (!lengths || lengths.max === 0) return 'its lists of numbers are empty'
      if (lengths.min !== lengths.max) return 'its lists of numbers differ in length'
      if (lengths.max > VECTOR_MAX) return `its lists hold more than ${VECTOR_MAX} numbers`
      return { name, kind: 'vector' }
    case 'other':
      return 'its values are neither numbers, texts, times nor lists of these'
  }
}
