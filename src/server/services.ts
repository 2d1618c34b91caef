import type { FeatureId } from '../ids.ts'
import type { ModelDescription } from '../model/modelFile.ts'
import type { FeaturesOf, Side } from '../features/featureSpec.ts'
import type { RawRow } from '../features/rawRow.ts'
import type { UnknownContext } from '../ranking/unknownContext.ts'
import type { ExplainedRestaurant } from '../live/liveExplainer.ts'
import type { RecommendRequest } from '../ranking/requestBody.ts'
import type { LastProblems } from './problems/lastProblems.ts'
import type { Change, FeatureRow, StoreLayout, StoreStatus } from '../store/featureStore.ts'

/** What the routes need of the running server; each part is a plain object in their tests. */
export interface Services {
  features: FeatureService
  models: ModelService
  explanations: ExplanationService
  health(): Health
  /** Everything in Prometheus's text format. */
  metrics(): Promise<string>
  /** That requests were answered with. */
  problems: LastProblems
}

export interface FeatureService {
  readonly layout: StoreLayout
  readonly unknownContext: UnknownContext
  /** A row as the server ranks with it now, or would if the model could use it; undefined: there is none. */
  read(side: Side, id: FeatureId): FeatureRow | undefined
  /** So many random rows that can be ranked with, or all there are. */
  sample(side: Side, count: number): FeatureRow[]
  /** What the model that is served takes. */
  features(): FeaturesOf
  /** What the model cannot make of the values of a row, as a part of a sentence; undefined: nothing. */
  problem(side: Side, values: RawRow): string | undefined
  /**
   * Resolves when all are durable and every listening thread sees them. @throws NearrankError DISK,
   * UNAVAILABLE (try again later), MEMORY (no room for more rows).
   */
  write(changes: readonly Change[]): Promise<void>
}

export interface ExplanationService {
  readonly candidatesMax: number // of a request
  /**
   * The list of a request whose body asks for explanations; `userId`: from the path, decoded. @throws Problem
   * as for a request without them; OVERLOADED if too many are being explained.
   */
  explain(userId: string, request: RecommendRequest): Promise<ExplainedList>
}

export interface ExplainedList {
  restaurants: ExplainedRestaurant[]
  isAverage: boolean // for the mean user
}

export interface ServedModel {
  version: number // 1 for the first model since the start, one more for each reload
  path: string
  checksum: string // SHA-256 of the weights
  createdAt: string // ISO 8601
  loadedAt: string
}

/** The model that is served, and those that may take its place. */
export interface ModelReports {
  current: ModelDescription
  previous: ModelDescription | null // that a rollback returns to
  folder: ModelDescription | string // that a reload would load; why the folder cannot be read
}

export interface ModelService {
  current(): ServedModel
  /** Reads the model folder, but not its weights. */
  reports(): Promise<ModelReports>
  /**
   * Loads the model folder again. @throws NearrankError INPUT or DAMAGED if it cannot be served (the old one
   * stays), CONFLICT while another change of the model runs.
   */
  reload(): Promise<ServedModel>
  /** Back to the model before. @throws NearrankError CONFLICT if there is none. */
  rollback(): Promise<ServedModel>
}

export interface Health {
  ready: boolean
  reasons: string[] // why not, or what else an operator should know; sentences
  store: StoreStatus
  model: ServedModel | null
  users: number
  restaurants: number
  listeningThreads: number // that take requests
}
