import type { DeclaredFeature } from '../../features/declared.ts'

/** Distinct values of a file of so many rows are counted; of a larger one they are an estimate. */
export const EXACT_ROWS_MAX = 50_000

/** What `inspect` found in a folder; plain data. */
export interface Inspection {
  data: string // the folder
  files: {
    users: TableFile | null // null: there is none, or it cannot be read; a warning says which
    restaurants: TableFile | null
    train: ClickFiles | null
    test: ClickFiles | null
  }
  columns: {
    users: InspectedColumn[]
    restaurants: InspectedColumn[]
    clicks: InspectedColumn[] // of the training clicks; of the test clicks if there are no others
  }
  // By 'user.COLUMN', 'restaurant.COLUMN' and, of both together, 'pair.NAME'.
  features: Record<string, FeatureChoice>
  leftOut: Record<string, string> // why, as a part of a sentence; by the same names and 'context.COLUMN'
  warnings: InspectionWarning[]
  seconds: number
  peakRssBytes: number // of both processes together
}

/** What the process that reads the data finds. */
export type Found = Omit<Inspection, 'seconds' | 'peakRssBytes'>

/** A feature as a file of features declares it, under its name. */
export type FeatureChoice =
  | Omit<DeclaredFeature, 'name' | 'isId'>
  | { kind: 'distance' }
  | { kind: 'overlap'; user: string; restaurant: string }

export interface TableFile {
  name: string // relative to the folder; of several files, what they were asked for by
  files: number
  rows: number
  bytes: number
}

export interface ClickFiles {
  name: string // the globs
  files: number
  rows: number
  bytes: number
  clicks: number | null // null: no column tells
  clickRate: number | null // of the rows whose label is 0 or 1
  withoutUser: number | null // share of the clicks whose user has no features; null: it cannot be told
  withoutRestaurant: number | null
  newUser: number | null // of test clicks: share whose user is in no training click; null: it cannot be told
  newRestaurant: number | null
}

/** What a column is to training. */
export type ColumnRole =
  | 'id'
  | 'place' // latitude or longitude
  | 'click' // the label
  | 'feature' // of a user or restaurant, or left out
  | 'context' // of the clicks: a feature only if named

export interface InspectedColumn {
  name: string
  type: string // DuckDB's name for it: BIGINT, VARCHAR, FLOAT[], …
  role: ColumnRole
  missing: number // rows with null or NaN
  missingShare: number
  distinct: number | null // about; of lists: of their items, as far as they were read
  low: number | string | null // the least number or time
  high: number | string | null
  lengths: { min: number; max: number } | null // of lists
  frequent: FrequentValue[] // at most 3, of texts, booleans and lists of texts
  feature: DeclaredFeature | null // what it would become; of a context column: if named
  leftOut: string | null // why it would become none, as a part of a sentence
}

export interface FrequentValue {
  value: string // at most 100 characters of it
  share: number // of all rows, about
}

export interface InspectionWarning {
  kind: WarningKind
  file: string // name or globs
  column: string | null
  message: string // a sentence: file, column, what is wrong, what to do
}

export type WarningKind =
  | 'missingFile'
  | 'unreadable' // a file, or a column of it
  | 'empty' // a file without rows, or a column without values
  | 'missingColumn'
  | 'wrongType' // of an id, a place or the label; or of a column that was named as a feature
  | 'differentColumns' // click files that differ from one another, test files from training files
  | 'missingId'
  | 'duplicateId'
  | 'unusableId' // one that no store and no path can hold
  | 'place' // coordinates that are missing, out of range, or swapped
  | 'notFinite'
  | 'code' // integers that look like codes
  | 'constant'
  | 'distinctTexts'
  | 'label' // neither 0 nor 1, or always the same
  | 'leak' // a column of the clicks that gives the label away
  | 'newIds' // users or restaurants of most test clicks are in no training click
  | 'noFeatures' // of some clicks' user or restaurant, or of a whole table
