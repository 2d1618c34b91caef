import type { RawRow } from '../../features/rawRow.ts'
import type { RawValue } from '../../features/values.ts'

/** How much a feature moved the logit of a restaurant. */
export interface FeatureEffect {
  feature: string // its name, as a declaration has it: `restaurant.cuisine`
  effect: number // on the logit
  value: RawValue // as it is stored or was told; null: there is none. Of a pair, see `pairValue`
  encoded: string // what the encoder made of it, in words
}

/** Why a restaurant has its score: `baseline` and all effects add up to `logit`. */
export interface Explanation {
  baseline: number // logit of the average that effects are measured from, see `Explainer`
  logit: number // of the score
  features: FeatureEffect[] // largest effect first
}

/** The request that is explained. */
export interface ExplainedRequest {
  user: Float32Array // encoded row
  context: Float32Array // encoded row
  latitude: number // degrees
  longitude: number
  maxDistM: number // great-circle metres
}

/** Encoded rows of one side; one whose first word is NaN is none. */
export interface RowTable {
  rows: Float32Array // [at least count, width]
  width: number // words
  count: number
}

/** What a request was ranked from. */
export interface ExplainedTables {
  users: RowTable
  restaurants: RowTable
  vectors: Float64Array // [restaurants, 3], of geo's unitVectors; NaN: nowhere
}

/** The values of a pair and its context, with ids that are features; user null: the mean user. */
export interface RawRows {
  user: RawRow | null
  restaurant: RawRow
  context: RawRow
}
