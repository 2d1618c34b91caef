/** Where everything is, and how much of it is to be measured. */
export interface Plan {
  data: string
  realisticData: string
  model: string
  scratch: string // a folder of this run
  python: string // the program
  files: number // of training clicks
  rounds: number
  seconds: number // of one trial of a server
  say: (text: string) => void
}

export type TrainingSide = 'nearrank' | 'plain' | 'streaming' | 'tuned' | 'folded' | 'lightgbm'

/** One side's training: one epoch, or all rounds of boosting. */
export interface TrainingRun {
  rows: number
  steps: number
  threads: number
  epochSeconds: number
  packSeconds: number // of all training and test rows; 0 where nothing is packed
  wholeSeconds: number // of the command, from outside
  peakBytes: number // of the process tree, from outside
  ownPeakBytes: number | null // the figure that the program itself gives
  accuracy: number // on all test rows
}

/** LightGBM is missing on all files, where it takes too long. */
export type TrainingRounds = (Record<Exclude<TrainingSide, 'lightgbm'>, TrainingRun> & {
  lightgbm?: TrainingRun
})[]

export type ServingSide = 'nearrank' | 'memory1' | 'memory2' | 'redis' | 'redisLocations'

/** One side's serving. */
export interface ServingRun {
  highestRate: number // per second at P95 ≤ 100 ms without a failure; 0: none
  latencyMs: { p50: number; p95: number; p99: number } // at 30 per second
  cpuRate: number // per second, while processor time was counted
  cpuMs: number // a request, of the server's process tree
  redisCpuMs: number | null // of the Redis server
  peakBytes: number // of the process tree
  redisBytes: number | null
  failed: number // requests of the two trials at fixed rates
}

/** What a server was asked and answered beside Nearrank before anything was measured. */
export interface Agreement {
  requests: number
  sameIds: number // requests with the same restaurants in the same order; the others differ by near-ties
  maxScoreDifference: number
  maxDisplacementDifference: number // metres
}

/** A side is missing where what it needs is not installed. */
export type ServingRounds = Partial<Record<ServingSide, ServingRun>>[]

export interface Serving {
  agreements: Partial<Record<ServingSide, Agreement>>
  rounds: ServingRounds
}

export type RealisticSide = 'nearrank' | 'torch' | 'lightgbm' | 'catboost'

/** One side's training on realistic rows. */
export interface RealisticRun {
  rows: number // learned from; the rest of all is held out
  rounds: number // epochs, or trees
  kept: number // the best of them by validation loss
  trainSeconds: number // of all rounds; Nearrank's packing and PyTorch's compiling left out
  wholeSeconds: number // of the command, from outside
  peakBytes: number // of the process tree, from outside
  auc: number // on all test rows
  logLoss: number
}

/** With the ids of users and restaurants as features, or without. */
export type RealisticCase = 'withoutIds' | 'withIds'

export type RealisticRounds = Record<RealisticCase, Record<RealisticSide, RealisticRun>>[]

export interface Realistic {
  rows: number // training clicks
  testRows: number
  ceilings: Record<RealisticCase, { auc: number; logLoss: number }> // of who knows every probability
  rounds: RealisticRounds
}

/** Everything that was measured, and on what. */
export interface Comparison {
  date: string
  commit: string
  machine: string
  versions: string[]
  command: string
  training?: TrainingRounds
  full?: TrainingRounds // one round on all files
  serving?: Serving
  realistic?: Realistic
}
