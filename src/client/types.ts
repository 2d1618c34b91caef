/** An id as the data has it; a bigint where an integer lies beyond ±(2^53 − 1). */
export type Id = number | bigint | string

export interface ClientOptions {
  // where the server is, http or https; may end in a path that a proxy has put before the server's own
  url: string
  apiKey?: string
  timeoutMs?: number // for one attempt, its answer included; 10,000 where absent
  retries?: number // how many further attempts a call may take; 2 where absent, 0: none
  answerBytesMax?: number // of one answer; 64 MiB where absent
  fetch?: typeof globalThis.fetch // where absent: the platform's
}

export interface CallOptions {
  signal?: AbortSignal // its reason is thrown when it fires
}

export interface RecommendQuery {
  candidateRestaurantIds?: readonly Id[] | null // absent or null: every restaurant within reach
  latitude: number // degrees
  longitude: number
  size?: number | null // how many at most; the server's default where absent or null, as below
  maxDistM?: number | null
  sortByDistance?: boolean | null // true: nearest first; otherwise highest score first
  context?: FeatureValues | null // of the request itself; where absent: missing, and times are now
  explain?: boolean | null // true: each restaurant is explained, of at most 100
}

export interface RecommendedRestaurant {
  id: Id
  score: number // click probability
  displacementM: number // great-circle distance
  explanation?: Explanation // with `explain`
}

/** Why a restaurant has its score: `baseline` and all effects add up to `logit`. */
export interface Explanation {
  baseline: number // logit of an average user, restaurant and context
  logit: number // of the score
  features: FeatureEffect[] // largest effect first
}

export interface FeatureEffect {
  feature: string // as `restaurant.cuisine`; that of a pair begins with `pair.`
  effect: number // how much it moved the logit
  value: ExplainedValue // as it is stored or was told
  encoded: string // what the encoder made of the value, in words
}

export interface RecommendAnswer {
  restaurants: RecommendedRestaurant[]
  user: 'known' | 'average' // average: the server does not know the user and ranked for the mean one
}

/** A value of a feature; a date or a time is an ISO 8601 text. null: it is missing. */
export type FeatureValue = SingleValue | readonly SingleValue[]
type SingleValue = null | number | string | boolean

/** The same, or with integers beyond ±(2^53 − 1) as bigints. */
export type ExplainedValue = FeatureValue | bigint | readonly (SingleValue | bigint)[]

/** Values by the names of the features; what is absent is missing. */
export type FeatureValues = Readonly<Record<string, FeatureValue>>

/** What is put: numbers in the order of the model's columns, or values by name. */
export type Features = ArrayLike<number> | FeatureValues

export interface RestaurantFeatures {
  features: Features
  latitude: number // degrees
  longitude: number
}

/** `F`: what the server keeps of users, numbers or values by name. */
export interface StoredUser<F extends number[] | FeatureValues = number[]> {
  id: Id
  features: F
}

export interface StoredRestaurant<F extends number[] | FeatureValues = number[]> extends StoredUser<F> {
  latitude: number // degrees
  longitude: number
}

/** A row to put in or to take out. */
export type FeatureRow =
  | { userId: Id; features: Features }
  | ({ restaurantId: Id } & RestaurantFeatures)
  | { userId: Id; deleted: true }
  | { restaurantId: Id; deleted: true }

export interface PutFeaturesAnswer {
  users: number // rows put in
  restaurants: number
  deleted: number
}

export interface ServedModel {
  version: number // 1 for the first model since the server's start
  path: string
  checksum: string
  createdAt: string // ISO 8601
  loadedAt: string
}

export interface Readiness {
  ready: boolean
  status: string
  reasons: string[] // why not, or what else an operator should know
}
